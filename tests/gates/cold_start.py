# SPDX-License-Identifier: Apache-2.0
"""A triggerer that has just started gets many gates at once; how long did its loop stand still?

``python -m tests.gates.cold_start PLAN GATES`` in a process of its own prints, in milliseconds, the longest time that
the loop kept a ready task waiting, and the longest that its thread was at work in between, which other processes do not
lengthen.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Any

# What the triggerer's process has imported before the first trigger comes.
for module in ("airflow.jobs.triggerer_job_runner", "airflow.triggers.base", "airflow.sdk.definitions.connection"):
    importlib.import_module(module)

TICK = 0.005
ROUNDS = 3


def goal(plan: str) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    window = {"start": (now - timedelta(hours=2)).isoformat(), "end": None, "source": "test"}
    return {"backup_plan_id": plan, "window": window}


async def live(plan: str, gates: int) -> dict[str, Any]:
    stalls, work = [0.0], [0.0]

    async def tick() -> None:
        while True:
            due, busy = time.perf_counter() + TICK, time.thread_time()
            await asyncio.sleep(TICK)
            stalls.append(time.perf_counter() - due)
            work.append(time.thread_time() - busy)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(4 * TICK)
    # On the loop, as the triggerer does it.
    trigger = importlib.import_module("airflow_provider_dbs.triggers.dbs").DbsGateTrigger

    async def event() -> Any:
        return [
            event.payload
            async for event in trigger(
                gate="full_backup",
                goal=goal(plan),
                dbs_conn_id="dbs_default",
                region_id=None,
                poke_interval=1,
                deadline=datetime.now(timezone.utc).isoformat(),
            ).run()
        ]

    events = await asyncio.gather(*(event() for _ in range(gates)))
    await asyncio.sleep(2 * TICK)
    ticking.cancel()
    reasons = sorted({found["verdict"]["reason"] for (found,) in events})
    return {"stall": max(stalls) * 1000, "work": max(work) * 1000, "reasons": reasons}


def start_cold(arguments: tuple[str, int]) -> dict[str, Any]:
    return asyncio.run(live(*arguments))


if __name__ == "__main__":
    # Forks of a process that has imported Airflow and nothing of ours: each is a cold start.
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as forks:
        print(json.dumps(forks.map(start_cold, [(sys.argv[1], int(sys.argv[2]))] * ROUNDS, chunksize=1)))
