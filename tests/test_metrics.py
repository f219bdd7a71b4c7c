# SPDX-License-Identifier: Apache-2.0
"""An audit's gauges, as a backend of Airflow's gets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Stats

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.metrics import send_gauges
from tests.operators.audit_runs import add_plan, audit

Gauges = dict[str, tuple[float, dict[str, str]]]


@pytest.fixture
def gauges(monkeypatch: pytest.MonkeyPatch) -> Gauges:
    """What reached the backend: name → value and tags. The backend itself is Airflow's."""
    seen: Gauges = {}

    def gauge(stat: str, value: float, *args: Any, tags: dict[str, str], **kwargs: Any) -> None:
        assert stat not in seen or tags != seen[stat][1], f"{stat} is sent twice"
        seen[stat if stat not in seen else f"{stat} {tags}"] = value, tags

    monkeypatch.setattr(Stats, "gauge", gauge)
    return seen


def test_without_tags_each_plan_has_its_own_series(dbs: Emulator, tmp_path: Path, gauges: Gauges) -> None:
    add_plan(dbs, "orders", failed=[0, 1])
    dbs.add_plan("dbs.odd", enable_backup_log=False)
    _, found = audit(tmp_path)
    values = {name: value for name, (value, _) in gauges.items()}
    assert 60 * 3600 < values["dbs.full_age_seconds.dbsorders"] < 72 * 3600
    assert 0 <= values["dbs.content_age_seconds.dbsorders"] < 7200
    assert values["dbs.coverage_ratio.dbsorders"] == 1
    assert values["dbs.redundancy.dbsorders"] == 18
    assert values["dbs.findings.dbsorders.error"] == 2
    assert values["dbs.findings.dbsorders.unknown"] == 0
    assert values["dbs.audit_timestamp.dbsorders"] == found.as_of.timestamp()
    # No full at all has no age; a dot in an id is no level of the name.
    assert "dbs.full_age_seconds.dbs_odd" not in values
    assert values["dbs.redundancy.dbs_odd"] == 0
    assert gauges["dbs.redundancy.dbs_odd"][1] == {"backup_plan_id": "dbs.odd"}


def test_with_tags_the_name_is_one_for_all(
    dbs: Emulator, tmp_path: Path, gauges: Gauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_plan(dbs, "orders")
    _, found = audit(tmp_path)
    gauges.clear()
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_DATADOG_ENABLED", "True")
    send_gauges(found)
    assert gauges["dbs.redundancy"] == (20, {"backup_plan_id": "dbsorders"})
    assert {name.split(" ")[0] for name in gauges} == {
        "dbs.full_age_seconds",
        "dbs.content_age_seconds",
        "dbs.coverage_ratio",
        "dbs.redundancy",
        "dbs.findings",
        "dbs.audit_timestamp",
    }
