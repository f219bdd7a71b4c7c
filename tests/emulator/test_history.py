# SPDX-License-Identifier: Apache-2.0
"""A plan's past from a seed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.emulator.backups import Kind
from airflow_provider_dbs.emulator.scenario import ScenarioError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)  # a Sunday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Row = dict[str, Any]


def emulate(history: dict[str, Any], now: datetime = NOW, **plan: Any) -> Emulator:
    scenario = {"plans": [{"backup_plan_id": "dbs1", "backup_start_time": "02:00", **plan, "history": history}]}
    return Emulator(scenario, now=lambda: now, order="newest")


def rows(emulator: Emulator, kind: Kind = Kind.FULL) -> list[Row]:
    """Newest first."""
    return [backup.row for backup in emulator.service.store.listing(kind, "dbs1")]


def when(row: Row, cell: str = "StartTime") -> datetime:
    return datetime.fromtimestamp(row[cell] / 1000, timezone.utc)


def days_ago(found: list[Row]) -> list[int]:
    return [(NOW.date() - when(row).date()).days for row in found]


def test_one_backup_for_each_tick() -> None:
    found = rows(emulate({"days": 30, "retention": "60d"}))
    assert days_ago(found) == list(range(30))
    assert {row["BackupStatus"] for row in found} == {"finish"}
    for row in found:
        assert timedelta(0) <= when(row) - when(row).replace(hour=2, minute=0, second=0, microsecond=0) < HOUR / 10
        assert 15 < (row["EndTime"] - row["StartTime"]) / 60_000 < 120
        assert when(row, "BackupSetExpiredTime") - when(row) == timedelta(days=60)
    assert len({row["BackupSize"] for row in found}) == 30


def test_the_schedule_is_the_plans() -> None:
    found = rows(emulate({"days": 14}, backup_period="Monday,THURSDAY", backup_start_time="23:30Z"))
    assert [when(row).strftime("%a") for row in found] == ["Thu", "Mon", "Thu", "Mon"]
    assert {when(row).hour for row in found} == {23}


def test_the_plan_is_as_old_as_its_past_unless_it_says_otherwise() -> None:
    plan = emulate({"days": 30}).service.store.plan("dbs1")
    assert plan is not None
    assert when(plan.row, "BackupPlanCreateTime") == NOW - 30 * DAY
    older = emulate({"days": 30}, BackupPlanCreateTime=5).service.store.plan("dbs1")
    assert older is not None
    assert older.row["BackupPlanCreateTime"] == 5


def test_a_failure_or_a_miss_changes_no_other_backup() -> None:
    calm = rows(emulate({"days": 10}))
    spoilt = rows(emulate({"days": 10, "failed": [0, 4], "missed": [2], "error": "disk full"}))
    assert days_ago(spoilt) == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert [row["BackupStatus"] for row in spoilt].count("stop") == 2
    assert (spoilt[0]["BackupStatus"], spoilt[0]["ErrMessage"]) == ("stop", "disk full")
    times = {row["StartTime"]: row["EndTime"] for row in calm}
    for row in spoilt:
        if row["BackupStatus"] == "finish":
            assert times[row["StartTime"]] == row["EndTime"]


def test_the_same_seed_gives_the_same_past_and_another_another() -> None:
    def sizes(seed: int, now: datetime = NOW) -> list[int]:
        return [row["BackupSize"] for row in rows(emulate({"days": 10, "seed": seed}, now))]

    assert sizes(1) == sizes(1)
    assert sizes(1) == sizes(1, NOW + DAY)  # counted from now
    assert sizes(1) != sizes(2)


def test_chance_strikes_about_as_often_as_it_is_told() -> None:
    found = rows(emulate({"days": 400, "fail_rate": 0.1, "miss_rate": 0.2, "retention": "500d", "seed": 5}))
    assert 280 < len(found) < 360
    assert 15 < [row["BackupStatus"] for row in found].count("stop") < 55


def test_sizes_and_durations_drift() -> None:
    found = rows(
        emulate({"days": 60, "noise": 0, "size": 1000, "size_growth": 2, "duration": "40m", "duration_growth": 3})
    )
    assert (found[0]["BackupSize"], found[-1]["BackupSize"]) == (
        pytest.approx(2000, rel=0.02),
        pytest.approx(1000, rel=0.02),
    )
    newest, oldest = ((row["EndTime"] - row["StartTime"]) / 60_000 for row in (found[0], found[-1]))
    assert (newest, oldest) == (pytest.approx(120, rel=0.02), pytest.approx(40, rel=0.03))


def test_the_newest_differ() -> None:
    odd = {"backups": 2, "size_factor": 0.5, "duration_factor": 3, "late": "2h"}
    found = rows(emulate({"days": 5, "noise": 0, "size": 1000, "newest": odd}))
    assert [row["BackupSize"] for row in found] == [500, 500, 1000, 1000, 1000]
    assert [when(row).hour for row in found] == [4, 4, 2, 2, 2]
    assert (found[0]["EndTime"] - found[0]["StartTime"]) / 60_000 == 120


def test_what_runs_and_what_has_expired() -> None:
    found = rows(emulate({"days": 30, "retention": "7d", "duration": "12h", "noise": 0}))
    assert [row["BackupStatus"] for row in found] == ["running"] + ["finish"] * 6
    assert "EndTime" not in found[0]


def test_log_segments_follow_each_other_and_the_last_is_being_filled() -> None:
    found = rows(emulate({"logs": {"days": 2, "every": "1h"}}), Kind.INCREMENTAL)
    assert 40 < len(found) < 60
    assert [row["BackupStatus"] for row in found[:2]] == ["FILLING", "COMPLETED"]
    assert when(found[0], "EndTime") == NOW
    assert when(found[-1]) == NOW - 2 * DAY
    for later, earlier in pairwise(found):
        assert later["StartTime"] == earlier["EndTime"]
        assert int(later["BackupSetId"][-6:]) == int(earlier["BackupSetId"][-6:]) + 1


def test_lost_broken_and_late_segments() -> None:
    logs = {"days": 2, "every": "1h", "lost": ["-30h"], "broken": ["-10h"], "lag": "3h"}
    found = rows(emulate({"logs": logs}), Kind.INCREMENTAL)
    whole = rows(emulate({"logs": {**logs, "lost": []}}), Kind.INCREMENTAL)
    assert when(found[0], "EndTime") == NOW - 3 * HOUR
    assert found[0]["BackupStatus"] == "COMPLETED"
    (broken,) = (row for row in found if row["BackupStatus"] == "UNCOMPLETED")
    assert when(broken) <= NOW - 10 * HOUR < when(broken, "EndTime")
    (lost,) = (row for row in whole if row not in found)
    assert when(lost) <= NOW - 30 * HOUR < when(lost, "EndTime")


def test_a_plan_without_log_backup_has_no_segments() -> None:
    assert rows(emulate({}, enable_backup_log=False), Kind.INCREMENTAL) == []


@pytest.mark.parametrize("name", ["scenario.json", "scenario.yaml"])
def test_from_a_file(tmp_path: Path, name: str) -> None:
    plans = [{"backup_plan_id": "dbs1", "backup_start_time": "02:00", "history": {"days": 3, "logs": {"days": 1}}}]
    (tmp_path / name).write_text(json.dumps({"plans": plans}))
    assert len(rows(Emulator(tmp_path / name, now=lambda: NOW))) == 3


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"day": 3}, "history: Object contains unknown field `day`"),
        ({"days": -1}, "history: days: Expected `float` > 0"),
        ({"failed": 3}, "history: failed: Expected `array`, got `int`"),
        ({"failed": [-1]}, r"history: failed\[0\]: Expected `int` >= 0"),
        ({"duration": "long"}, "history: duration: 'long' is not a duration"),
        ({"duration": timedelta(hours=-1)}, "history: duration: .* is negative"),
        ({"fail_rate": 2}, "history: fail_rate: Expected `float` <= 1"),
        ({"logs": {"lost": ["soon"]}}, "history: logs.lost: 'soon' is not a time"),
        ({"logs": {"every": 0}}, "history: logs.every: 0:00:00 is too short"),
        ({"logs": {"gap": 1}}, "history: logs: Object contains unknown field `gap`"),
        ({"newest": {"late": "x"}}, "history: newest.late: 'x' is not a duration"),
        ([], r"history: must be an object, not \[\]"),
    ],
)
def test_a_mistake_is_reported_with_its_place(history: Any, message: str) -> None:
    with pytest.raises(ScenarioError, match=rf"scenario: plans\[0\]\.{message}"):
        emulate(history)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"backup_period": "DAILY"}, "BackupPeriod 'DAILY' is no list of weekdays"),
        ({"backup_start_time": "2 am"}, "BackupStartTime '2 am' is no time"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_named(plan: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        emulate({}, **plan)
