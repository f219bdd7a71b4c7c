# SPDX-License-Identifier: Apache-2.0
"""A watcher as a triggerer runs it: Airflow's own runner and shared streams, without a database behind them."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from airflow.sdk import Asset
from airflow.sdk.execution_time import task_runner

from airflow_provider_dbs.assets import dbs_backup_asset
from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.hooks import shared
from airflow_provider_dbs.triggers import announced
from tests.deferral import recreated

PLAN = "dbsr179qz0001"
REGION = "cn-hangzhou"
PATIENCE = 10
INTERVAL = 0.05


def watched_asset(**arguments: Any) -> Asset:
    """The asset of the tests, looked at so often that they need not wait."""
    asset = dbs_backup_asset(arguments.pop("backup_plan_id", PLAN), **{"region_id": REGION, **arguments})
    asset.watchers[0].trigger.poll_interval = INTERVAL
    return asset


async def until(condition: Callable[[], Any]) -> Any:
    """Wait for what must come."""

    async def watch() -> Any:
        while not (met := condition()):  # noqa: ASYNC110 - of what other threads and processes do too
            await asyncio.sleep(0.01)
        return met

    return await asyncio.wait_for(watch(), PATIENCE)


class Looks:
    """Counts what the emulator was asked."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def more(self, count: int = 3) -> None:
        """Wait until the watchers have looked that often again; they have made what they do of all but the last."""
        before = len(self._emulator.calls)
        await until(lambda: len(self._emulator.calls) > before + count)
        await asyncio.sleep(INTERVAL)


class Airflow:
    """What outlives a triggerer: the asset events and the state store in Airflow's database."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.store: dict[str, Any] = {}
        self.takes_events = True
        self.confirms_events = True
        self.broken_store: type[BaseException] | None = None
        self.connected: Triggerer | None = None

    @property
    def announced(self) -> list[str]:
        return [payload["backup_set_id"] for _, payload in self.events]

    def remembers(self, asset: Asset) -> set[str]:
        """The backup sets that the asset's watermark holds."""
        return set(self.store.get(asset.name, {}).get("seen", ()))

    async def asend(self, message: Any) -> Any:
        """Answers the runner, in place of the supervisor's process."""
        from airflow.sdk.execution_time import comms

        await asyncio.sleep(0)
        if "AssetStateStore" not in type(message).__name__:
            return comms.OKResponse(ok=True)
        if self.broken_store:
            raise self.broken_store("the store is down")
        if isinstance(message, comms.SetAssetStateStoreByName):
            self.store[message.name] = json.loads(json.dumps(message.value))
            return comms.OKResponse(ok=True)
        assert isinstance(message, comms.GetAssetStateStoreByName)
        if message.name in self.store:
            return comms.AssetStateStoreResult(value=self.store[message.name])
        return comms.ErrorResponse(error=comms.ErrorType.ASSET_STORE_NOT_FOUND)

    def send(self, message: Any) -> Any:
        """For what Airflow tells the supervisor in passing, such as secrets to mask."""


class Triggerer:
    """One process of a triggerer: Airflow's TriggerRunner, and the supervisor's half of its loop."""

    def __init__(self, airflow: Airflow) -> None:
        self._airflow = airflow
        self._runner = importlib.import_module("airflow.jobs.triggerer_job_runner").TriggerRunner()
        self._assets: dict[int, str] = {}
        shared.forget()
        announced._of_asset.clear()
        self._supervisor = asyncio.create_task(self._supervise())

    def watch(self, *assets: Asset) -> None:
        """Start the watchers of the assets, as TriggerRunner.create_triggers does."""
        from airflow.sdk.execution_time.context import AssetStateStoreAccessors

        for asset in assets:
            for watcher in asset.watchers:
                trigger = recreated(watcher.trigger)
                trigger.trigger_id = number = len(self._assets) + 1
                trigger.asset_state_store = AssetStateStoreAccessors(inlets=[Asset(name=asset.name, uri=asset.uri)])
                self._assets[number] = asset.name
                self._runner.triggers[number] = {"name": watcher.name, "events": 0, "is_watcher": True}
                task = asyncio.create_task(self._runner.run_trigger(number, trigger))
                self._runner.triggers[number]["task"] = task

    @property
    def fired(self) -> int:
        """Events that watchers have fired, whether they are in the database or not."""
        return sum(details["events"] for details in self._runner.triggers.values())

    @property
    def failed(self) -> list[BaseException]:
        tasks = [details["task"] for details in self._runner.triggers.values()]
        return [task.exception() for task in tasks if task.done() and not task.cancelled()]

    async def kill(self) -> None:
        """Nothing that the process still holds gets out."""
        self._supervisor.cancel()
        out, self._airflow.broken_store = self._airflow.broken_store, BrokenPipeError
        for details in self._runner.triggers.values():
            details["task"].cancel()
        await asyncio.gather(*(details["task"] for details in self._runner.triggers.values()), return_exceptions=True)
        self._airflow.broken_store = out

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            while self._airflow.takes_events and self._runner.events:
                entry = self._runner.events.popleft()
                payload = json.loads(json.dumps(entry.event.payload))
                self._airflow.events.append((self._assets[entry.trigger_id], payload))
                if self._airflow.confirms_events and entry.persist_seq is not None:
                    self._runner._shared_streams.confirm_persisted([entry.persist_seq])


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    database = Airflow()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", database, raising=False)
    return database


@pytest_asyncio.fixture
async def triggerer(airflow: Airflow, dbs: Emulator) -> AsyncIterator[Callable[..., Triggerer]]:
    """Starts a triggerer that watches the given assets."""
    started: list[Triggerer] = []

    def start(*assets: Asset) -> Triggerer:
        started.append(Triggerer(airflow))
        started[-1].watch(*assets)
        return started[-1]

    yield start
    for process in started:
        await process.kill()
        assert not process.failed, process.failed


@pytest.fixture
def looks(dbs: Emulator) -> Looks:
    return Looks(dbs)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The messages of the watchers so far."""
    caplog.set_level("INFO", logger="airflow_provider_dbs")
    return lambda: [
        line.getMessage() for line in caplog.records if line.name.startswith("airflow_provider_dbs.triggers")
    ]
