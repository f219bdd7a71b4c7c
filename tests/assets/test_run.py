# SPDX-License-Identifier: Apache-2.0
"""The watch before Airflow 3.3: run() alone, without shared streams and without a memory."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.hooks import shared
from tests.assets.conftest import PATIENCE, PLAN, Looks, until, watched_asset
from tests.deferral import recreated

NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOUR = timedelta(hours=1)


class Watch:
    """One start of the trigger."""

    def __init__(self) -> None:
        shared.forget()
        self.announced: list[str] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        trigger: Any = recreated(watched_asset().watchers[0].trigger)
        async for event in trigger.run():
            self.announced.append(event.payload["backup_set_id"])

    async def stop(self) -> None:
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task


@pytest.fixture
def plan(dbs: Emulator) -> Emulator:
    dbs.add_plan(PLAN)
    dbs.add_full_backup(PLAN, "old", start=NOW - 25 * HOUR, end=NOW - 24 * HOUR)
    return dbs


async def test_each_finished_backup_is_one_event(plan: Emulator, looks: Looks) -> None:
    watch = Watch()
    await looks.more()
    for name in ("one", "two"):
        plan.add_full_backup(PLAN, name, start=NOW - HOUR, end=NOW)
        await until(lambda: name in watch.announced)  # noqa: B023
    await looks.more()
    assert watch.announced == ["one", "two"]
    await watch.stop()


async def test_each_start_begins_a_new_watch(plan: Emulator, looks: Looks) -> None:
    watch = Watch()
    await looks.more()
    await watch.stop()
    plan.add_full_backup(PLAN, "meanwhile", start=NOW - HOUR, end=NOW)
    watch = Watch()
    await looks.more()
    plan.add_full_backup(PLAN, "later", start=NOW - HOUR, end=NOW)
    await until(lambda: watch.announced)
    await looks.more()
    assert watch.announced == ["later"]
    await watch.stop()


async def test_a_stopped_watch_asks_no_more(plan: Emulator, looks: Looks) -> None:
    watch = Watch()
    await looks.more()
    await asyncio.wait_for(watch.stop(), PATIENCE)
    await asyncio.sleep(0.1)
    before = len(plan.calls)
    await asyncio.sleep(0.5)
    assert len(plan.calls) == before
