# SPDX-License-Identifier: Apache-2.0
"""DbsClient: a coroutine for each DBS operation, typed results, errors of ``client/errors.py``."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from operator import itemgetter
from typing import Any, TypeVar

from airflow_provider_dbs.client import transport
from airflow_provider_dbs.client.credentials import Credential
from airflow_provider_dbs.client.decoding import as_number, decode_rows, decode_texts
from airflow_provider_dbs.client.errors import DbsParameterError, DbsResponseError, naming
from airflow_provider_dbs.client.listing import PAGE_SIZE, Page, read_list
from airflow_provider_dbs.client.rpc import Parameters, Rpc
from airflow_provider_dbs.client.settings import Settings
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup, RestoreRange, Row

RowT = TypeVar("RowT", bound=Row)
PlacedT = TypeVar("PlacedT", FullBackup, IncrementalBackup)

# Which of its times the service filters on is not documented, so the filter asks for more and the client decides.
_FILTER_MARGIN = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
# Plan ids in one call: an URL has its limits.
_PLANS_A_CALL = 100

# Whether the service's own time filter has been seen to find rows that are there: by (host, operation, plan).
_filter_works: dict[tuple[str, str, str], bool] = {}


class DbsClient:
    """Asks DBS. Without I/O until the first call; sessions, credentials and the call rate are shared per process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._rpc = Rpc(settings)

    @property
    def calls_made(self) -> int:
        """Requests sent by this client so far, retries included."""
        return self._rpc.attempts_made

    async def list_full_backups(
        self,
        backup_plan_id: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        backup_set_id: str | None = None,
        show_storage_type: bool | None = True,
        client_token: str | None = None,
    ) -> list[FullBackup]:
        """DescribeFullBackupList: every full backup of a plan, newest first.

        ``start``, ``end``: aware datetimes; keeps the backups whose StartTime (CreateTime while there is none) lies in
        ``[start, end)``; one that has neither yet is kept. Raises DbsError, or ValueError for a naive datetime.
        """
        parameters = {
            "BackupPlanId": backup_plan_id,
            "BackupSetId": backup_set_id,
            "ShowStorageType": show_storage_type,
            "ClientToken": client_token,
        }
        unit = self.settings.timestamp_unit or "none"
        return await self._list_placed(
            "DescribeFullBackupList", "FullBackupFile", FullBackup, parameters, _full_backup_key, start, end, unit
        )

    async def list_incremental_backups(
        self,
        backup_plan_id: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        show_storage_type: bool | None = True,
        client_token: str | None = None,
    ) -> list[IncrementalBackup]:
        """DescribeIncrementBackupList: every log segment of a plan, newest first; ``start`` and ``end`` as above.

        With either of them the service is asked for that time only, a day more on each side.
        """
        parameters = {
            "BackupPlanId": backup_plan_id,
            "ShowStorageType": show_storage_type,
            "ClientToken": client_token,
        }
        return await self._list_placed(
            "DescribeIncrementBackupList",
            "IncrementBackupFile",
            IncrementalBackup,
            parameters,
            _incremental_backup_key,
            start,
            end,
            self.settings.timestamp_unit or "ms",
        )

    async def list_backup_plans(
        self,
        *,
        backup_plan_ids: Sequence[str] | None = None,
        status: str | None = None,
        region: str | None = None,
    ) -> list[BackupPlan]:
        """DescribeBackupPlanList: the plans of the account, or those of ``backup_plan_ids``, by id.

        A plan that the service does not know is not in the list. ``status``: a BackupPlanStatus, ``region``: e.g.
        ``cn-hangzhou``; both are filters of the service's.
        """
        filters = {"BackupPlanStatus": status, "Region": region}
        if backup_plan_ids is None:
            plans = await self._list_plans(filters)
        else:
            ids = [backup_plan_ids] if isinstance(backup_plan_ids, str) else list(dict.fromkeys(backup_plan_ids))
            batches = [ids[i : i + _PLANS_A_CALL] for i in range(0, len(ids), _PLANS_A_CALL)]
            found = await asyncio.gather(*(self._find_plans(batch, filters) for batch in batches))
            plans = [plan for batch in found for plan in batch]
        return sorted(plans, key=lambda plan: plan.backup_plan_id)

    async def get_restore_ranges(self, backup_plan_id: str, start: datetime, end: datetime) -> list[RestoreRange]:
        """DescribeRestoreRangeInfo: what the service says can be restored between two aware instants."""
        _check_aware(start=start, end=end)
        operation = "DescribeRestoreRangeInfo"
        parameters: Parameters = {
            "BackupPlanId": backup_plan_id,
            "BeginTimestampForRestore": _timestamp(start, "ms"),
            "EndTimestampForRestore": _timestamp(end, "ms"),
        }
        answer = await self._rpc.call(operation, parameters)
        with naming(operation, answer.request_id):
            return decode_rows(answer.items, "DBSRecoverRange", RestoreRange) or []

    async def list_regions(self) -> list[str]:
        """DescribeRegions: the codes of the service's regions. The cheapest call there is."""
        answer = await self._rpc.call("DescribeRegions", {})
        with naming("DescribeRegions", answer.request_id):
            return decode_texts(answer.regions, "RegionCode")

    async def get_credential(self) -> Credential:
        """The credential that the next call is signed with."""
        return await self._rpc.credentials.get(self.settings.total_timeout)

    async def aclose(self) -> None:
        """Close the connections of the running loop, those of its other clients too."""
        await transport.close()

    async def _find_plans(self, ids: list[str], filters: Parameters) -> list[BackupPlan]:
        """One unknown id can make the service refuse the whole question; then each id is asked for alone."""
        try:
            return await self._list_plans({**filters, "BackupPlanId": ",".join(ids)})
        except DbsParameterError as error:
            if error.code != "InvalidParameterValid":
                raise
        if len(ids) == 1:
            return []
        found = await asyncio.gather(*(self._find_plans([plan_id], filters) for plan_id in ids))
        return [plan for plans in found for plan in plans]

    async def _list_plans(self, parameters: Parameters) -> list[BackupPlan]:
        # Not on the page, but in the SDK: without them the schedule and the restore range may stay empty.
        show = {"ShowRecoverTimeRange": True, "ShowBackupStrategyInfo": True, "ShowStorageStrategyInfo": True}
        return await self._list(
            "DescribeBackupPlanList",
            "BackupPlanDetail",
            BackupPlan,
            {**parameters, **show},
            lambda plan: plan.backup_plan_id,
        )

    async def _list_placed(
        self,
        operation: str,
        name: str,
        row_type: type[PlacedT],
        parameters: dict[str, Any],
        key: Callable[[PlacedT], Hashable],
        start: datetime | None,
        end: datetime | None,
        unit: str,
    ) -> list[PlacedT]:
        """A list of backups, filtered here; asked for with the service's own filter where that is worth it."""
        _check_aware(start=start, end=end)
        list_with = partial(self._list, operation, name, row_type, key=key)
        proof = (self.settings.host, operation, parameters["BackupPlanId"])
        is_filtered = unit != "none" and not (start is None and end is None) and _filter_works.get(proof, True)
        rows = await list_with({**parameters, **_time_filter(start, end, unit)} if is_filtered else parameters)
        if is_filtered and rows:
            # One bound alone proves nothing: in the wrong unit it may let everything through.
            if start is not None and end is not None:
                _filter_works[proof] = True
        elif is_filtered and proof not in _filter_works:
            # A wrong unit gives an empty success, so the filter is put to the proof before its silence is believed.
            rows = await list_with(parameters)
            known = max((row.placed_time for row in rows if row.placed_time), default=None)
            if known is not None:
                _filter_works[proof] = bool(await list_with({**parameters, **_time_filter(known, known, unit)}))
        return _placed(rows, start, end)

    async def _list(
        self,
        operation: str,
        name: str,
        row_type: type[RowT],
        parameters: Parameters,
        key: Callable[[RowT], Hashable],
    ) -> list[RowT]:
        async def fetch(number: int) -> Page[RowT]:
            answer = await self._rpc.call(operation, {**parameters, "PageSize": PAGE_SIZE, "PageNum": number})
            with naming(operation, answer.request_id):
                rows = decode_rows(answer.items, name, row_type)
                if answer.total_elements is None or answer.total_elements < 0:
                    total = "no TotalElements" if answer.total_elements is None else "a TotalElements below 0"
                    raise DbsResponseError(f"the answer has {total}, so its completeness cannot be known")
                return Page(rows or [], answer.total_elements, as_number(answer.page_size))

        with naming(operation):
            return await read_list(fetch, key, self.settings.max_pages_in_flight)


def _full_backup_key(row: FullBackup) -> Hashable:
    return row.backup_set_id


def _incremental_backup_key(row: IncrementalBackup) -> Hashable:
    # Log names repeat after a RESET MASTER or a failover.
    return row.backup_set_job_id, row.backup_set_id, row.start_time_ms


def _placed(rows: list[PlacedT], start: datetime | None, end: datetime | None) -> list[PlacedT]:
    """The rows in ``[start, end)``, newest first. One that has no time yet stays, and is the newest."""
    first = -math.inf if start is None else (start - _EPOCH) / _MILLISECOND
    limit = math.inf if end is None else (end - _EPOCH) / _MILLISECOND
    kept = [
        (math.inf if place is None else place, row.backup_set_id, row)
        for place, row in ((row.placed_ms, row) for row in rows)
        if place is None or first <= place < limit
    ]
    kept.sort(key=itemgetter(0, 1), reverse=True)
    return [row for _, _, row in kept]


def _time_filter(start: datetime | None, end: datetime | None, unit: str) -> dict[str, int | None]:
    return {
        "StartTimestamp": None if start is None else max(0, _timestamp(start, unit, -_FILTER_MARGIN)),
        "EndTimestamp": None if end is None else max(0, _timestamp(end, unit, _FILTER_MARGIN)),
    }


def _timestamp(moment: datetime, unit: str, margin: timedelta = timedelta(0)) -> int:
    return (moment - _EPOCH + margin) // timedelta(**{"milliseconds" if unit == "ms" else "seconds": 1})


def _check_aware(**times: datetime | None) -> None:
    for name, time in times.items():
        if time is not None and time.utcoffset() is None:
            raise ValueError(f"{name} is {time.isoformat()}, which has no time zone: give an aware datetime")
