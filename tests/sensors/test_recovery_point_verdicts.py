# SPDX-License-Identifier: Apache-2.0
"""Every situation of a recovery-point gate, from the service's answer to the task's end, in every mode.

The instant is 6 o'clock, the nightly full backup ran from 2 to 3, and it is 12 o'clock now; a segment's number is the
hour in which it began.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.sensors.dbs import DbsRecoveryPointSensor
from tests.sensors.conftest import NOW, PLAN, Mode, ending_in_every_mode, run, run_context

HOUR = timedelta(hours=1)
MIDNIGHT = NOW - 12 * HOUR
SIX = {"recovery_time": iso(MIDNIGHT + 6 * HOUR)}
JUST_NOW = {"recovery_time": iso(NOW - timedelta(minutes=1))}
COMPUTED = {**SIX, "authority": "computed"}
SERVICE = {**SIX, "authority": "service"}

Situation = Callable[[Emulator], None]


def full(
    dbs: Emulator, name: str = "nightly", start: float = 2, end: float = 3, status: str = "finish", **more: Any
) -> None:
    ended = MIDNIGHT + end * HOUR if status in ("finish", "stop") else None
    dbs.add_full_backup(PLAN, name, status=status, start=MIDNIGHT + start * HOUR, end=ended, **more)


def log(dbs: Emulator, number: int | str, start: float, end: float, status: str = "COMPLETED", **more: Any) -> None:
    name = number if isinstance(number, str) else f"mysql-bin.{number:06d}"
    dbs.add_incremental_backup(
        PLAN, name, status=status, start=MIDNIGHT + start * HOUR, end=MIDNIGHT + end * HOUR, **more
    )


def nightly_and(*numbers: int, **changes: Any) -> Situation:
    """The nightly backup and hourly segments."""

    def add(dbs: Emulator) -> None:
        full(dbs, **changes)
        for number in numbers:
            log(dbs, number, number, number + 1)

    return add


def nothing(dbs: Emulator) -> None:
    pass


def only_a_point(dbs: Emulator) -> None:
    full(dbs, start=5, end=6)


def logical(*numbers: int) -> Situation:
    def add(dbs: Emulator) -> None:
        dbs.update_plan(PLAN, backup_method="logical")
        nightly_and(*numbers)(dbs)

    return add


def tail_filling(dbs: Emulator) -> None:
    nightly_and(2, 3, 4)(dbs)
    log(dbs, 5, 5, 6.1, "FILLING")


def service_says_less(dbs: Emulator) -> None:
    nightly_and(2, 3, 4, 5, 6)(dbs)
    dbs.set_restore_ranges(PLAN, [{"begin": MIDNIGHT + 3 * HOUR, "end": MIDNIGHT + 4 * HOUR}])


def service_says_more(dbs: Emulator) -> None:
    nightly_and(2, 3, 5, 6)(dbs)
    dbs.set_restore_ranges(PLAN, [{"begin": MIDNIGHT + 3 * HOUR, "end": MIDNIGHT + 7 * HOUR}])


def service_has_a_bad_moment(dbs: Emulator) -> None:
    nightly_and(2, 3, 4, 5, 6)(dbs)
    dbs.add_fault("server_error", operation="DescribeRestoreRangeInfo", times=None)


def service_refuses(dbs: Emulator) -> None:
    nightly_and(2, 3, 4, 5, 6)(dbs)
    dbs.add_fault("forbidden", operation="DescribeRestoreRangeInfo", times=None)


def running_lately(dbs: Emulator) -> None:
    full(dbs, start=11, status="running")


def healed_by_a_later_full(dbs: Emulator) -> None:
    nightly_and(2, 3, 5, 6)(dbs)
    full(dbs, "healer", 5.1, 5.5)


def numbers_start_again(dbs: Emulator) -> None:
    full(dbs)
    log(dbs, 40, 2, 4)
    log(dbs, 1, 4, 7)


def endpoint_changes(dbs: Emulator) -> None:
    nightly_and(2, 3)(dbs)
    log(dbs, 4, 4, 7, SourceEndpointIpPort="10.0.0.2:3306")


def broken(dbs: Emulator) -> None:
    nightly_and(2, 3, 5, 6)(dbs)
    log(dbs, 4, 4, 5, "UNCOMPLETED")


def log_expired(dbs: Emulator) -> None:
    nightly_and(2, 3, 5, 6)(dbs)
    log(dbs, 4, 4, 5, expires=NOW - HOUR)


def unnumbered_with_a_stretch_between(dbs: Emulator) -> None:
    full(dbs)
    log(dbs, "part-a", 2, 4)
    log(dbs, "part-b", 5, 7)


def only_younger_backups(dbs: Emulator) -> None:
    full(dbs, "young", 8, 9)
    log(dbs, 8, 8, 10)


def without_log_backup(dbs: Emulator) -> None:
    nightly_and()(dbs)
    dbs.update_plan(PLAN, enable_backup_log=False)


def paused_plan_that_has_not_reached(dbs: Emulator) -> None:
    nightly_and(2, 3)(dbs)
    dbs.update_plan(PLAN, backup_plan_status="pause")


SITUATIONS: dict[str, tuple[Situation, dict[str, Any], str, str]] = {
    "an unbroken run": (nightly_and(2, 3, 4, 5, 6), SIX, "passed", "recoverable"),
    "the lists alone": (service_says_less, COMPUTED, "passed", "recoverable"),
    "the service alone": (service_says_more, SERVICE, "passed", "recoverable"),
    "the end of a full backup": (only_a_point, SIX, "passed", "recoverable"),
    "logical, with its logs": (logical(2, 3, 4, 5), SIX, "passed", "recoverable"),
    "logical, without its own logs": (logical(3, 4, 5), COMPUTED, "failed", "logs_start_late"),
    "the method is given": (logical(3, 4, 5), {**SIX, "backup_method": "physical"}, "passed", "recoverable"),
    "a later full backup heals": (healed_by_a_later_full, SIX, "passed", "recoverable"),
    "ahead": (nightly_and(2, 3), {"recovery_time": iso(NOW + HOUR)}, "timed out", "not_yet"),
    "the run has not reached it": (nightly_and(2, 3, 4), SIX, "timed out", "not_reached"),
    "tail still filling": (tail_filling, SIX, "timed out", "not_reached"),
    "tail counted": (tail_filling, {**COMPUTED, "count_open_tail": True}, "passed", "recoverable"),
    "a paused plan": (paused_plan_that_has_not_reached, SIX, "timed out", "plan_paused"),
    "a full backup is running": (running_lately, JUST_NOW, "timed out", "full_running"),
    "nothing, lately": (nothing, JUST_NOW, "timed out", "not_yet"),
    "nothing, lately, no settling": (nothing, {**JUST_NOW, "settle": 0}, "failed", "no_full_backup"),
    "the service says less": (service_says_less, SIX, "timed out", "service_disagrees"),
    "the service says more": (service_says_more, SIX, "failed", "sequence_gap"),
    "the service alone says no": (service_says_less, SERVICE, "timed out", "service_not_yet"),
    "the service has a bad moment": (service_has_a_bad_moment, SIX, "timed out", "api_error"),
    "the service refuses": (service_refuses, SIX, "failed", "call_failed"),
    "a missing segment": (nightly_and(2, 3, 5, 6), SIX, "failed", "sequence_gap"),
    "numbers start again": (numbers_start_again, SIX, "failed", "epoch_break"),
    "another endpoint": (endpoint_changes, SIX, "failed", "epoch_break"),
    "a broken segment": (broken, SIX, "failed", "broken"),
    "an expired segment": (log_expired, SIX, "failed", "expired"),
    "an expired full backup": (nightly_and(2, 3, 4, 5, expires=NOW - HOUR), SIX, "failed", "expired"),
    "an empty full backup": (nightly_and(2, 3, 4, 5, size=0), SIX, "failed", "no_full_backup"),
    "a failed full backup": (nightly_and(2, 3, 4, 5, status="stop"), SIX, "failed", "no_full_backup"),
    "a stretch without logs": (unnumbered_with_a_stretch_between, SIX, "failed", "time_gap"),
    "logs start late": (nightly_and(4, 5, 6), SIX, "failed", "logs_start_late"),
    "only younger backups": (only_younger_backups, SIX, "failed", "evidence_expired"),
    "no logs": (nightly_and(), SIX, "failed", "no_logs"),
    "log backup is off": (without_log_backup, SIX, "failed", "plan_without_logs"),
}


@pytest.fixture
def plan(dbs: Emulator, connect: Callable[..., None]) -> Emulator:
    connect(**dbs.airflow_connection(max_attempts=1, max_calls_per_second=0))
    dbs.add_plan(PLAN)
    return dbs


@pytest.mark.parametrize(("situation", "options", "outcome", "reason"), SITUATIONS.values(), ids=SITUATIONS)
def test_a_situation_ends_the_same_in_every_mode(
    plan: Emulator, situation: Situation, options: dict[str, Any], outcome: str, reason: str
) -> None:
    situation(plan)
    ending = ending_in_every_mode(DbsRecoveryPointSensor, **options)
    assert (ending.outcome, ending.reason) == (outcome, reason)
    if outcome == "failed":
        assert ending.message.startswith(f"Refused ({reason}): ")
        assert "Way out: " in ending.message or reason == "call_failed"


def test_an_unknown_plan_is_named(dbs: Emulator, mode: Mode) -> None:
    sensor = DbsRecoveryPointSensor(task_id="gate", backup_plan_id="dbsunknown", **mode.options, **SIX)
    ending = mode.run(sensor)
    assert (ending.outcome, ending.reason) == ("failed", "plan_not_found")


def test_the_xcom_is_small_plain_and_complete(plan: Emulator, mode: Mode) -> None:
    nightly_and(2, 3, 4, 5, 6)(plan)
    sensor = DbsRecoveryPointSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **SIX)
    assert mode.run(sensor).xcom == {
        "verdict": "pass",
        "reason": "recoverable",
        "backup_plan_id": PLAN,
        **SIX,
        "window_start": SIX["recovery_time"],
        "window_end": SIX["recovery_time"],
        "window_source": "recovery_time",
        "backup_set_id": "nightly",
        "start_time": iso(MIDNIGHT + 2 * HOUR),
        "end_time": iso(MIDNIGHT + 3 * HOUR),
        "kind": "range",
        "covered_until": iso(MIDNIGHT + 7 * HOUR),
        "authority": "both",
        "first_segment": "mysql-bin.000003",
        "last_segment": "mysql-bin.000005",
    }


def test_the_instant_is_the_runs_end_by_default(plan: Emulator, mode: Mode) -> None:
    nightly_and(2, 3, 4, 5, 6)(plan)
    context = run_context(data_interval_start=MIDNIGHT, data_interval_end=MIDNIGHT + 6 * HOUR)
    sensor = DbsRecoveryPointSensor(task_id="gate", backup_plan_id=PLAN, **mode.options)
    xcom = mode.run(sensor, context).xcom
    assert (xcom["recovery_time"], xcom["window_source"]) == (SIX["recovery_time"], "data_interval_end")


def test_a_wrong_value_is_told(mode: Mode) -> None:
    with pytest.raises(ValueError, match="authority='me' is unknown"):
        DbsRecoveryPointSensor(task_id="gate", backup_plan_id=PLAN, authority="me")
    ending = run(DbsRecoveryPointSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, recovery_time="noon"))
    assert (ending.outcome, ending.reason) == ("failed", "bad_argument")
