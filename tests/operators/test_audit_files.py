# SPDX-License-Identifier: Apache-2.0
"""Where audits are kept, what a browser opens, and what one audit is compared with."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.operators.audit_files import read_audit
from tests.operators.audit_runs import add_plan, audit, audit_context, auditing
from tests.operators.conftest import run


@pytest.fixture
def plan(dbs: Emulator) -> Emulator:
    add_plan(dbs, "orders")
    return dbs


@contextmanager
def as_nobody() -> Iterator[None]:
    """Tests in a container run as root, whom no permission stops."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def ago(**length: float) -> datetime:
    return datetime.now(timezone.utc) - timedelta(**length)


def test_an_object_store(plan: Emulator) -> None:
    store = MemoryFileSystem()
    attach("memory", fs=store)
    summary, _ = audit("memory://bucket/audits", as_of=ago(hours=3))
    assert summary["audit_json"].startswith("memory://bucket/audits/nightly/audit/")
    assert store.cat(summary["audit_html"].removeprefix("memory:/"))[:15] == b"<!DOCTYPE html>"
    later, _ = audit("memory://bucket/audits")
    assert later["changes"] is not None  # the first one was found again


def test_the_default_is_a_directory_of_airflow(plan: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    summary, _ = audit("")
    assert summary["audit_json"].startswith(f"{tmp_path}/dbs-audits/nightly/audit/")


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """Lets no file grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_fails_leaves_nothing_half_and_the_report_in_the_log(
    plan: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], small_disk: Callable[[int], None]
) -> None:
    small_disk(20_000)
    with pytest.raises(OSError, match="too large"):
        run(auditing(tmp_path, as_of=ago(hours=1)), audit_context())
    small_disk(resource.RLIM_INFINITY)
    (place,) = (tmp_path / "nightly" / "audit").iterdir()
    assert list(place.iterdir()) == []
    told = capsys.readouterr().out.partition("The report could not be written")[2]
    assert "| ✅ ok | orders (dbsorders) |" in told
    summary, _ = audit(tmp_path)
    assert summary["changes"] is None  # an audit without audit.json is none


def test_a_place_that_cannot_be_written_is_found_before_dbs_is_asked(plan: Emulator) -> None:
    with TemporaryDirectory() as place, as_nobody():
        kept = Path(place) / "nightly" / "audit"
        with pytest.raises(AirflowFailException, match=f"output_path='{place}' cannot be written"):
            run(auditing(place), audit_context())
    assert not kept.exists()
    assert plan.calls == []


@pytest.mark.parametrize("store", ["disk", "memory://same"])
def test_an_audit_of_the_same_instant_overwrites_none(plan: Emulator, tmp_path: Path, store: str) -> None:
    attach("memory", fs=MemoryFileSystem())
    output, as_of = (tmp_path if store == "disk" else store), ago(hours=1)
    first, before = audit(output, as_of=as_of)
    add_plan(plan, "billing", failed=[0, 1])
    second, _ = audit(output, as_of=as_of)
    assert second["audit_json"] == first["audit_json"].replace("Z/", "Z-2/")
    assert read_audit(first["audit_json"]) == before
    third, _ = audit(output)
    assert third["changes"]["new"] == 0  # the second was the last


@pytest.mark.parametrize(
    ("settings", "link"),
    [
        ({}, ""),
        (
            {"report_url": "https://reports.example.com/dbs/"},
            "https://reports.example.com/dbs/nightly/audit/{}/audit.html",
        ),
        ({"report_url": "{{ '/static/audits' }}"}, "/static/audits/nightly/audit/{}/audit.html"),
    ],
)
def test_the_link_of_the_task_opens_the_report(
    plan: Emulator, tmp_path: Path, settings: dict[str, Any], link: str
) -> None:
    operator = auditing(tmp_path, **settings)
    (button,) = operator.operator_extra_links
    summary = run(operator, audit_context())
    stamp = Path(summary["audit_json"]).parent.name
    assert button.name == "Audit report"
    assert button.get_link(operator, ti_key=None) == link.format(stamp)  # type: ignore[arg-type]
    assert summary["report_url"] == (link.format(stamp) or None)


def test_new_ongoing_and_resolved(plan: Emulator, tmp_path: Path) -> None:
    first, _ = audit(tmp_path, as_of=ago(hours=3))
    assert first["changes"] is None
    add_plan(plan, "billing", failed=[0, 1])
    second, _ = audit(tmp_path, as_of=ago(hours=2))
    assert second["changes"]["since"] == first["as_of"]
    assert second["changes"]["new"] >= 2
    third, _ = audit(tmp_path, as_of=ago(hours=1))
    assert (third["changes"]["new"], third["changes"]["ongoing"]) == (0, second["changes"]["new"])
    plan.add_full_backup("dbsbilling", start=ago(minutes=40), end=ago(minutes=10))
    fourth, _ = audit(tmp_path)
    assert fourth["changes"]["resolved"] >= 2
    chosen, _ = audit(tmp_path, previous=first["audit_json"])
    assert chosen["changes"]["since"] == first["as_of"]
    none, _ = audit(tmp_path, previous=None)
    assert none["changes"] is None


def test_a_retry_is_compared_with_what_its_first_try_was_compared_with(plan: Emulator, tmp_path: Path) -> None:
    before, _ = audit(tmp_path, as_of=ago(hours=3))
    add_plan(plan, "billing", failed=[0, 1])
    started = ago(minutes=30)
    tries = [audit(tmp_path, audit_context(started=started), as_of=ago(minutes=20 - 10 * each))[0] for each in (0, 1)]
    assert [each["changes"]["since"] for each in tries] == [before["as_of"]] * 2
    assert tries[0]["changes"]["new"] == tries[1]["changes"]["new"] > 0


def test_a_last_audit_that_cannot_be_read_costs_no_audit(
    plan: Emulator, tmp_path: Path, log_lines: Callable[[], list[str]]
) -> None:
    first, _ = audit(tmp_path, as_of=ago(hours=3))
    Path(first["audit_json"]).write_text('{"schema_version": 99}')
    second, _ = audit(tmp_path)
    assert second["changes"] is None
    assert any("The last audit cannot be read" in line and "audit.json" in line for line in log_lines())


def test_other_tasks_and_parts_are_nobodys_last_audit(plan: Emulator, tmp_path: Path) -> None:
    other, _ = audit(tmp_path, audit_context(task_id="another"), as_of=ago(hours=3))
    part, _ = audit(tmp_path, audit_context(map_index=3), as_of=ago(hours=2))
    assert Path(part["audit_json"]).parent.name.endswith("-part0003")
    mine, _ = audit(tmp_path)
    assert (other["changes"], part["changes"], mine["changes"]) == (None, None, None)


def test_a_file_that_is_no_audit_is_named(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text("[]")
    with pytest.raises(ValueError, match=r"audit\.json: Expected `object`"):
        read_audit(str(tmp_path / "audit.json"))


def test_the_report_is_written_even_if_nothing_could_be_read(dbs: Emulator, tmp_path: Path) -> None:
    add_plan(dbs, "orders")
    for operation in ("DescribeFullBackupList", "DescribeIncrementBackupList"):
        dbs.add_fault("forbidden", operation=operation, times=None)
    context = audit_context()
    with pytest.raises(AirflowException, match="The backup plan could not be judged"):
        run(auditing(tmp_path), context)
    assert Path(context["ti"].xcoms["return_value"]["audit_html"]).exists()
