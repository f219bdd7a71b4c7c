# SPDX-License-Identifier: Apache-2.0
"""What the gates of one triggerer share: the connection, and each listing for as long as a poll interval."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from airflow_provider_dbs.client.errors import DbsForbiddenError, DbsSettingsError, DbsSignatureError, DbsThrottledError
from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.hooks import shared
from airflow_provider_dbs.hooks.shared import SharedReader, sharing
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor, DbsIncrementalBackupSensor
from airflow_provider_dbs.triggers.dbs import DbsGateTrigger
from tests.deferral import deferral, outcome_of, recreated
from tests.sensors.conftest import NOW, PLAN, run_context, unreachable_service

T = TypeVar("T")

HOUR = timedelta(hours=1)
FULLS = "DescribeFullBackupList"


@pytest.fixture
def slow(dbs: Emulator, connect: Callable[..., None]) -> Emulator:
    """The plan's backup is running, and a call is made once, whatever comes of it."""
    connect(**dbs.airflow_connection(max_attempts=1, max_calls_per_second=0))
    dbs.add_plan(PLAN)
    dbs.add_full_backup(PLAN, "slow", status="running", start=NOW - HOUR)
    return dbs


def calls(dbs: Emulator, operation: str = FULLS) -> int:
    return [call.operation for call in dbs.calls].count(operation)


def in_a_triggerer(life: Callable[[], Awaitable[T]]) -> T:
    """Run ``life`` as the triggers of a new triggerer."""

    async def within() -> T:
        async with sharing():
            return await asyncio.wait_for(life(), 30)

    shared.forget()
    return asyncio.run(within())


def trigger(**changes: Any) -> DbsGateTrigger:
    """A gate that is deferred before it has seen the service."""
    sensor = DbsFullBackupSensor(
        task_id="gate", backup_plan_id=PLAN, window_start=NOW - 2 * HOUR, window_end=NOW + HOUR, deferrable=True
    )
    with unreachable_service():
        return recreated(deferral(sensor, run_context()).trigger, **changes)


def start(gates: list[DbsGateTrigger]) -> asyncio.Future[list[Any]]:
    """Let them wait; the result is their events."""

    async def event_of(gate: DbsGateTrigger) -> Any:
        (event,) = [event async for event in gate.run()]
        return event.payload

    return asyncio.gather(*map(event_of, gates))


# -- one listing -------------------------------------------------------------------------------------------------------


def test_the_gates_of_a_plan_share_one_listing_per_interval(slow: Emulator) -> None:
    gates = [trigger(poke_interval=1) for _ in range(40)]

    async def life() -> list[Any]:
        events = start(gates)
        await asyncio.sleep(4)
        assert 3 <= calls(slow) <= 4 + 2
        slow.advance("slow")
        return await events

    events = in_a_triggerer(life)
    assert len(events) == 40
    assert {(event["outcome"], event["verdict"]["reason"]) for event in events} == {("decided", "fresh")}


def test_each_plan_and_each_connection_has_a_listing_of_its_own(slow: Emulator, connect: Callable[..., None]) -> None:
    connect("another", **slow.airflow_connection())
    slow.add_plan("dbsother")

    async def life() -> None:
        for _ in range(2):
            for connection, region in (("dbs_default", None), ("another", None), ("dbs_default", "cn-beijing")):
                for plan in (PLAN, "dbsother"):
                    await SharedReader(connection, region, 60).full_backups(plan)

    in_a_triggerer(life)
    assert calls(slow) == 6


def test_each_gate_keeps_its_own_interval(slow: Emulator) -> None:
    async def life() -> list[int]:
        patient, eager = SharedReader("dbs_default", None, 60), SharedReader("dbs_default", None, 0.2)
        seen = []
        for reader in (eager, patient, eager):
            await reader.full_backups(PLAN)
            seen.append(calls(slow))
        await asyncio.sleep(0.3)
        for reader in (patient, eager):
            await reader.full_backups(PLAN)
            seen.append(calls(slow))
        return seen

    assert in_a_triggerer(life) == [1, 1, 1, 1, 2]


def test_an_answer_tells_when_it_was_asked_for(slow: Emulator) -> None:
    """A gate judges as of that time: a window is closed only by a list that was read after its end."""

    async def life() -> None:
        reader = SharedReader("dbs_default", None, 60)
        first = await reader.full_backups(PLAN)
        await asyncio.sleep(0.1)
        assert (await reader.full_backups(PLAN)).as_of == first.as_of

    in_a_triggerer(life)


def test_gates_of_one_day_share_their_logs(slow: Emulator) -> None:
    for hour in reversed(range(36)):
        slow.add_incremental_backup(PLAN, start=NOW - (hour + 1) * HOUR, end=NOW - hour * HOUR)
    midday = NOW.replace(hour=12, minute=0, second=0)
    gates = []
    for hours in (1, 2, 3):
        window = {"window_start": iso(midday - hours * HOUR), "window_end": iso(midday + 48 * HOUR)}
        sensor = DbsIncrementalBackupSensor(task_id="gate", backup_plan_id=PLAN, deferrable=True, **window)
        gates.append(recreated(deferral(sensor, run_context()).trigger, deadline=iso(NOW)))
    before = calls(slow, "DescribeIncrementBackupList")
    outcome_of(*gates)
    assert calls(slow, "DescribeIncrementBackupList") == before + 1


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_throttling_slows_the_poll_and_fails_nobody(slow: Emulator) -> None:
    slow.add_fault("throttle", operation=FULLS, times=3)

    async def life() -> list[float]:
        reader, clock = SharedReader("dbs_default", None, 0.2), asyncio.get_running_loop().time
        asked: list[float] = []
        while calls(slow) < 4:
            before = calls(slow)
            with suppress(DbsThrottledError):
                await reader.full_backups(PLAN)
            if calls(slow) > before:
                asked.append(clock())
            await asyncio.sleep(0.01)
        return [later - earlier for earlier, later in pairwise(asked)]

    pauses = in_a_triggerer(life)
    for pause, patience in zip(pauses, (0.4, 0.8, 1.6), strict=True):
        assert pause >= patience


def test_a_throttled_gate_waits_and_passes_later(slow: Emulator) -> None:
    slow.add_fault("throttle", operation=FULLS, times=1)
    slow.advance("slow")

    gates = [trigger(poke_interval=1) for _ in range(10)]

    async def life() -> list[Any]:
        return await start(gates)

    assert {event["verdict"]["reason"] for event in in_a_triggerer(life)} == {"fresh"}
    assert calls(slow) == 2


def test_a_refusal_fails_who_asks_and_is_not_remembered(slow: Emulator) -> None:
    slow.add_fault("forbidden", operation=FULLS, times=1)

    async def life() -> None:
        readers = [SharedReader("dbs_default", None, 60) for _ in range(5)]
        refused = await asyncio.gather(*(reader.full_backups(PLAN) for reader in readers), return_exceptions=True)
        assert [type(error) for error in refused] == [DbsForbiddenError] * 5
        assert calls(slow) == 1
        assert (await readers[0].full_backups(PLAN)).answer

    in_a_triggerer(life)


def test_a_shared_error_does_not_grow(slow: Emulator) -> None:
    slow.add_fault("throttle", operation=FULLS, times=None)

    async def life() -> None:
        reader = SharedReader("dbs_default", None, 60)
        lengths = []
        for _ in range(50):
            with pytest.raises(DbsThrottledError) as caught:
                await reader.full_backups(PLAN)
            lengths.append(len(caught.traceback))
        assert max(lengths) < 20

    in_a_triggerer(life)


def test_a_caller_that_is_killed_takes_nobody_along(slow: Emulator) -> None:
    slow.add_fault("stall", operation=FULLS, seconds=0.5)

    async def life() -> None:
        first, second = (asyncio.ensure_future(SharedReader("dbs_default", None, 60).full_backups(PLAN)) for _ in "12")
        await asyncio.sleep(0.2)
        first.cancel()
        assert (await second).answer
        assert calls(slow) == 1

    in_a_triggerer(life)


# -- the connection ----------------------------------------------------------------------------------------------------


def test_the_connection_is_read_once(slow: Emulator, connect: Callable[..., None]) -> None:
    """A connection that has gone wrong meanwhile hurts no gate that is under way."""

    async def life() -> None:
        reader = SharedReader("dbs_default", None, 0)
        await reader.full_backups(PLAN)
        connect(conn_type="alibabadbs", login="nobody")
        for plan in (PLAN, "dbsother"):
            await reader.full_backups(plan)
        assert await SharedReader("dbs_default", None, 0).region_id() == "cn-hangzhou"

    in_a_triggerer(life)


@pytest.mark.parametrize("is_new_secret_only", [False, True], ids=["another key", "another secret of the same key"])
def test_a_rotated_key_is_read_from_the_connection(
    slow: Emulator, connect: Callable[..., None], is_new_secret_only: bool
) -> None:
    gates = [trigger(poke_interval=1) for _ in range(10)]

    async def life() -> list[Any]:
        events = start(gates)
        await SharedReader("dbs_default", None, 0).full_backups(PLAN)
        key_id = slow.access_key_id if is_new_secret_only else "rotated-access-key-id"
        slow.remove_access_key(slow.access_key_id)
        slow.add_access_key(key_id, "rotated-access-key-secret")
        connect(**{**slow.airflow_connection(), "login": key_id, "password": "rotated-access-key-secret"})
        await asyncio.sleep(1.5)
        slow.advance("slow")
        return await events

    assert {event["verdict"]["reason"] for event in in_a_triggerer(life)} == {"fresh"}


def test_a_key_that_stays_wrong_fails_the_gates_that_wait_on_it(slow: Emulator, connect: Callable[..., None]) -> None:
    connect(**{**slow.airflow_connection(max_attempts=1), "password": "wrong-access-key-secret"})

    async def life() -> None:
        with pytest.raises(DbsSignatureError):
            await SharedReader("dbs_default", None, 60).full_backups(PLAN)

    in_a_triggerer(life)
    assert calls(slow) == 2  # once more with the connection read anew, and no more
    (event,) = outcome_of(trigger(deadline=iso(NOW)))
    assert (event["outcome"], event["verdict"]["outcome"], event["verdict"]["reason"]) == (
        "decided",
        "fail",
        "call_failed",
    )
    assert "wrong-access-key-secret" not in str(event)


def test_a_missing_connection_is_told_and_asked_for_again(slow: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = os.environ["AIRFLOW_CONN_DBS_DEFAULT"]
    monkeypatch.delenv("AIRFLOW_CONN_DBS_DEFAULT")

    async def life() -> None:
        reader = SharedReader("dbs_default", None, 60)
        with pytest.raises(DbsSettingsError, match="connection 'dbs_default' is not defined"):
            await reader.full_backups(PLAN)
        monkeypatch.setenv("AIRFLOW_CONN_DBS_DEFAULT", sound)
        assert (await reader.full_backups(PLAN)).answer

    in_a_triggerer(life)
