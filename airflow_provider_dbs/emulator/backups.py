# SPDX-License-Identifier: Apache-2.0
"""One backup: its wire row, and the times and sizes that come with each status."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from airflow_provider_dbs.emulator.progress import Progress
from airflow_provider_dbs.emulator.rows import FULL_CELLS, INCREMENTAL_CELLS, Row, cells
from airflow_provider_dbs.emulator.times import from_ms, to_ms

# All three as in the vendor's samples.
_FULL_RETENTION = timedelta(days=7)
_LOG_RETENTION = timedelta(days=730)
_CREATED_BEFORE_START = timedelta(seconds=153)
_RUN = timedelta(minutes=30)


class Kind(str, Enum):
    FULL = "full"
    INCREMENTAL = "incremental"


KNOWN_CELLS = {Kind.FULL: FULL_CELLS, Kind.INCREMENTAL: INCREMENTAL_CELLS}
UNFINISHED_CELLS = {
    Kind.FULL: ("StartTime", "EndTime", "FinishTime", "BackupSetExpiredTime", "BackupSize"),
    Kind.INCREMENTAL: ("EndTime", "BackupSetExpiredTime", "BackupSize"),
}
"""What a backup may not have before it is done."""

_TYPICAL_SIZE = {Kind.FULL: 5_368_709_120, Kind.INCREMENTAL: 18_535}


@dataclass(frozen=True)
class NewBackup:
    """What a caller says of a backup; everything else is made up to fit the status."""

    status: str
    start: datetime | None = None
    end: datetime | None = None
    created: datetime | None = None
    expires: datetime | None = None
    size: int | None = None
    """What the backup has when it is done; until then it has none."""
    backup_set_job_id: str | None = None
    progression: str | None = None
    outcome: str | None = None
    durations: Mapping[str, Any] | None = None
    omit: Iterable[str] = ()
    cells: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Backup:
    kind: Kind
    plan_id: str
    row: Row
    progress: Progress
    size: int
    omit: frozenset[str]
    pushed: int = 0
    """Backups that were pushed in front come first in every order, the last one pushed first of all."""

    @property
    def placed_at(self) -> int:
        """Its start, or its creation while it has none; milliseconds."""
        return int(self.row.get("StartTime") or self.row.get("CreateTime") or 0)

    @property
    def status(self) -> str:
        return str(self.row["BackupStatus"])

    @property
    def shuffled_place(self) -> int:
        """A place among the others that looks random and never changes while it runs."""
        identity = (self.plan_id, self.row.get("BackupSetJobId"), self.row["BackupSetId"], self.placed_at)
        return zlib.crc32(repr(identity).encode())

    def enter(self, status: str, moment: datetime, *, keep_end: bool = False) -> None:
        """Reach ``status`` at ``moment``. An end belongs to the status that set it: set anew unless ``keep_end``."""
        if not keep_end and status != self.status:
            for name in ("EndTime", "FinishTime"):
                self.row.pop(name, None)
            if self.kind is Kind.INCREMENTAL:
                self.row.pop("BackupSetExpiredTime", None)
        self.row["BackupStatus"] = status
        at = max(to_ms(moment), self.placed_at)
        if self.kind is Kind.FULL:
            _fill_full(self.row, status, at, self.size)
        else:
            _fill_incremental(self.row, status, at, self.size)
        self.progress.since = moment


def make_backup(kind: Kind, plan: Row, backup_set_id: str, new: NewBackup, progress: Progress, now: datetime) -> Backup:
    """Raises ValueError for a naive time or a cell that does not exist."""
    for moment in (new.start, new.end, new.created, new.expires):
        if moment is not None:
            to_ms(moment)
    start, end, created = _full_times(new, now) if kind is Kind.FULL else _incremental_times(new, now)
    row: Row = {
        "BackupSetId": backup_set_id,
        "BackupStatus": new.status,
        "SourceEndpointIpPort": plan["SourceEndpointIpPort"],
        "StorageMethod": "UNKNOWN",
    }
    if kind is Kind.FULL:
        row["BackupObjects"], row["ErrMessage"] = plan["BackupObjects"], "NULL"
    else:
        # One long-lived log backup job per plan, as at the vendor's.
        row["BackupSetJobId"] = new.backup_set_job_id or f"1log{zlib.crc32(str(plan['BackupPlanId']).encode()):08x}"
    times = {"CreateTime": created, "StartTime": start, "EndTime": end, "BackupSetExpiredTime": new.expires}
    row.update({name: to_ms(moment) for name, moment in times.items() if moment is not None})
    size = _TYPICAL_SIZE[kind] if new.size is None else new.size
    backup = Backup(kind, str(plan["BackupPlanId"]), row, progress, size, frozenset(new.omit))
    backup.enter(new.status, now, keep_end=True)
    row.update(cells(new.cells, KNOWN_CELLS[kind]))
    return backup


def _full_times(new: NewBackup, now: datetime) -> tuple[datetime | None, datetime | None, datetime]:
    """Start, end and creation."""
    if new.status == "schedule":
        return new.start, new.end, new.created or now
    ended = new.status not in ("running", "pause")
    start = new.start or (new.end - _RUN if new.end else now - _RUN if ended else now)
    end = new.end or (min(start + _RUN, max(start, now)) if ended else None)
    return start, end, new.created or start - _CREATED_BEFORE_START


def _incremental_times(new: NewBackup, now: datetime) -> tuple[datetime, datetime | None, None]:
    start = new.start or (new.end or now) - _RUN
    end = new.end or (None if new.status == "INIT" else min(start + _RUN, max(start, now)))
    return start, end, None


def _fill_full(row: Row, status: str, at: int, size: int) -> None:
    if status != "schedule":
        row.setdefault("StartTime", at)
    if status in ("finish", "stop"):
        row.setdefault("EndTime", at)
        row.setdefault("FinishTime", row["EndTime"])
    if status == "stop" and row["ErrMessage"] == "NULL":
        row["ErrMessage"] = "The backup job failed."
    if status == "finish":
        row.setdefault("BackupSetExpiredTime", to_ms(from_ms(row["StartTime"]) + _FULL_RETENTION))
        row.setdefault("BackupSize", size)
        row["StorageMethod"] = "Standard"


def _fill_incremental(row: Row, status: str, at: int, size: int) -> None:
    """A FILLING segment has an end and a size too: in the vendor's sample they are high-water marks."""
    if status == "INIT":
        return
    row.setdefault("EndTime", at)
    row.setdefault("BackupSize", size)
    row.setdefault("BackupSetExpiredTime", to_ms(from_ms(row["EndTime"]) + _LOG_RETENTION))
    row["StorageMethod"] = "Standard"
