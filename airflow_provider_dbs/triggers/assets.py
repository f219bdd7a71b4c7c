# SPDX-License-Identifier: Apache-2.0
"""The watch behind ``dbs_backup_asset``: one event for each full backup of a plan that finishes."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_dbs.asset_uri import backup_asset_uri
from airflow_provider_dbs.client.errors import DbsError
from airflow_provider_dbs.judgement.finished import backup_record
from airflow_provider_dbs.judgement.plan import PlanTrouble, plan_trouble
from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.models import FullBackup
from airflow_provider_dbs.triggers.announced import AnnouncedBackups, announced_backups
from airflow_provider_dbs.triggers.hindrance import Hindrance
from airflow_provider_dbs.triggers.loading import load_shared_reading

if TYPE_CHECKING:
    from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

log = logging.getLogger(__name__)

SHORTEST_SECONDS = 1.0
_JITTER = 0.1
# A plan that cannot be listed is asked for after 2, 4 and 8 intervals.
_DOUBLINGS = 3


@dataclass
class Look:
    """One listing of the plan, and what its watchers have announced of it."""

    backups: list[FullBackup]
    as_of: datetime
    region_id: str | None
    announced: list[tuple[AnnouncedBackups, frozenset[str]]] = field(default_factory=list)

    async def settle(self) -> None:
        """The events of this look are in Airflow's database."""
        for announced, claimed in self.announced:
            await announced.settle(self.backups, claimed)


class DbsBackupFinishedTrigger(BaseEventTrigger):
    """Fires once for each full backup of ``backup_plan_id`` that reaches ``finish`` and is usable, oldest first.

    The payload is a BackupRecord (judgement/finished.py). ``poll_interval``: seconds.

    What has been announced is kept in Airflow's asset_state_store (3.3), written only when Airflow has confirmed that
    the events are in its database; the first look of a watch without a memory is its baseline, and its backups are
    not announced. Before 3.3 there is no store: each start of the triggerer begins a new watch.
    """

    def __init__(self, *, backup_plan_id: str, dbs_conn_id: str, region_id: str | None, poll_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.backup_plan_id = backup_plan_id
        self.dbs_conn_id = dbs_conn_id
        self.region_id = region_id
        self.poll_interval = poll_interval
        self._announced: AnnouncedBackups | None = None
        self._told: dict[str, str] = {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "backup_plan_id": self.backup_plan_id,
            "dbs_conn_id": self.dbs_conn_id,
            "region_id": self.region_id,
            "poll_interval": self.poll_interval,
        }

    def shared_stream_key(self) -> tuple[Any, ...]:
        path, kwargs = self.serialize()
        return path, *kwargs.values()

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncGenerator[Look, None]:
        """Looks at the plan for ever, whatever happens; the listing is shared with all gates of the triggerer."""
        await load_shared_reading()
        from airflow_provider_dbs.hooks.shared import sharing

        watch = _Watch(**kwargs)
        failures = 0
        async with sharing():
            pause = watch.poll_interval * random.uniform(0, _JITTER)
            while True:
                await asyncio.sleep(pause)
                look = await watch.look()
                failures = min(failures + 1, _DOUBLINGS) if look is None else 0
                interval = watch.poll_interval * 2**failures
                # Never shorter: a look that comes early would only see again what it has seen.
                pause = interval * random.uniform(1, 1 + _JITTER)
                if look is not None:
                    yield look

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Airflow 3.3 then says when the events of a look are in its database."""
        from airflow.triggers.shared_stream import SharedStreamProducer

        class Producer(SharedStreamProducer):
            async def open_stream(self) -> AsyncIterator[tuple[Look, Look]]:
                async with aclosing(cls.open_shared_stream(kwargs)) as looks:
                    async for look in looks:
                        yield look, look

            async def advance(self, batch: Sequence[AdvanceItem]) -> None:
                for item in batch:
                    if item.outcome.is_clean:
                        look: Look = item.broker_payload
                        await look.settle()

        return Producer()

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Look]) -> AsyncIterator[TriggerEvent]:
        uri = backup_asset_uri(self.backup_plan_id, self.region_id)
        # Airflow sets asset_state_store after the constructor, and before 3.3 not at all.
        announced = self._announced = announced_backups(getattr(self, "asset_state_store", None), uri)
        async for look in shared_stream:
            news = await announced.claim_news(look.backups, look.as_of, self)
            self._tell_doubts(announced.doubts(look.backups, look.as_of))
            look.announced.append((announced, announced.claimed_by(self)))
            for full in news:
                yield TriggerEvent(dict(backup_record(full, self.backup_plan_id, look.region_id)))

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """The same without shared streams: before Airflow 3.3."""

        async def looks() -> AsyncGenerator[Look, None]:
            last: Look | None = None
            async with aclosing(self.open_shared_stream(self.serialize()[1])) as stream:
                async for look in stream:
                    if last is not None:
                        # Nobody says when its events are in the database; an interval later they are.
                        await last.settle()
                    yield look
                    last = look

        async with aclosing(looks()) as stream:
            async for event in self.filter_shared_stream(stream):
                yield event

    async def cleanup(self) -> None:
        if self._announced is not None:
            self._announced.release(self)
            self._announced = None

    def _tell_doubts(self, doubts: dict[str, str]) -> None:
        for name, because in doubts.items():
            if self._told.get(name) != because:
                log.warning("Full backup %s of plan %s is not announced: %s", clean(name), self.backup_plan_id, because)
        self._told = doubts


class _Watch:
    """Reads one plan, whatever hinders it."""

    def __init__(self, *, backup_plan_id: str, dbs_conn_id: str, region_id: str | None, poll_interval: float) -> None:
        self.poll_interval = poll_interval
        self._plan_id = backup_plan_id
        self._plan_is_sound = False
        from airflow_provider_dbs.hooks.shared import SharedReader

        self._reader = SharedReader(dbs_conn_id, region_id, poll_interval)
        self._hindrance = Hindrance(log, f"The watch of plan {backup_plan_id} through connection {dbs_conn_id}")

    async def look(self) -> Look | None:
        """None when the plan could not be listed."""
        try:
            reading = await self._reader.full_backups(self._plan_id)
            region_id = await self._reader.region_id()
            trouble = None if reading.answer else await self._trouble(region_id)
        except DbsError as error:
            self._hindrance.met((type(error), error.code), f"is hindered, and goes on trying: {error}")
            return None
        except Exception as error:
            self._hindrance.met(type(error), "has crashed, and goes on trying", crash=True)
            return None
        if trouble:
            self._hindrance.met(trouble.reason, f"sees no backups: {trouble.message}")
        else:
            self._hindrance.over()
        return Look(reading.answer, reading.as_of, region_id)

    async def _trouble(self, region_id: str | None) -> PlanTrouble | None:
        """Nothing is listed: of a plan that is new, or of none."""
        if self._plan_is_sound:
            return None
        plan = (await self._reader.backup_plan(self._plan_id)).answer
        trouble = plan_trouble(self._plan_id, plan, region_id)
        self._plan_is_sound = trouble is None
        return trouble
