# SPDX-License-Identifier: Apache-2.0
"""DbsHook: what Airflow code asks DBS through a connection."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_dbs.client.errors import DbsError
from airflow_provider_dbs.client.settings import Settings, masked
from airflow_provider_dbs.connection_fields import CONNECTION_NAME, CONNECTION_TYPE
from airflow_provider_dbs.hooks.connection import aread_settings, read_settings
from airflow_provider_dbs.hooks.form import field_behaviour, form_widgets

if TYPE_CHECKING:
    from airflow_provider_dbs.client.client import DbsClient
    from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup, RestoreRange

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(question: Callable[Concatenate[DbsHook, P], Awaitable[T]]) -> Callable[Concatenate[DbsHook, P], T]:
    """The same method for callers without an event loop."""

    @functools.wraps(question)
    def ask(self: DbsHook, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._drive(lambda: question(self, *args, **kwargs), question.__name__)

    ask.__name__ = question.__name__[1:]
    ask.__qualname__ = f"DbsHook.{ask.__name__}"
    return ask


class DbsHook(BaseHook):
    """Asks DBS with the credentials, the region and the limits of an Airflow connection.

    Each question is a coroutine (``alist_full_backups``) and a method that drives it (``list_full_backups``). The
    method opens and closes a session of its own; in your own event loop await the coroutines inside
    ``async with DbsHook(...) as hook:``. ``region_id`` wins over the connection's. Every question raises DbsError
    (see client/errors.py), and lists are complete or an error.
    """

    conn_name_attr = "dbs_conn_id"
    default_conn_name = "dbs_default"
    conn_type = CONNECTION_TYPE
    hook_name = CONNECTION_NAME

    def __init__(self, dbs_conn_id: str = default_conn_name, region_id: str | None = None) -> None:
        super().__init__()
        self.dbs_conn_id = dbs_conn_id
        self.region_id = region_id
        self._settings: Settings | None = None
        self._client: DbsClient | None = None

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        return form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        return field_behaviour()

    async def aget_client(self) -> DbsClient:
        """The client of this hook; the connection is read the first time."""
        if self._client is None:
            from airflow_provider_dbs.client.client import DbsClient

            # The triggerer's shared record of a connection belongs here: one read per connection and process.
            self._settings = self._settings or await aread_settings(self.dbs_conn_id, self.region_id)
            self._client = DbsClient(self._settings)
        return self._client

    async def aask(self, question: Callable[[DbsClient], Awaitable[T]]) -> T:
        """The answer to a question that takes several calls: ``question`` gets the client."""
        return await question(await self.aget_client())

    async def aclose(self) -> None:
        """Close the session of the running loop. The hook can be used again."""
        if self._client is not None:
            await self._client.aclose()

    async def __aenter__(self) -> DbsHook:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def alist_full_backups(
        self,
        backup_plan_id: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        backup_set_id: str | None = None,
    ) -> list[FullBackup]:
        """The plan's full backups, newest first. ``start``, ``end``: aware datetimes; ``[start, end)`` on StartTime."""
        client = await self.aget_client()
        return await client.list_full_backups(backup_plan_id, start=start, end=end, backup_set_id=backup_set_id)

    async def alist_incremental_backups(
        self, backup_plan_id: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> list[IncrementalBackup]:
        """The plan's log segments, newest first. ``start``, ``end``: aware datetimes; ``[start, end)`` on StartTime."""
        client = await self.aget_client()
        return await client.list_incremental_backups(backup_plan_id, start=start, end=end)

    async def alist_backup_plans(
        self, *, backup_plan_ids: Iterable[str] | None = None, status: str | None = None
    ) -> list[BackupPlan]:
        """The account's backup plans in the region: all, or those of these ids or in this status."""
        client = await self.aget_client()
        ids = backup_plan_ids if backup_plan_ids is None or isinstance(backup_plan_ids, str) else list(backup_plan_ids)
        return await client.list_backup_plans(backup_plan_ids=ids, status=status)

    async def aget_restore_ranges(self, backup_plan_id: str, start: datetime, end: datetime) -> list[RestoreRange]:
        """What the service says can be restored between ``start`` and ``end`` (aware datetimes)."""
        client = await self.aget_client()
        return await client.get_restore_ranges(backup_plan_id, start, end)

    async def alist_regions(self) -> list[str]:
        """The ids of the regions where DBS runs."""
        client = await self.aget_client()
        return await client.list_regions()

    async def atest_connection(self) -> tuple[bool, str]:
        """Whether DBS accepts us, and as whom; or why not. Never raises: Airflow's Test button shows the text."""
        try:
            client = await self.aget_client()
            regions = await client.list_regions()
            credential = await client.get_credential()
        except Exception as error:
            return False, _reason(error)
        settings = client.settings
        region = settings.region_id or "none set"
        if settings.region_id and settings.region_id not in regions:
            region += " (not among the regions that the service lists)"
        who = f"{credential.kind} {masked(credential.access_key_id)}"
        return True, f"DBS answers: region {region}, endpoint {settings.endpoint}, credential {who}"

    ask = _blocking(aask)
    list_full_backups = _blocking(alist_full_backups)
    list_incremental_backups = _blocking(alist_incremental_backups)
    list_backup_plans = _blocking(alist_backup_plans)
    get_restore_ranges = _blocking(aget_restore_ranges)
    list_regions = _blocking(alist_regions)

    def test_connection(self) -> tuple[bool, str]:
        """As ``atest_connection``."""
        try:
            return _blocking(DbsHook.atest_connection)(self)
        except Exception as error:
            return False, _reason(error)

    def _drive(self, question: Callable[[], Awaitable[T]], twin: str) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError(f"{twin[1:]}() would block the running event loop: await {twin}() instead")
        self._settings = self._settings or read_settings(self.dbs_conn_id, self.region_id)

        async def within_own_loop() -> T:
            async with self:
                return await question()

        return asyncio.run(within_own_loop())


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, DbsError) else f"{type(error).__name__}: {error}"
