# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from airflow_provider_dbs.client.single_flight import SingleFlight


async def test_all_who_ask_meanwhile_get_one_result() -> None:
    flights: SingleFlight[int] = SingleFlight()
    began = 0

    async def work() -> int:
        nonlocal began
        began += 1
        await asyncio.sleep(0.01)
        return began

    assert await asyncio.gather(*(flights.do("k", work) for _ in range(100))) == [1] * 100
    assert await asyncio.gather(flights.do("k", work), flights.do("other", work)) == [3, 3]


async def test_all_get_the_error_and_the_next_starts_anew() -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise OSError("no")

    async def work() -> int:
        return 1

    found = await asyncio.gather(*(flights.do("k", fail) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in found] == [OSError] * 3
    assert await flights.do("k", work) == 1


async def test_caller_that_is_cancelled_leaves_the_work_to_the_others() -> None:
    flights: SingleFlight[int] = SingleFlight()
    ready = asyncio.Event()

    async def work() -> int:
        await ready.wait()
        return 1

    first = asyncio.create_task(flights.do("k", work))
    second = asyncio.create_task(flights.do("k", work))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    ready.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_the_last_caller_to_go_ends_the_work() -> None:
    flights: SingleFlight[int] = SingleFlight()
    ended: list[bool] = []

    async def work() -> int:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(True)
        return 1

    async def quick() -> int:
        return 2

    callers = [asyncio.create_task(flights.do("k", work)) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    assert not ended
    callers[1].cancel()
    # Whoever comes now boards a flight of its own, not the one that is being ended.
    await asyncio.sleep(0)
    assert await flights.do("k", quick) == 2
    await asyncio.gather(*callers, return_exceptions=True)
    assert ended == [True]


async def test_error_that_nobody_waits_for_is_not_complained_of(caplog: pytest.LogCaptureFixture) -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0.01)
        raise OSError("no")

    caller = asyncio.create_task(flights.do("k", fail))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.sleep(0.03)
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_work_that_is_cancelled_itself() -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def cancelled() -> int:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await flights.do("k", cancelled)


def test_loops_do_not_share_a_flight() -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def work() -> int:
        return 1

    assert [asyncio.run(flights.do("k", work)) for _ in range(2)] == [1, 1]
