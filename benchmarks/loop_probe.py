# SPDX-License-Identifier: Apache-2.0
"""How late an event loop runs what is ready, and the CPU of its process, as seen by a task or a trigger inside it."""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_left
from collections.abc import AsyncIterator
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from airflow.triggers.base import BaseTrigger, TriggerEvent

TICK = 0.005


class Lag(NamedTuple):
    """Milliseconds; 95 of 100 moments lay in a tick no later than ``p95``. ``cpu``: seconds of the process."""

    p95: float
    longest: float
    cpu: float


async def watch(until: Path) -> list[tuple[float, float, float]]:
    """(time, seconds late, CPU seconds so far) of each tick, until that file exists."""
    seen = []
    asked = 0.0
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        seen.append((time.time(), max(0.0, time.perf_counter() - due), time.process_time()))
        if time.perf_counter() - asked > 0.2:
            asked = time.perf_counter()
            if until.exists():  # noqa: ASYNC240
                return seen


def lag(seen: list[tuple[float, float, float]], since: float = 0.0, until: float = float("inf")) -> Lag:
    chosen = [tick for tick in seen if since <= tick[0] <= until]
    late = sorted(tick[1] for tick in chosen)
    # By time, not by tick: a stall of ten seconds is one tick, and two thousand that never came.
    spans = list(accumulate(TICK + each for each in late))
    p95 = late[bisect_left(spans, 0.95 * spans[-1])]
    return Lag(p95 * 1000, late[-1] * 1000, chosen[-1][2] - chosen[0][2])


class LoopProbe(BaseTrigger):
    """Among the triggers of a triggerer: writes what it has seen to ``file`` once ``<file>.stop`` exists."""

    def __init__(self, *, file: str) -> None:
        super().__init__()
        self.file = file

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "benchmarks.loop_probe.LoopProbe", {"file": self.file}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        seen = await watch(Path(f"{self.file}.stop"))
        Path(self.file).write_text(json.dumps(seen))  # noqa: ASYNC240
        yield TriggerEvent({"outcome": "probed"})
