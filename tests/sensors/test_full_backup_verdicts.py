# SPDX-License-Identifier: Apache-2.0
"""Every situation of a full-backup gate, from the service's answer to the task's end, in every mode.

A gate that waits is given no time, so that one look ends in a timeout that carries the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor
from tests.sensors.conftest import NOW, PLAN, Mode, ending_in_every_mode

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

# Over for longer than the settling time, and not over.
CLOSED = {"window_start": iso(NOW - 6 * HOUR), "window_end": iso(NOW - 4 * HOUR)}
STILL_OPEN = {"window_start": iso(NOW - 2 * HOUR), "window_end": iso(NOW + HOUR)}


def full(
    dbs: Emulator, name: str, status: str, started: timedelta | None, length: timedelta = 30 * MINUTE, **more: Any
) -> None:
    """A backup that started so long ago."""
    start = None if started is None else NOW - started
    end = start + length if start is not None and status in ("finish", "stop") else None
    dbs.add_full_backup(PLAN, name, status=status, start=start, end=end, **more)


def nothing(dbs: Emulator) -> None:
    pass


def finished(dbs: Emulator) -> None:
    full(dbs, "good", "finish", 5 * HOUR)


def finished_then_failed(dbs: Emulator) -> None:
    full(dbs, "good", "finish", 5.5 * HOUR, 10 * MINUTE)
    full(dbs, "bad", "stop", 5 * HOUR, 10 * MINUTE)


def running(dbs: Emulator) -> None:
    full(dbs, "slow", "running", 5 * HOUR)


def paused(dbs: Emulator) -> None:
    full(dbs, "slow", "pause", 5 * HOUR)


def in_an_unknown_status(dbs: Emulator) -> None:
    full(dbs, "odd", "running", 5 * HOUR)
    dbs.add_fault("unknown_status", operation="DescribeFullBackupList", status="archiving", times=None)


def failed(dbs: Emulator) -> None:
    full(dbs, "bad", "stop", 5 * HOUR, err_message="no route to the database")


def failed_lately(dbs: Emulator) -> None:
    full(dbs, "bad", "stop", HOUR)


def expired(dbs: Emulator) -> None:
    full(dbs, "old", "finish", 5 * HOUR, expires=NOW - HOUR)


def empty(dbs: Emulator) -> None:
    full(dbs, "hollow", "finish", 5 * HOUR, size=0)


def ends_before_it_starts(dbs: Emulator) -> None:
    full(dbs, "reversed", "finish", 5 * HOUR, -HOUR)


def ends_tomorrow(dbs: Emulator) -> None:
    full(dbs, "early", "finish", 5 * HOUR, 29 * HOUR)


def created_inside_started_after(dbs: Emulator) -> None:
    full(dbs, "late", "finish", 3 * HOUR, created=NOW - 4.2 * HOUR)


def listed_only_lately(dbs: Emulator) -> None:
    full(dbs, "young", "finish", HOUR)


def older_and_younger(dbs: Emulator) -> None:
    full(dbs, "young", "finish", HOUR)
    full(dbs, "old", "finish", 30 * HOUR)


def a_paused_plan(dbs: Emulator) -> None:
    older_and_younger(dbs)
    dbs.update_plan(PLAN, backup_plan_status="pause")


SITUATIONS: list[tuple[Callable[[Emulator], None], dict[str, Any], str, str]] = [
    (finished, CLOSED, "passed", "fresh"),
    (finished_then_failed, CLOSED, "passed", "fresh_but_later_failure"),
    (running, CLOSED, "timed out", "running"),
    (paused, CLOSED, "timed out", "paused"),
    (in_an_unknown_status, CLOSED, "timed out", "unknown_status"),
    (failed_lately, STILL_OPEN, "timed out", "failed_so_far"),
    (failed_lately, {**STILL_OPEN, "fail_on_stopped": True}, "failed", "failed_so_far"),
    (nothing, STILL_OPEN, "timed out", "not_yet"),
    (expired, CLOSED, "failed", "expired"),
    (expired, {**CLOSED, "usable_at": "window_end"}, "passed", "fresh"),
    (empty, CLOSED, "failed", "unusable"),
    (empty, {**CLOSED, "min_size": 0}, "passed", "fresh"),
    (ends_before_it_starts, CLOSED, "failed", "unusable"),
    (ends_tomorrow, CLOSED, "failed", "unusable"),
    (failed, CLOSED, "failed", "all_failed"),
    (created_inside_started_after, CLOSED, "failed", "started_after_window"),
    (created_inside_started_after, {**CLOSED, "grace": 2 * HOUR}, "passed", "fresh"),
    (created_inside_started_after, {**CLOSED, "grace": 7200.0}, "passed", "fresh"),
    (listed_only_lately, CLOSED, "failed", "evidence_expired"),
    (older_and_younger, CLOSED, "failed", "window_closed"),
    (older_and_younger, {**CLOSED, "accept_later": True}, "passed", "fresh"),
    (older_and_younger, {"lookback": 2 * HOUR}, "passed", "fresh"),
    (older_and_younger, {**CLOSED, "settle": 5 * HOUR}, "timed out", "not_yet"),
    (older_and_younger, {"open_end": True}, "timed out", "not_yet"),
    (older_and_younger, {"open_end": True, "lookback": 2 * HOUR}, "passed", "fresh"),
    (older_and_younger, {"anchor": "contained", "lookback": 0.9 * HOUR}, "timed out", "not_yet"),
    (older_and_younger, {"anchor": "end", "lookback": 0.9 * HOUR}, "passed", "fresh"),
    (a_paused_plan, CLOSED, "failed", "plan_paused"),
    (a_paused_plan, {"open_end": True}, "timed out", "plan_paused"),
]


@pytest.fixture
def plan(dbs: Emulator) -> Emulator:
    dbs.add_plan(PLAN)
    return dbs


@pytest.mark.parametrize(
    ("situation", "options", "outcome", "reason"),
    SITUATIONS,
    ids=[f"{situation.__name__}-{reason}-{number}" for number, (situation, _, _, reason) in enumerate(SITUATIONS)],
)
def test_a_situation_ends_the_same_in_every_mode(
    plan: Emulator, situation: Callable[[Emulator], None], options: dict[str, Any], outcome: str, reason: str
) -> None:
    situation(plan)
    ending = ending_in_every_mode(DbsFullBackupSensor, **options)
    assert (ending.outcome, ending.reason) == (outcome, reason)
    if outcome == "failed":
        assert ending.message.startswith(f"Refused ({reason}): ")
        assert "Way out: " in ending.message


def test_an_unknown_plan_is_named_with_the_region_that_was_asked(dbs: Emulator, mode: Mode) -> None:
    ending = mode.run(DbsFullBackupSensor(task_id="gate", backup_plan_id="dbsunknown", **mode.options, **CLOSED))
    assert (ending.outcome, ending.reason) == ("failed", "plan_not_found")
    assert "does not know plan dbsunknown in region cn-hangzhou" in ending.message


def test_the_xcom_is_small_plain_and_complete(plan: Emulator, mode: Mode) -> None:
    finished(plan)
    xcom = mode.run(DbsFullBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **CLOSED)).xcom
    assert xcom == {
        "verdict": "pass",
        "reason": "fresh",
        "backup_plan_id": PLAN,
        **CLOSED,
        "window_source": "window_start and window_end",
        "backup_set_id": "good",
        "start_time": iso(NOW - 5 * HOUR),
        "end_time": iso(NOW - 4.5 * HOUR),
        "backup_set_expired_time": iso(NOW - 5 * HOUR + timedelta(days=7)),
        "backup_size": 5_368_709_120,
        "storage_method": "Standard",
        "backup_status": "finish",
    }
    assert len(json.dumps(xcom)) < 1000


def test_a_refusal_names_the_set_and_why_it_failed(plan: Emulator, mode: Mode) -> None:
    failed(plan)
    full(plan, "before", "finish", 30 * HOUR)
    message = mode.run(DbsFullBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **CLOSED)).message
    assert "bad stop" in message
    assert "no route to the database" in message
    assert "before started" in message


# -- what the service can do to a call ---------------------------------------------------------------------------------

FAULTS: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("throttle", {}, "timed out", "api_error", r"Throttling.User"),
    ("server_error", {}, "timed out", "api_error", "ServiceUnavailable"),
    ("html_error", {}, "timed out", "api_error", "502"),
    ("truncate", {}, "timed out", "api_error", "DescribeFullBackupList"),
    ("reset", {}, "timed out", "api_error", "DescribeFullBackupList"),
    ("lost_rows", {}, "timed out", "api_error", "do not come"),
    ("forbidden", {}, "failed", "call_failed", "Request.Forbidden"),
    ("success_false", {"http_status": 200}, "failed", "call_failed", "InvalidJobId"),
    ("gateway_error", {"http_status": 400, "code": "InvalidParameter"}, "failed", "call_failed", "InvalidParameter"),
    (
        "gateway_error",
        {"http_status": 400, "code": "InvalidTimeStamp.Expired"},
        "failed",
        "call_failed",
        "InvalidTimeStamp",
    ),
    (
        "gateway_error",
        {"http_status": 404, "code": "InvalidAccessKeyId.NotFound"},
        "failed",
        "call_failed",
        "InvalidAccessKeyId",
    ),
    ("items_shape", {"shape": "single"}, "failed", "call_failed", "DescribeFullBackupList"),
    ("redirect", {}, "failed", "call_failed", "DescribeFullBackupList"),
]


@pytest.mark.parametrize(("fault", "options", "outcome", "reason", "words"), FAULTS, ids=lambda value: str(value)[:30])
def test_what_goes_wrong_on_the_way_is_waited_for_or_told(
    plan: Emulator,
    connect: Callable[..., None],
    mode: Mode,
    fault: str,
    options: dict[str, Any],
    outcome: str,
    reason: str,
    words: str,
) -> None:
    finished(plan)
    connect(**plan.airflow_connection(max_attempts=1, max_calls_per_second=0))
    plan.add_fault(fault, operation="DescribeFullBackupList", times=None, **options)
    ending = mode.run(DbsFullBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **CLOSED))
    assert (ending.outcome, ending.reason) == (outcome, reason)
    assert words in ending.message
    assert plan.access_key_secret not in ending.message


def test_an_answer_of_the_service_is_named_by_its_request_id(plan: Emulator, mode: Mode) -> None:
    plan.add_fault("forbidden", operation="DescribeFullBackupList")
    ending = mode.run(DbsFullBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options))
    assert "HTTP 403, request id " in ending.message


def test_the_plan_only_adds_words(plan: Emulator, connect: Callable[..., None], mode: Mode) -> None:
    older_and_younger(plan)
    connect(**plan.airflow_connection(max_attempts=1, max_calls_per_second=0))
    plan.add_fault("forbidden", operation="DescribeBackupPlanList", times=None)
    ending = mode.run(DbsFullBackupSensor(task_id="gate", backup_plan_id=PLAN, **mode.options, **CLOSED))
    assert (ending.outcome, ending.reason) == ("failed", "window_closed")
