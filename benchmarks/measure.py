# SPDX-License-Identifier: Apache-2.0
"""Clocks: contestants by turns, and how long an event loop stood still."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Contestant:
    """``call`` is made ``calls`` times in each turn; more for a cheap one, so that the clock can see it."""

    call: Callable[[], Awaitable[object]]
    calls: int


async def cpu_milliseconds(contestants: Mapping[str, Contestant], turns: int) -> dict[str, float]:
    """CPU of this process for one call of each contestant: the median of their turns, taken one after another."""
    seen: dict[str, list[float]] = {name: [] for name in contestants}
    gc.freeze()  # or whoever happens to trigger a collection pays for all that was imported
    for _ in range(turns):
        for name, contestant in contestants.items():
            started = time.process_time()
            for _ in range(contestant.calls):
                await contestant.call()
            seen[name].append((time.process_time() - started) * 1000 / contestant.calls)
    return {name: median(times) for name, times in seen.items()}


def wall_seconds(contestants: Mapping[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Wall time of one call of each contestant: the median of their turns, taken one after another."""
    seen: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, call in contestants.items():
            started = time.perf_counter()
            call()
            seen[name].append(time.perf_counter() - started)
    return {name: median(times) for name, times in seen.items()}


@dataclass
class Stall:
    """Longest time, in seconds, that the loop kept a task waiting that was ready to run."""

    longest: float = 0.0


@asynccontextmanager
async def watching_the_loop(interval: float = 0.002) -> AsyncIterator[Stall]:
    stall = Stall()

    async def tick() -> None:
        while True:
            due = time.perf_counter() + interval
            await asyncio.sleep(interval)
            stall.longest = max(stall.longest, time.perf_counter() - due)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(interval)
    try:
        yield stall
    finally:
        # One more turn of the loop, so that a stall that lasted until now is counted.
        await asyncio.sleep(2 * interval)
        ticking.cancel()
