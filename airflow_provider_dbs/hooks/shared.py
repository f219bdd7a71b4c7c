# SPDX-License-Identifier: Apache-2.0
"""One connection, one client and one listing for all gates and watchers of a triggerer that ask for the same.

A triggerer runs a thousand triggers in one event loop, and reading an Airflow connection there goes through a
supervisor that answers four such questions a second. So a connection is read once and kept as a plain record for five
minutes, and a listing that is younger than a caller's poll interval is not read again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_dbs.client import transport, vendor
from airflow_provider_dbs.client.errors import DbsAuthenticationError, DbsError, DbsSignatureError
from airflow_provider_dbs.client.single_flight import SingleFlight
from airflow_provider_dbs.gates import ClientReader, Reading
from airflow_provider_dbs.hooks.connection import aread_settings
from airflow_provider_dbs.judgement.plan import PlanNotFound
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup, RestoreRange

if TYPE_CHECKING:
    from airflow_provider_dbs.client.client import DbsClient

T = TypeVar("T")

_CONNECTION_SECONDS = 300.0
_FORGET_SECONDS = 3600.0
# A question that keeps failing is asked after 2, 4 and 8 intervals: throttling slows the poll.
_SLOWEST = 8

_Connection = tuple[str, str | None]


class _Held(NamedTuple):
    """An answer, or the error in its place, and since when."""

    answer: Reading[Any] | DbsError
    read_at: float
    failures: int

    def is_fresh(self, max_age: float) -> bool:
        patience: int = min(2**self.failures, _SLOWEST)
        return time.monotonic() - self.read_at < max_age * patience


_clients: dict[_Connection, tuple[DbsClient, float]] = {}
_opening: SingleFlight[DbsClient] = SingleFlight()
_sharers: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()
_held: dict[Hashable, _Held] = {}
_reading: SingleFlight[_Held] = SingleFlight()


async def shared_client(dbs_conn_id: str, region_id: str | None) -> DbsClient:
    """The triggerer's client for a connection. Raises DbsError when the connection is missing or wrong."""
    known = _clients.get((dbs_conn_id, region_id))
    if known is not None and time.monotonic() < known[1]:
        return known[0]
    return await _opening.do((dbs_conn_id, region_id), lambda: _open(dbs_conn_id, region_id))


async def _open(dbs_conn_id: str, region_id: str | None) -> DbsClient:
    module = await vendor.load("airflow_provider_dbs.client.client")
    client: DbsClient = module.DbsClient(await aread_settings(dbs_conn_id, region_id))
    _clients[dbs_conn_id, region_id] = client, time.monotonic() + _CONNECTION_SECONDS
    return client


@asynccontextmanager
async def sharing() -> AsyncIterator[None]:
    """Around a trigger's life: the last one to leave its loop closes the connections."""
    loop = asyncio.get_running_loop()
    _sharers[loop] = _sharers.get(loop, 0) + 1
    try:
        yield
    finally:
        _sharers[loop] -= 1
        if not _sharers[loop]:
            await transport.close()


class SharedReader:
    """Reads for one trigger through what all of them share (a ``gates.Reader``).

    ``max_age``: seconds, the trigger's poll interval; what another trigger has read since then is good enough.
    """

    def __init__(self, dbs_conn_id: str, region_id: str | None, max_age: float) -> None:
        self.max_age = max_age
        self._connection = dbs_conn_id, region_id

    async def region_id(self) -> str | None:
        return (await shared_client(*self._connection)).settings.region_id

    async def full_backups(self, backup_plan_id: str) -> Reading[list[FullBackup]]:
        return await self._share(lambda reader: reader.full_backups(backup_plan_id), "full_backups", backup_plan_id)

    async def incremental_backups(
        self, backup_plan_id: str, start: datetime | None
    ) -> Reading[list[IncrementalBackup]]:
        return await self._share(
            lambda reader: reader.incremental_backups(backup_plan_id, start), "incremental", backup_plan_id, start
        )

    async def backup_plan(self, backup_plan_id: str) -> Reading[BackupPlan | PlanNotFound]:
        return await self._share(lambda reader: reader.backup_plan(backup_plan_id), "plan", backup_plan_id)

    async def restore_ranges(self, backup_plan_id: str, start: datetime, end: datetime) -> Reading[list[RestoreRange]]:
        return await self._share(
            lambda reader: reader.restore_ranges(backup_plan_id, start, end), "ranges", backup_plan_id, start, end
        )

    async def _share(self, question: Callable[[ClientReader], Awaitable[Reading[T]]], *name: Hashable) -> Reading[T]:
        key = self._connection, name
        held = _held.get(key)
        if held is None or not held.is_fresh(self.max_age):
            held = await _reading.do(key, lambda: self._read(key, question))
        if isinstance(held.answer, DbsError):
            # Many triggers raise this one object, and each would lengthen the traceback it keeps.
            raise held.answer.with_traceback(None)
        return held.answer

    async def _read(self, key: Hashable, question: Callable[[ClientReader], Awaitable[Reading[Any]]]) -> _Held:
        failures = 0
        answer: Reading[Any] | DbsError
        try:
            answer = await self._ask(question)
        except DbsError as error:
            before = _held.pop(key, None)
            failures = 1 + (before.failures if before else 0)
            answer = error
            if not error.retryable:
                # Whoever asks now is refused; whoever comes later may come because somebody put it right.
                return _Held(answer, 0.0, failures)
        now = time.monotonic()
        for old in [old for old, held in _held.items() if now - held.read_at > _FORGET_SECONDS]:
            del _held[old]
        _held[key] = held = _Held(answer, now, failures)
        return held

    async def _ask(self, question: Callable[[ClientReader], Awaitable[Reading[T]]]) -> Reading[T]:
        client = await shared_client(*self._connection)
        try:
            return await question(ClientReader(client))
        except (DbsAuthenticationError, DbsSignatureError):
            # Keys rotate, and then the connection is the one that knows.
            if _clients.get(self._connection, (None,))[0] is client:
                del _clients[self._connection]
        return await question(ClientReader(await shared_client(*self._connection)))


def forget() -> None:
    """Drop everything that is shared: for tests, which change what a connection says."""
    _clients.clear()
    _held.clear()
