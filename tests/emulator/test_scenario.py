# SPDX-License-Identifier: Apache-2.0
"""Scenarios: what they can say, and how a mistake in one is reported."""

from __future__ import annotations

import json
import textwrap
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from airflow_provider_dbs.emulator import Emulator, scenario
from airflow_provider_dbs.emulator.backups import Kind
from airflow_provider_dbs.emulator.scenario import ScenarioError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)

SCENARIO = {
    "settings": {"order": "newest", "latency": "20ms", "durations": {"running": "3s"}},
    "plans": [
        {
            "backup_plan_id": "dbs1",
            "region": "cn-beijing",
            "backup_method": "logical",
            "BackupPlanName": "orders",
            "full_backups": [
                {"backup_set_id": "old", "start": "-26h", "end": "-25h", "expires": "+1d", "size": 580},
                {"backup_set_id": "iso", "start": "2026-03-01T04:00:00+02:00", "end": "2026-03-01T03:00:00Z"},
                {"backup_set_id": "now", "status": "running", "start": "now", "progression": "by_time"},
                {"backup_set_id": "ms", "start": 1772330400000, "BackupSize": "0", "omit": ["EndTime"]},
            ],
            "incremental_backups": [{"backup_set_id": "mysql-bin.000001", "start": "-2h", "end": "now-1h"}],
            "restore_ranges": [{"begin": "-1d", "end": "-1h"}],
        },
        {"backup_plan_id": "dbs2"},
    ],
    "faults": [{"kind": "throttle", "operation": "DescribeFullBackupList", "times": None, "code": "Throttling.Api"}],
}


def hours(count: float) -> int:
    return int((NOW + timedelta(hours=count)).timestamp() * 1000)


def rows(emulator: Emulator, kind: Kind = Kind.FULL) -> dict[str, dict]:
    return {item.row["BackupSetId"]: item.row for item in emulator.service.store.listing(kind, "dbs1")}


@pytest.fixture(params=["dict", "json", "yaml"])
def emulator(request, tmp_path):
    if request.param == "dict":
        return Emulator(SCENARIO, now=lambda: NOW)
    path = tmp_path / f"demo.{request.param}"
    path.write_text(json.dumps(SCENARIO))  # JSON is YAML
    return Emulator(path, now=lambda: NOW)


def test_everything_a_scenario_can_say(emulator):
    full = rows(emulator)
    assert (full["old"]["StartTime"], full["old"]["EndTime"]) == (hours(-26), hours(-25))
    assert (full["old"]["BackupSetExpiredTime"], full["old"]["BackupSize"]) == (hours(24), 580)
    assert (full["iso"]["StartTime"], full["iso"]["EndTime"]) == (hours(-10), hours(-9))
    assert (full["now"]["BackupStatus"], full["now"]["StartTime"]) == ("running", hours(0))
    assert (full["ms"]["StartTime"], full["ms"]["BackupSize"]) == (1772330400000, "0")
    (log,) = rows(emulator, Kind.INCREMENTAL).values()
    assert (log["BackupStatus"], log["EndTime"]) == ("COMPLETED", hours(-1))
    plan, other = emulator.service.store.plans()
    assert (plan.row["BackupPlanRegion"], plan.row["BackupMethod"]) == ("cn-beijing", "logical")
    assert (plan.row["BackupPlanName"], other.row["BackupPlanId"]) == ("orders", "dbs2")
    assert plan.restore_ranges[0]["EndTimestampForRestore"] == hours(-1)
    assert emulator.settings.order == "newest"
    assert emulator.settings.latency == timedelta(milliseconds=20)
    assert emulator.settings.durations["running"] == timedelta(seconds=3)
    assert emulator.settings.durations["schedule"] == timedelta(seconds=5)
    assert emulator.service.faults.describe() == [
        {
            "kind": "throttle",
            "operation": "DescribeFullBackupList",
            "backup_plan_id": None,
            "remaining": None,
            "options": {"code": "Throttling.Api"},
        }
    ]


def test_reset_loads_it_again_and_clear_does_not(emulator):
    emulator.add_full_backup("dbs1", "added")
    emulator.reset()
    assert rows(emulator).keys() == {"old", "iso", "now", "ms"}
    emulator.clear()
    assert emulator.service.store.plans() == []
    assert emulator.settings.order == "shuffled"


def test_the_example_of_the_documentation(tmp_path):
    example = textwrap.dedent(scenario.__doc__.split(".. code-block:: json")[1].split("Every part")[0])
    path = tmp_path / "example.json"
    path.write_text(example)
    emulator = Emulator(path)
    statuses = [item.status for item in emulator.service.store.listing(Kind.FULL, "dbsr179qz0001")]
    assert statuses == ["running", "finish"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"plan": []}, "demo.json: 'plan' is unknown; the parts of a scenario are settings, plans, faults"),
        ({"plans": {}}, None),
        ({"plans": {"a": 1}}, "demo.json: plans: must be a list"),
        ({"plans": ["dbs1"]}, "demo.json: plans[0]: must be an object, not 'dbs1'"),
        ({"plans": [{}]}, "demo.json: plans[0]: 'backup_plan_id' is missing"),
        (
            {"plans": [{"backup_plan_id": "a"}, {"backup_plan_id": "a"}]},
            "demo.json: plans[1]: backup plan 'a' exists already",
        ),
        (
            {"plans": [{"backup_plan_id": "a", "backup_metod": "x"}]},
            "demo.json: plans[0]: field 'backup_metod' is unknown; did you mean backup_method",
        ),
        (
            {"plans": [{"backup_plan_id": "a", "full_backups": [{}, {"start": "yesterday"}]}]},
            "demo.json: plans[0].full_backups[1].start: 'yesterday' is not a time: use ISO 8601 with an offset",
        ),
        (
            {"plans": [{"backup_plan_id": "a", "full_backups": [{"start": "2026-03-01T02:00:00"}]}]},
            "demo.json: plans[0].full_backups[0].start: 2026-03-01T02:00:00 has no time zone",
        ),
        (
            {"plans": [{"backup_plan_id": "a", "full_backups": [{"progression": "fast"}]}]},
            "demo.json: plans[0].full_backups[0]: progression 'fast' must be one of",
        ),
        (
            {"plans": [{"backup_plan_id": "a", "full_backups": [{"durations": {"running": "soon"}}]}]},
            "demo.json: plans[0].full_backups[0]: 'soon' is not a duration",
        ),
        (
            {"plans": [{"backup_plan_id": "a", "restore_ranges": [{"begin": "now"}]}]},
            "demo.json: plans[0]: a restore range has begin and end",
        ),
        ({"settings": {"latency": "slow"}}, "demo.json: settings: 'slow' is not a duration"),
        ({"settings": ["order"]}, "demo.json: settings: must be an object"),
        ({"faults": [{"times": 1}]}, "demo.json: faults[0]: 'kind' is missing"),
        ({"faults": [{"kind": "throttle", "cod": 1}]}, "demo.json: faults[0]: fault 'throttle' has no option 'cod'"),
    ],
)
def test_a_mistake_is_reported_with_its_place(tmp_path, given, message):
    path = tmp_path / "demo.json"
    path.write_text(json.dumps(given))
    if message is None:
        Emulator(path)
        return
    with pytest.raises(ScenarioError) as caught:
        Emulator(path)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(message)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("demo.json", "{", "Expecting property name"),
        ("demo.json", "[]", "must be an object with the keys settings, plans, faults"),
        ("demo.yaml", "a: [", "is not YAML"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ScenarioError) as caught:
        Emulator(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert message in str(caught.value)


def test_a_missing_file_is_named():
    with pytest.raises(ScenarioError, match=r"nowhere\.json: cannot be read: No such file"):
        Emulator(Path("nowhere.json"))
