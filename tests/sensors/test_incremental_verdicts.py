# SPDX-License-Identifier: Apache-2.0
"""Every situation of an incremental gate, from the service's answer to the task's end, in every mode.

The window is from 3 to 6 o'clock, and it is 12 o'clock now; a segment's number is the hour in which it began.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.sensors.dbs import DbsIncrementalBackupSensor
from tests.sensors.conftest import NOW, PLAN, Mode, ending_in_every_mode, run

HOUR = timedelta(hours=1)
MIDNIGHT = NOW - 12 * HOUR
WINDOW = {"window_start": iso(MIDNIGHT + 3 * HOUR), "window_end": iso(MIDNIGHT + 6 * HOUR)}
UNTIL_NOW = {"window_start": iso(NOW - 3 * HOUR), "window_end": iso(NOW - timedelta(minutes=1))}


def log(dbs: Emulator, number: int | str, start: float, end: float, status: str = "COMPLETED", **more: Any) -> None:
    name = number if isinstance(number, str) else f"mysql-bin.{number:06d}"
    dbs.add_incremental_backup(
        PLAN, name, status=status, start=MIDNIGHT + start * HOUR, end=MIDNIGHT + end * HOUR, **more
    )


def hourly(*numbers: int) -> Callable[[Emulator], None]:
    def add(dbs: Emulator) -> None:
        for number in numbers:
            log(dbs, number, number, number + 1)

    return add


def filling(dbs: Emulator) -> None:
    hourly(2, 3, 4)(dbs)
    log(dbs, 5, 5, 6.1, "FILLING")


def numbers_start_again(dbs: Emulator) -> None:
    log(dbs, 40, 2, 4)
    log(dbs, 1, 4, 6)


def endpoint_changes(dbs: Emulator) -> None:
    log(dbs, 2, 2, 4)
    log(dbs, 3, 4, 6, SourceEndpointIpPort="10.0.0.2:3306")


def broken(dbs: Emulator) -> None:
    hourly(2, 3, 5, 6)(dbs)
    log(dbs, 4, 4, 5, "UNCOMPLETED")


def broken_at_the_end(dbs: Emulator) -> None:
    hourly(2, 3, 4)(dbs)
    log(dbs, 5, 5, 6, "UNCOMPLETED")


def expired(dbs: Emulator) -> None:
    hourly(2, 3, 5, 6)(dbs)
    log(dbs, 4, 4, 5, expires=NOW - HOUR)


def unnumbered_with_a_stretch_between(dbs: Emulator) -> None:
    log(dbs, "part-a", 2, 4)
    log(dbs, "part-b", 5, 7)


def without_log_backup(dbs: Emulator) -> None:
    dbs.update_plan(PLAN, enable_backup_log=False)


def a_paused_plan(dbs: Emulator) -> None:
    hourly(2, 3)(dbs)
    dbs.update_plan(PLAN, backup_plan_status="pause")


SITUATIONS: dict[str, tuple[Callable[[Emulator], None], dict[str, Any], str, str]] = {
    "one run": (hourly(2, 3, 4, 5, 6), WINDOW, "passed", "covered"),
    "breaks outside": (hourly(1, 3, 4, 5, 8), WINDOW, "passed", "covered"),
    "tail still filling": (filling, WINDOW, "timed out", "not_reached"),
    "tail counted": (filling, {**WINDOW, "count_open_tail": True}, "passed", "covered"),
    "not over": (hourly(9, 10, 11), {**UNTIL_NOW, "window_end": iso(NOW + HOUR)}, "timed out", "not_yet"),
    "just over": (hourly(), UNTIL_NOW, "timed out", "not_yet"),
    "just over, no settling": (hourly(), {**UNTIL_NOW, "settle": 0}, "failed", "no_logs"),
    "not reached": (hourly(2, 3, 4), WINDOW, "timed out", "not_reached"),
    "a paused plan": (a_paused_plan, WINDOW, "timed out", "plan_paused"),
    "a missing segment": (hourly(2, 3, 5, 6), WINDOW, "failed", "sequence_gap"),
    "numbers start again": (numbers_start_again, WINDOW, "failed", "epoch_break"),
    "another endpoint": (endpoint_changes, WINDOW, "failed", "epoch_break"),
    "a broken segment": (broken, WINDOW, "failed", "broken"),
    "the newest one broken": (broken_at_the_end, WINDOW, "timed out", "not_reached"),
    "an expired segment": (expired, WINDOW, "failed", "expired"),
    "a stretch without logs": (unnumbered_with_a_stretch_between, WINDOW, "failed", "time_gap"),
    "logs start late": (hourly(4, 5, 6), WINDOW, "failed", "logs_start_late"),
    "logs start after the window": (hourly(8, 9), WINDOW, "failed", "evidence_expired"),
    "no logs": (hourly(), WINDOW, "failed", "no_logs"),
    "log backup is off": (without_log_backup, WINDOW, "failed", "plan_without_logs"),
}


@pytest.fixture
def plan(dbs: Emulator) -> Emulator:
    dbs.add_plan(PLAN)
    return dbs


@pytest.mark.parametrize(("situation", "options", "outcome", "reason"), SITUATIONS.values(), ids=SITUATIONS)
def test_a_situation_ends_the_same_in_every_mode(
    plan: Emulator, situation: Callable[[Emulator], None], options: dict[str, Any], outcome: str, reason: str
) -> None:
    situation(plan)
    ending = ending_in_every_mode(DbsIncrementalBackupSensor, **options)
    assert (ending.outcome, ending.reason) == (outcome, reason)
    if outcome == "failed":
        assert ending.message.startswith(f"Refused ({reason}): ")
        assert "Way out: " in ending.message


def test_a_gap_is_told_by_the_names_of_what_is_missing(plan: Emulator, mode: Mode) -> None:
    log(plan, 3, 2, 4)
    log(plan, 40, 4, 7)
    sensor = DbsIncrementalBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **WINDOW)
    message = mode.run(sensor).message
    assert "mysql-bin.000004, mysql-bin.000005" in message
    assert "mysql-bin.000023 and 16 more" in message


def test_the_xcom_is_small_plain_and_complete(plan: Emulator, mode: Mode) -> None:
    hourly(2, 3, 4, 5, 6)(plan)
    sensor = DbsIncrementalBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **WINDOW)
    assert mode.run(sensor).xcom == {
        "verdict": "pass",
        "reason": "covered",
        "backup_plan_id": PLAN,
        **WINDOW,
        "window_source": "window_start and window_end",
        "first_segment": "mysql-bin.000003",
        "last_segment": "mysql-bin.000005",
        "start_time": iso(MIDNIGHT + 2 * HOUR),
        "end_time": iso(MIDNIGHT + 7 * HOUR),
        "open_tail": False,
    }


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        ("throttle", "timed out", "api_error"),
        ("lost_rows", "timed out", "api_error"),
        ("forbidden", "failed", "call_failed"),
    ],
)
def test_what_goes_wrong_on_the_way_is_waited_for_or_told(
    plan: Emulator, connect: Callable[..., None], mode: Mode, fault: str, outcome: str, reason: str
) -> None:
    hourly(2, 3, 4, 5)(plan)
    connect(**plan.airflow_connection(max_attempts=1, max_calls_per_second=0))
    plan.add_fault(fault, operation="DescribeIncrementBackupList", times=None)
    ending = mode.run(DbsIncrementalBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **WINDOW))
    assert (ending.outcome, ending.reason) == (outcome, reason)


def test_a_wrong_value_is_told_when_the_task_runs(mode: Mode) -> None:
    empty = {"window_start": WINDOW["window_end"], "window_end": WINDOW["window_start"]}
    ending = run(DbsIncrementalBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **empty))
    assert (ending.outcome, ending.reason) == ("failed", "bad_argument")
    assert "the window is empty" in ending.message
