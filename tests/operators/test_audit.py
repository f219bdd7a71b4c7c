# SPDX-License-Identifier: Apache-2.0
"""The operator that audits backup plans: what it asks, what it leaves behind, and how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk import DAG

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.judgement.audit import Severity
from airflow_provider_dbs.operators.dbs import DbsBackupAuditOperator
from tests.operators.audit_runs import add_plan, audit, audit_context, auditing, finding_of, plan_of
from tests.operators.conftest import run

HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(timezone.utc)


def operations(dbs: Emulator) -> list[str]:
    return [call.operation for call in dbs.calls]


def test_a_healthy_fleet_passes_and_leaves_its_report(dbs: Emulator, tmp_path: Path) -> None:
    for name in ("orders", "users"):
        add_plan(dbs, name)
    summary, found = audit(tmp_path, fail_on="warn")
    assert found.severity is Severity.OK
    assert [plan.name for plan in found.plans] == ["orders", "users"]
    assert summary["headline"] == "All 2 backup plans are ok"
    assert summary["by_severity"] == {"ok": 2}
    assert summary["api_calls"] == found.api_calls == len(dbs.calls)
    assert (summary["complete"], summary["changes"], summary["worst"]) == (True, None, [])
    directory = Path(summary["audit_json"]).parent
    assert directory == tmp_path / "nightly" / "audit" / f"{found.as_of:%Y%m%dT%H%M%SZ}"
    assert sorted(path.name for path in directory.iterdir()) == ["audit.html", "audit.json", "audit.md"]
    assert "orders" in Path(summary["audit_html"]).read_text()
    assert "All 2 backup plans are ok" in Path(summary["audit_markdown"]).read_text()
    assert found.versions.keys() == {"airflow-provider-dbs", "apache-airflow"}


def test_an_error_fails_the_task_after_the_report_is_written(dbs: Emulator, tmp_path: Path) -> None:
    add_plan(dbs, "orders")
    add_plan(dbs, "billing", failed=[0, 1])
    context = audit_context()
    with pytest.raises(AirflowFailException, match=r"1 of 2 backup plans is in error \(fail_on='error'\)") as failure:
        run(auditing(tmp_path), context)
    assert "billing (dbsbilling) error: full too old, newest failed" in str(failure.value)
    summary = context["ti"].xcoms["return_value"]
    assert summary["severity"] == "error"
    assert summary["audit_html"] in str(failure.value)
    assert "billing" in Path(summary["audit_html"]).read_text()


@pytest.mark.parametrize(
    ("trouble", "fail_on", "raised"),
    [
        ("warn", "error", None),
        ("warn", "warn", AirflowFailException),
        ("warn", "never", None),
        ("unknown", "error", AirflowException),  # a retry may see what this try could not
        ("unknown", "warn", AirflowException),
        ("unknown", "never", None),
        ("error", "warn", AirflowFailException),
        ("error", "never", None),
    ],
)
def test_what_fails_the_task(
    dbs: Emulator, tmp_path: Path, trouble: str, fail_on: str, raised: type[Exception] | None
) -> None:
    add_plan(dbs, "orders", failed={"error": [0, 1], "warn": [5, 9]}.get(trouble, []))
    if trouble == "unknown":
        dbs.add_fault("forbidden", operation="DescribeFullBackupList", times=None)
    operator = auditing(tmp_path, fail_on=fail_on)
    if raised is None:
        assert run(operator, audit_context())["severity"] == trouble
        return
    with pytest.raises(AirflowException) as failure:
        run(operator, audit_context())
    assert type(failure.value) is raised


def test_one_plan_that_cannot_be_read_costs_no_other_its_audit(dbs: Emulator, tmp_path: Path) -> None:
    for name in ("mail", "orders", "users"):
        add_plan(dbs, name)
    dbs.add_fault("forbidden", operation="DescribeFullBackupList", backup_plan_id="dbsmail", times=None)
    summary, found = audit(tmp_path)
    assert {plan.name: plan.severity.value for plan in found.plans} == {
        "mail": "unknown",
        "orders": "ok",
        "users": "ok",
    }
    assert not found.complete
    assert "HTTP 403" in finding_of(found, "dbsmail", "evidence").summary
    # What rests on the logs alone is judged all the same, and the table names the cause, not all that follows from it.
    assert finding_of(found, "dbsmail", "log.lag").severity is Severity.OK
    assert summary["worst"][0]["why"] == "not all read"


def test_rows_that_break_a_check_cost_no_other_plan_its_audit(dbs: Emulator, tmp_path: Path) -> None:
    add_plan(dbs, "orders")
    add_plan(dbs, "mail")
    dbs.add_fault("odd_cells", operation="DescribeFullBackupList", backup_plan_id="dbsmail", cells={"StartTime": "x"})
    _, found = audit(tmp_path)
    assert plan_of(found, "dbsorders").severity is Severity.OK
    assert plan_of(found, "dbsmail").severity is Severity.UNKNOWN


def test_a_service_that_is_out_of_reach_is_not_asked_a_thousand_times(
    dbs: Emulator, tmp_path: Path, connect: Callable[..., None]
) -> None:
    connect(**dbs.airflow_connection(max_calls_per_second=0, max_attempts=1))
    for number in range(40):
        dbs.add_plan(f"dbs{number:02d}")
    dbs.add_fault("server_error", operation="DescribeFullBackupList", times=None)
    dbs.add_fault("server_error", operation="DescribeIncrementBackupList", times=None)
    _, found = audit(tmp_path)
    assert len(dbs.calls) < 2 * 30
    assert {plan.severity for plan in found.plans} == {Severity.UNKNOWN}
    assert "plans in a row got no answer" in finding_of(found, "dbs39", "evidence").summary


def test_only_the_lists_are_read_that_the_policy_needs(dbs: Emulator, tmp_path: Path) -> None:
    add_plan(dbs, "orders")
    log_checks = ["content.age", "log.lag", "log.broken", "log.sequence_gap", "coverage", "data.time"]
    _, found = audit(tmp_path, policy={"leave_out": [*log_checks, "data.duplicate", "data.unit"]})
    assert operations(dbs).count("DescribeIncrementBackupList") == 0
    assert finding_of(found, "dbsorders", "log.lag").severity is Severity.NOT_EVALUATED
    audit(tmp_path)
    asked = [call for call in dbs.calls if call.operation == "DescribeIncrementBackupList"]
    # Of the logs only the recovery window and what leads to it.
    assert 3 < (now().timestamp() * 1000 - int(asked[0].parameters["StartTimestamp"])) / 86_400_000 < 8


def test_the_cost_is_said_before_and_the_progress_on_the_way(
    dbs: Emulator, tmp_path: Path, log_lines: Callable[[], list[str]], connect: Callable[..., None]
) -> None:
    connect(**dbs.airflow_connection(max_calls_per_second=100))
    add_plan(dbs, "billing", failed=[0, 1])
    add_plan(dbs, "orders")
    audit(tmp_path)
    lines = log_lines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Auditing 2 backup plans as of "))
    assert "calls in about" in lines[start]
    assert "at most 100 a second" in lines[start]
    progress = [line for line in lines[start:] if "plans judged" in line]
    assert "worst so far: error, billing (dbsbilling): full too old" in progress[-1]
    assert progress[-1].startswith("2 of 2 plans judged, ")
    assert any(line.startswith("Report: /") for line in lines)


@pytest.mark.parametrize(
    ("settings", "audited"),
    [
        ({}, ["dbsorders", "dbsusers"]),
        ({"backup_plan_ids": "{{ 'dbsusers' }}"}, ["dbsusers"]),
        ({"backup_plan_ids": ["dbsorders", "dbsusers"], "region": "cn-beijing"}, ["dbsusers", "dbsorders"]),
        ({"region": "cn-beijing"}, ["dbsusers"]),
    ],
)
def test_which_plans_are_audited(dbs: Emulator, tmp_path: Path, settings: dict[str, Any], audited: list[str]) -> None:
    add_plan(dbs, "orders")
    add_plan(dbs, "users", plan={"region": "cn-beijing"})
    _, found = audit(tmp_path, **settings)
    assert sorted(plan.backup_plan_id for plan in found.plans) == sorted(audited)


def test_a_plan_that_dbs_does_not_know_is_unknown(dbs: Emulator, tmp_path: Path) -> None:
    add_plan(dbs, "orders")
    _, found = audit(tmp_path, backup_plan_ids=["dbsorders", "dbsgone"])
    assert plan_of(found, "dbsorders").severity is Severity.OK
    assert "DBS does not know plan dbsgone in region cn-hangzhou" in finding_of(found, "dbsgone", "evidence").summary


def test_an_account_without_plans_is_not_green(dbs: Emulator, tmp_path: Path) -> None:
    with pytest.raises(AirflowException, match="No backup plan was audited"):
        run(auditing(tmp_path), audit_context())


def test_without_a_list_of_plans_nothing_is_audited(dbs: Emulator, tmp_path: Path) -> None:
    dbs.add_fault("forbidden", operation="DescribeBackupPlanList")
    with pytest.raises(AirflowFailException, match=r"no list of backup plans, so nothing was audited: .*HTTP 403"):
        run(auditing(tmp_path), audit_context())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backup_plan_ids": []}, "backup_plan_ids is empty"),
        ({"backup_plan_ids": ""}, "backup_plan_ids is empty"),
        ({"policy": {"recovery": "3d"}}, r"there is no setting 'recovery'; did you mean 'recovery_window'\?"),
        ({"policy": "rpo: soon"}, "policy.rpo: 'soon' is no duration"),
        ({"policy": "/nowhere/policy.yaml"}, "policy='/nowhere/policy.yaml' cannot be read from /nowhere/policy.yaml"),
        ({"as_of": "yesterday"}, "as_of='yesterday' is no time"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "lies in the future"),
        ({"previous": "/nowhere/audit.json"}, "previous='/nowhere/audit.json' is no audit.json that can be read"),
        ({"report_url": "s3://bucket"}, "report_url='s3://bucket' is nothing a browser opens"),
        ({"report_url": "//elsewhere"}, "nothing a browser opens"),
        ({"output_path": "audits"}, "output_path='audits' is relative"),
        ({"output_path": "/proc/audits"}, "output_path='/proc/audits' cannot be written"),
        ({"output_path": "nosuch://bucket/audits"}, "nosuch"),
    ],
)
def test_a_wrong_setting_is_named_before_dbs_is_asked(
    dbs: Emulator, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    operator = DbsBackupAuditOperator(task_id="audit", **{"output_path": str(tmp_path), **settings})
    with pytest.raises(AirflowFailException, match=f"Bad argument: .*{message}"):
        run(operator, audit_context())
    assert dbs.calls == []


def test_a_wrong_choice_is_named_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="fail_on='always' is not one of 'error', 'warn', 'never'"):
        DbsBackupAuditOperator(task_id="audit", fail_on="always")


def test_a_policy_that_contradicts_itself_for_a_plan_is_named_before_its_lists_are_read(
    dbs: Emulator, tmp_path: Path
) -> None:
    add_plan(dbs, "orders")
    override = {"backup_plan_id": "dbsorders", "checks": {"redundancy": {"error": 3}}}
    late = {"backup_plan_name": "orders", "min_redundancy": 3}
    with pytest.raises(AirflowFailException, match=r"policy.overrides\[1\]"):
        run(
            auditing(tmp_path, policy={"min_redundancy": 4, "overrides": [override, {**late, "min_redundancy": 2}]}),
            audit_context(),
        )
    assert set(operations(dbs)) <= {"DescribeBackupPlanList"}


@pytest.mark.parametrize("form", ["dict", "text", "file", "beside the DAG", "url"])
def test_the_forms_of_a_policy(dbs: Emulator, tmp_path: Path, form: str) -> None:
    add_plan(dbs, "orders")
    (tmp_path / "policy.yaml").write_text("min_retention: 70d\n")
    given: Any = {
        "dict": {"min_retention": "{{ 7 * 10 }}d"},
        "text": "{{ 'min_retention: 70d' }}",
        "file": str(tmp_path / "policy.yaml"),
        "url": f"file://{tmp_path}/policy.yaml",
        "beside the DAG": "policy.yaml",
    }[form]
    with DAG("nightly", schedule=None) as dag:
        operator = auditing(tmp_path, policy=given, fail_on="never")
    dag.fileloc = str(tmp_path / "dag.py")
    assert run(operator, audit_context())["worst"][0]["why"] == "kept too short"


def test_a_backup_that_ends_during_a_long_audit_is_neither_lost_nor_of_the_future(
    dbs: Emulator, tmp_path: Path
) -> None:
    add_plan(dbs, "orders", logs={"days": 10, "lag": "90m"})
    dbs.add_full_backup("dbsorders", "meanwhile", start=now() - 1.5 * HOUR, end=now() - 0.5 * HOUR)
    dbs.add_full_backup("dbsorders", "not-yet", start=now() - 0.75 * HOUR, end=now() - 0.5 * HOUR)
    context = {**audit_context(), "an_hour_ago": (now() - HOUR).isoformat()}
    _, found = audit(tmp_path, context, as_of="{{ an_hour_ago }}")
    states = {full.backup_set_id: full.state.value for full in plan_of(found, "dbsorders").fulls}
    assert states["meanwhile"] == "running"
    assert "not-yet" not in states
    assert finding_of(found, "dbsorders", "data.time").severity is Severity.OK
    assert finding_of(found, "dbsorders", "size.zero").severity is Severity.OK


def test_an_as_of_of_long_ago_is_warned_of(dbs: Emulator, tmp_path: Path, log_lines: Callable[[], list[str]]) -> None:
    add_plan(dbs, "orders")
    audit(tmp_path, as_of=now() - timedelta(days=3))
    assert any("lies 3 d back: backups that have expired since are not listed" in line for line in log_lines())


def test_an_override_that_fits_no_plan_is_told(
    dbs: Emulator, tmp_path: Path, log_lines: Callable[[], list[str]]
) -> None:
    add_plan(dbs, "orders")
    overrides = [{"backup_plan_name": "order*", "rpo": "3h"}, {"backup_plan_id": "dbsorder", "rpo": "1m"}]
    audit(tmp_path, policy={"overrides": overrides})
    assert [line.split(":")[0] for line in log_lines() if "overrides" in line] == [
        "policy.overrides[1] fits none of the plans"
    ]
    audit(tmp_path, policy={"overrides": overrides}, backup_plan_ids="dbsorders")
    assert not any("overrides" in line for line in log_lines())


def test_the_logs_are_judged_with_the_last_good_full_however_old(dbs: Emulator, tmp_path: Path) -> None:
    add_plan(dbs, "orders", failed=list(range(8)), logs={"days": 15})
    _, found = audit(tmp_path)
    assert finding_of(found, "dbsorders", "full.age").severity is Severity.ERROR
    assert finding_of(found, "dbsorders", "coverage").measured == 1
    assert finding_of(found, "dbsorders", "content.age").severity is Severity.OK


def test_the_summary_stays_small(dbs: Emulator, tmp_path: Path) -> None:
    for number in range(60):
        dbs.add_plan(f"dbs{number:02d}", backup_plan_name="n" * 5000)
    summary, found = audit(tmp_path, report_url="https://reports.example.com")
    assert len(found.plans) == 60
    assert summary["by_severity"] == {"error": 60}
    assert len(summary["worst"]) == 10
    assert len(json.dumps(summary)) < 6000
