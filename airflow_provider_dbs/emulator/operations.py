# SPDX-License-Identifier: Apache-2.0
"""The operations: parameters in, the payload of a successful answer out. Refusals are raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_dbs.emulator.backups import UNFINISHED_CELLS, Backup, Kind, NewBackup
from airflow_provider_dbs.emulator.envelope import BusinessError, GatewayError
from airflow_provider_dbs.emulator.fault_kinds import Payload, Quirks
from airflow_provider_dbs.emulator.restore import restore_ranges
from airflow_provider_dbs.emulator.rows import Row
from airflow_provider_dbs.emulator.settings import Settings
from airflow_provider_dbs.emulator.store import Plan, Store
from airflow_provider_dbs.emulator.times import Clock, to_ms

Parameters = Mapping[str, str]

_BACKUP_PAGE_SIZES = (30, 50, 100)
_PLAN_PAGE_SIZES = range(1, 101)
_DONE = {Kind.FULL: "finish", Kind.INCREMENTAL: "COMPLETED"}
_LARGEST_INTEGER = 2**31 - 1


@dataclass(frozen=True)
class Context:
    store: Store
    settings: Settings
    now: Clock
    quirks: Quirks


# -- the list operations ------------


def describe_full_backup_list(parameters: Parameters, context: Context) -> Payload:
    return _backup_list(Kind.FULL, "FullBackupFile", parameters, context)


def describe_increment_backup_list(parameters: Parameters, context: Context) -> Payload:
    return _backup_list(Kind.INCREMENTAL, "IncrementBackupFile", parameters, context)


def _backup_list(kind: Kind, inner: str, parameters: Parameters, context: Context) -> Payload:
    plan_id = parameters["BackupPlanId"]
    page = _page(parameters, context.quirks, _BACKUP_PAGE_SIZES)
    show_storage = _boolean(parameters, "ShowStorageType", default=True)
    show_progress = kind is Kind.FULL and _boolean(parameters, "ShowProgress", default=False)
    filter_key, keep = _filter(kind, parameters, context)
    if context.store.plan(plan_id) is None:
        if context.settings.unknown_plan == "error":
            raise BusinessError(400, "InvalidParameterValid", "findValidDBSJob error")
    else:
        for _ in range(context.quirks.pushed_rows):
            context.store.add(kind, plan_id, None, NewBackup(_DONE[kind]), in_front=True)
    found = context.store.listing(kind, plan_id, filter_key, keep)
    shown = [_wire_row(item, context.settings, show_storage, show_progress) for item in page.of(found)]
    return {**page.totals(len(found)), "Items": {inner: shown}}


def _filter(
    kind: Kind, parameters: Parameters, context: Context
) -> tuple[tuple[object, ...] | None, Callable[[Backup], bool] | None]:
    """The rows that the request's filters select, and a key that stands for the filter."""
    start, end = _integer(parameters, "StartTimestamp"), _integer(parameters, "EndTimestamp")
    in_seconds = (context.settings.timestamp_unit == "s") != context.quirks.wrong_unit
    start = start * 1000 if start is not None and in_seconds else start
    end = end * 1000 if end is not None and in_seconds else end
    set_id = parameters.get("BackupSetId") if kind is Kind.FULL else None
    status = parameters.get("BackupSetStatus") if kind is Kind.FULL else None
    mode = context.settings.timestamp_filter
    if (start, end, set_id, status) == (None, None, None, None):
        return None, None

    def keep(backup: Backup) -> bool:
        row = backup.row
        if (set_id and row["BackupSetId"] != set_id) or (status and row["BackupStatus"] != status):
            return False
        return (start is None and end is None) or _in_range(row, start, end, mode)

    return (start, end, set_id, status, mode), keep


def _in_range(row: Row, start: int | None, end: int | None, mode: str) -> bool:
    begins, ends = row.get("StartTime"), row.get("EndTime")
    if not isinstance(begins, int):
        return False
    if mode == "started":
        return (start is None or begins >= start) and (end is None or begins <= end)
    if not isinstance(ends, int):
        return False
    if mode == "overlaps":
        return (start is None or ends >= start) and (end is None or begins <= end)
    return (start is None or begins >= start) and (end is None or ends <= end)


def _wire_row(backup: Backup, settings: Settings, show_storage: bool, show_progress: bool) -> Row:
    row = dict(backup.row)
    if settings.unset_cells != "missing":
        for name in UNFINISHED_CELLS[backup.kind]:
            row.setdefault(name, 0 if settings.unset_cells == "zero" else None)
    if not show_storage:
        row.pop("StorageMethod", None)
    if show_progress:
        done = 100 if row["BackupStatus"] == "finish" else 0
        row.setdefault("LogicalFullBackupProgress", done)
        row.setdefault("LogicalStructureBackupProgress", done)
    for name in backup.omit:
        row.pop(name, None)
    return row


def describe_backup_plan_list(parameters: Parameters, context: Context) -> Payload:
    page = _page(parameters, context.quirks, _PLAN_PAGE_SIZES)
    with_ranges = _boolean(parameters, "ShowRecoverTimeRange", default=False)
    wanted = [item for item in parameters.get("BackupPlanId", "").split(",") if item]
    if context.settings.unknown_plan == "error" and any(context.store.plan(item) is None for item in wanted):
        raise BusinessError(400, "InvalidParameterValid", "The specified parameter BackupPlanId value is not valid.")
    for _ in range(context.quirks.pushed_rows):
        context.store.add_plan_in_front()
    equal = {
        "BackupPlanName": parameters.get("BackupPlanName"),
        "BackupPlanStatus": parameters.get("BackupPlanStatus"),
        "BackupPlanRegion": parameters.get("Region"),
        "BackupMethod": parameters.get("BackupMethod"),
        "ResourceGroupId": parameters.get("ResourceGroupId"),
    }
    found = [
        plan
        for plan in context.store.plans()
        if (not wanted or plan.row["BackupPlanId"] in wanted)
        and all(not value or plan.row.get(name) == value for name, value in equal.items())
    ]
    shown = []
    for plan in page.of(found):
        row = dict(plan.row)
        ranges = _restore_ranges(plan, context) if with_ranges else []
        if ranges:
            row.setdefault("BeginTimestampForRestore", min(item["BeginTimestampForRestore"] for item in ranges))
            row.setdefault("EndTimestampForRestore", max(item["EndTimestampForRestore"] for item in ranges))
        shown.append(row)
    return {**page.totals(len(found)), "Items": {"BackupPlanDetail": shown}}


# -- the others ------------


def describe_restore_range_info(parameters: Parameters, context: Context) -> Payload:
    plan = context.store.plan(parameters["BackupPlanId"])
    begin, end = (
        _integer(parameters, "BeginTimestampForRestore"),
        _integer(parameters, "EndTimestampForRestore"),
    )
    if begin is None or end is None or begin > end:
        raise GatewayError(
            400, "InvalidParameter", "BeginTimestampForRestore must not be after EndTimestampForRestore."
        )
    if plan is None:
        if context.settings.unknown_plan == "error":
            raise BusinessError(400, "InvalidParameterValid", "findValidDBSJob error")
        return {"Items": {"DBSRecoverRange": []}}
    ranges = [
        item
        for item in _restore_ranges(plan, context)
        if item["BeginTimestampForRestore"] <= end and item["EndTimestampForRestore"] >= begin
    ]
    return {"Items": {"DBSRecoverRange": ranges}}


def _restore_ranges(plan: Plan, context: Context) -> list[Row]:
    if plan.restore_ranges is not None:
        return plan.restore_ranges
    plan_id = plan.row["BackupPlanId"]
    fulls = [item.row for item in context.store.listing(Kind.FULL, plan_id)]
    logs = [item.row for item in context.store.listing(Kind.INCREMENTAL, plan_id)]
    return restore_ranges(fulls, logs, to_ms(context.now()))


def describe_regions(parameters: Parameters, context: Context) -> Payload:
    return {"Regions": {"RegionCode": list(context.settings.regions)}}


@dataclass(frozen=True)
class Operation:
    run: Callable[[Parameters, Context], Payload]
    required: tuple[str, ...] = ()


OPERATIONS: Mapping[str, Operation] = {
    "DescribeFullBackupList": Operation(describe_full_backup_list, ("BackupPlanId",)),
    "DescribeIncrementBackupList": Operation(describe_increment_backup_list, ("BackupPlanId",)),
    "DescribeBackupPlanList": Operation(describe_backup_plan_list),
    "DescribeRestoreRangeInfo": Operation(
        describe_restore_range_info, ("BackupPlanId", "BeginTimestampForRestore", "EndTimestampForRestore")
    ),
    "DescribeRegions": Operation(describe_regions),
}


# -- parameters and pages ------------


def _integer(parameters: Parameters, name: str) -> int | None:
    text = parameters.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise _invalid(name) from None


def _boolean(parameters: Parameters, name: str, *, default: bool) -> bool:
    text = parameters.get(name, "").lower()
    if text not in ("", "true", "false"):
        raise _invalid(name)
    return text == "true" if text else default


def _invalid(name: str) -> GatewayError:
    return GatewayError(400, "InvalidParameter", f"The specified parameter {name} value is not valid.")


@dataclass(frozen=True)
class Page:
    asked_number: int
    index: int
    size: int
    told_size: int
    lost_rows: int

    def of(self, found: Sequence[Any]) -> Sequence[Any]:
        """This page of what was found; rows that got lost stand on no page."""
        deliverable = max(len(found) - self.lost_rows, 0)
        return found[self.index * self.size : min((self.index + 1) * self.size, deliverable)]

    def totals(self, elements: int) -> Payload:
        pages = -(-elements // self.size)
        return {
            "PageNum": self.asked_number,
            "PageSize": self.told_size,
            "TotalPages": pages,
            "TotalElements": elements,
        }


def _page(parameters: Parameters, quirks: Quirks, sizes: Sequence[int]) -> Page:
    asked = _integer(parameters, "PageSize")
    number = _integer(parameters, "PageNum") or 0
    if asked is not None and asked not in sizes:
        raise _invalid("PageSize")
    if not 0 <= number <= _LARGEST_INTEGER:
        raise _invalid("PageNum")
    asked = asked or 30
    size = min(asked, quirks.largest_page or asked)
    told = size if quirks.tells_page_size else asked
    return Page(number, max(number - quirks.first_page, 0), size, told, quirks.lost_rows)
