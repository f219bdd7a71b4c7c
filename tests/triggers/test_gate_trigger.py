# SPDX-License-Identifier: Apache-2.0
"""The wait of a deferred gate: when it looks, when it ends, and how its task concludes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, TaskDeferred

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.hooks import shared
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor
from tests.deferral import deferral, outcome_of, recreated, resume
from tests.sensors.conftest import MODES, NOW, PLAN, Mode, ending, run, run_context

HOUR = timedelta(hours=1)
FORGIVING: list[dict[str, bool]] = [{}, {"soft_fail": True}, {"never_fail": True}, {"silent_fail": True}]


@pytest.fixture
def slow(dbs: Emulator) -> Emulator:
    """The plan's backup is running."""
    dbs.add_plan(PLAN)
    dbs.add_full_backup(PLAN, "slow", status="running", start=NOW - HOUR)
    return dbs


def gate(**options: Any) -> DbsFullBackupSensor:
    return DbsFullBackupSensor(
        **{"task_id": "gate", "backup_plan_id": PLAN, "deferrable": True, "poke_interval": 1, **options}
    )


def in_seconds(seconds: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat()


def listings(dbs: Emulator) -> int:
    return [call.operation for call in dbs.calls].count("DescribeFullBackupList")


# -- the task's first turn ---------------------------------------------------------------------------------------------


def test_a_decided_gate_never_defers(slow: Emulator) -> None:
    slow.advance("slow")
    assert run(gate()).outcome == "passed"
    refused = run(gate(window_start=NOW - 9 * HOUR, window_end=NOW - 8 * HOUR))
    assert (refused.outcome, refused.reason) == ("failed", "evidence_expired")


def test_airflow_ends_the_wait_only_if_the_trigger_cannot(slow: Emulator) -> None:
    deferred = deferral(gate(timeout=HOUR), run_context())
    assert deferred.timeout is not None
    assert HOUR < deferred.timeout <= HOUR + timedelta(minutes=2)
    left = datetime.fromisoformat(recreated(deferred.trigger).deadline) - datetime.now(timezone.utc)
    assert HOUR - timedelta(seconds=20) < left < HOUR


# -- the wait ----------------------------------------------------------------------------------------------------------


def test_it_sleeps_first_and_sees_the_backup_finish(slow: Emulator) -> None:
    sensor = gate()
    deferred = deferral(sensor, run_context())
    looks_of_the_task = listings(slow)

    async def life() -> Any:
        shared.forget()
        waiting = asyncio.ensure_future(anext(aiter(recreated(deferred.trigger).run())))
        await asyncio.sleep(0.4)
        assert listings(slow) == looks_of_the_task  # else it loses a race in the scheduler
        while listings(slow) < looks_of_the_task + 2:
            assert not waiting.done()
            await asyncio.sleep(0.05)
        slow.advance("slow")
        return (await asyncio.wait_for(waiting, 10)).payload

    event = asyncio.run(life())
    xcom = resume(sensor, deferred, event, run_context())
    assert xcom == run(gate()).xcom
    assert xcom["backup_set_id"] == "slow"


def test_it_ends_at_its_deadline_with_what_it_last_saw(slow: Emulator) -> None:
    sensor = gate(timeout=HOUR, poke_interval=600)
    deferred = deferral(sensor, run_context())
    started = time.monotonic()
    (event,) = outcome_of(recreated(deferred.trigger, deadline=in_seconds(1)))
    assert 0.9 < time.monotonic() - started < 10
    timed_out = ending(lambda: resume(sensor, deferred, event, run_context()))
    assert timed_out.outcome == "timed out"
    assert timed_out.message.startswith("Timed out after 1 h (running): Full backup slow of plan")


def test_it_ends_at_once_when_it_comes_back_after_its_deadline(slow: Emulator) -> None:
    """A triggerer that was down over the deadline: one last look decides."""
    deferred = deferral(gate(), run_context())
    slow.advance("slow")
    (event,) = outcome_of(recreated(deferred.trigger, deadline=in_seconds(-3600)))
    assert event["outcome"] == "decided"


def test_backoff_makes_the_waits_longer_up_to_max_wait(slow: Emulator) -> None:
    deferred = deferral(gate(exponential_backoff=True, max_wait=2), run_context())
    before = listings(slow)
    # Looks at 0.5 to 1 s, 2 to 2.2 s later, and 2 to 2.2 s after that, and once more at the deadline.
    outcome_of(recreated(deferred.trigger, deadline=in_seconds(5.6)))
    assert listings(slow) - before in (3, 4)


def test_a_killed_gate_leaves_nothing_behind(slow: Emulator) -> None:
    deferred = deferral(gate(), run_context())
    before = listings(slow)
    slow.add_fault("stall", seconds=30, times=None)

    async def life() -> set[str]:
        shared.forget()
        trigger = recreated(deferred.trigger)
        waiting = asyncio.ensure_future(anext(aiter(trigger.run())))
        for _ in range(200):
            await asyncio.sleep(0.05)
            if listings(slow) > before:
                break
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await trigger.cleanup()
        await asyncio.sleep(0.1)
        here = asyncio.current_task()
        return {repr(task) for task in asyncio.all_tasks() if task is not here}

    assert asyncio.run(life()) == set()
    assert listings(slow) == before + 1


# -- the task's second turn --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forgiving", FORGIVING, ids=str)
def test_airflows_own_timeout_is_one_too(slow: Emulator, forgiving: dict[str, bool]) -> None:
    sensor = gate(**forgiving)
    deferral(sensor, run_context())
    kind = AirflowSkipException if forgiving.keys() & {"soft_fail", "never_fail"} else AirflowSensorTimeout
    with pytest.raises(kind):
        sensor.resume_execution("__fail__", {"error": "Trigger timeout"}, run_context())


@pytest.mark.parametrize("forgiving", FORGIVING, ids=str)
def test_an_error_that_nobody_foresaw_ends_every_mode_alike(slow: Emulator, forgiving: dict[str, bool]) -> None:
    """A connection id that is no text: nobody checks that."""

    def kind_of(mode: Mode) -> str:
        sensor = gate(**{**mode.options, **forgiving, "dbs_conn_id": 7})
        if mode is MODES["deferrable, decided in the triggerer"]:
            sensor.dbs_conn_id = "dbs_default"
            deferred = deferral(sensor, run_context())
            (event,) = outcome_of(recreated(deferred.trigger, dbs_conn_id=7, deadline=in_seconds(0)))
            return kind(lambda: resume(sensor, deferred, event, run_context()))
        return kind(lambda: sensor.execute(run_context()))

    def kind(step: Callable[[], Any]) -> str:
        try:
            found = ending(step)
        except TaskDeferred:
            raise
        except Exception:
            return "crashed"
        return f"{found.outcome} ({found.reason})"

    expected = {"never_fail": "skipped", "silent_fail": "timed out (look_failed)"}.get("".join(forgiving), "crashed")
    found = {name: kind_of(mode) for name, mode in MODES.items()}
    assert {name: word if "timed" in word else word.split()[0] for name, word in found.items()} == dict.fromkeys(
        MODES, expected
    )


def test_a_trigger_of_another_version_ends_its_task_with_the_reason(slow: Emulator) -> None:
    sensor = gate()
    deferred = deferral(sensor, run_context())
    goal = {**recreated(deferred.trigger).goal, "invented": 1}
    (event,) = outcome_of(recreated(deferred.trigger, goal=goal))
    with pytest.raises(RuntimeError, match=r"The gate's trigger crashed: ValidationError: .*invented"):
        resume(sensor, deferred, event, run_context())
