# SPDX-License-Identifier: Apache-2.0
"""Rows as the checks read them: each backup once, oldest first, with one vocabulary of states and its times at hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

import msgspec

from airflow_provider_dbs.judgement.audit.findings import Evidence, FullState, LogState
from airflow_provider_dbs.judgement.recovery import distinct_incremental_backups
from airflow_provider_dbs.judgement.usable import distinct_full_backups, usable
from airflow_provider_dbs.models import (
    SECONDS_BELOW,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
)

_FULL_STATES = {
    FullBackupStatus.SCHEDULE: FullState.PENDING,
    FullBackupStatus.RUNNING: FullState.RUNNING,
    FullBackupStatus.FINISH: FullState.SUCCESS,
    FullBackupStatus.STOP: FullState.FAILED,
    FullBackupStatus.PAUSE: FullState.PAUSED,
}
_LOG_STATES = {
    IncrementalBackupStatus.INIT: LogState.PENDING,
    IncrementalBackupStatus.FILLING: LogState.OPEN,
    IncrementalBackupStatus.COMPLETED: LogState.SEALED,
    IncrementalBackupStatus.UNCOMPLETED: LogState.BROKEN,
}
_NEVER = datetime.min.replace(tzinfo=timezone.utc)

_FULL_TIMES = ("create_time_ms", "start_time_ms", "end_time_ms", "finish_time_ms", "backup_set_expired_time_ms")
_LOG_TIMES = ("start_time_ms", "end_time_ms", "backup_set_expired_time_ms")


class Full(msgspec.Struct, frozen=True, kw_only=True):
    """A full backup. ``end``: EndTime, or FinishTime (``finished``) without one. ``usable``: judged at ``as_of``."""

    row: FullBackup
    id: str
    state: FullState
    created: datetime | None
    start: datetime | None
    end: datetime | None
    finished: datetime | None
    expires: datetime | None
    size: int | None
    usable: bool

    @property
    def placed(self) -> datetime | None:
        """Where it stands in time: its start, or its creation while it has not started."""
        return self.start or self.created

    @property
    def stands(self) -> datetime:
        """``placed``, of a backup that has a place."""
        assert self.placed is not None
        return self.placed

    @property
    def began(self) -> datetime:
        """The start of a backup that has one, as every usable and every successful one has."""
        assert self.start is not None
        return self.start

    @property
    def ended(self) -> datetime:
        """The end of a backup that has one, as every usable one has."""
        assert self.end is not None
        return self.end

    @property
    def duration(self) -> timedelta | None:
        """How long a successful backup took; None while it runs, when it failed, or when its times are reversed."""
        if self.state is not FullState.SUCCESS or self.start is None or self.end is None or self.end < self.start:
            return None
        return self.end - self.start

    @property
    def evidence(self) -> Evidence:
        return Evidence(kind="full", id=self.id, start=self.placed, end=self.end)


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A log segment; ``end`` moves on while it is OPEN."""

    row: IncrementalBackup
    id: str
    state: LogState
    start: datetime | None
    end: datetime | None

    @property
    def evidence(self) -> Evidence:
        return Evidence(kind="log", id=self.id, start=self.start, end=self.end)


class Normalised(msgspec.Struct, frozen=True, kw_only=True):
    """Both lists, oldest first, and what was odd about the rows themselves.

    ``conflicts``: backups listed twice with different outcomes. ``in_seconds``: (backup, field) delivered in seconds.
    """

    fulls: tuple[Full, ...]
    logs: tuple[Log, ...]
    conflicts: tuple[Evidence, ...]
    in_seconds: tuple[tuple[Evidence, str], ...]


def normalise(
    fulls: Sequence[FullBackup], logs: Sequence[IncrementalBackup], *, as_of: datetime, min_size: int
) -> Normalised:
    read_fulls = sorted((_full(row, as_of, min_size) for row in distinct_full_backups(fulls)), key=_age)
    read_logs = sorted(map(_log, distinct_incremental_backups(logs)), key=_age)
    return Normalised(
        fulls=tuple(read_fulls),
        logs=tuple(read_logs),
        conflicts=(*_conflicts(fulls, read_fulls), *_conflicts(logs, read_logs)),
        in_seconds=(*_in_seconds(read_fulls, _FULL_TIMES), *_in_seconds(read_logs, _LOG_TIMES)),
    )


def _full(row: FullBackup, as_of: datetime, min_size: int) -> Full:
    return Full(
        row=row,
        id=row.backup_set_id,
        state=_FULL_STATES.get(row.backup_status, FullState.UNKNOWN),
        created=row.create_time,
        start=row.start_time,
        end=row.end_time or row.finish_time,
        finished=row.finish_time,
        expires=row.backup_set_expired_time,
        size=row.backup_size,
        usable=usable(row, at=as_of, as_of=as_of, min_size=min_size),
    )


def _log(row: IncrementalBackup) -> Log:
    return Log(
        row=row,
        id=row.backup_set_id,
        state=_LOG_STATES.get(row.backup_status, LogState.UNKNOWN),
        start=row.start_time,
        end=row.end_time,
    )


def _age(item: Full | Log) -> tuple[datetime, datetime, str, str]:
    """Oldest first; what has no time at all comes first, where it is never taken for the newest."""
    placed = item.placed if isinstance(item, Full) else item.start
    job = "" if isinstance(item, Full) else item.row.backup_set_job_id
    return placed or _NEVER, item.end or _NEVER, item.id, job


def _identity(row: FullBackup | IncrementalBackup) -> object:
    if isinstance(row, FullBackup):
        return row.backup_set_id
    return row.backup_set_job_id, row.backup_set_id, row.start_time_ms


def _conflicts(rows: Sequence[FullBackup | IncrementalBackup], kept: Sequence[Full | Log]) -> list[Evidence]:
    """Rows of one backup that contradict each other; a row that merely became terminal between two pages does not."""
    if len(rows) == len(kept):
        return []
    outcomes: dict[object, set[object]] = {}
    for row in rows:
        if row.backup_status.is_terminal:
            outcome = (row.backup_status, row.start_time_ms, row.end_time_ms, row.backup_size)
            outcomes.setdefault(_identity(row), set()).add(outcome)
    return [item.evidence for item in kept if len(outcomes.get(_identity(item.row), ())) > 1]


def _in_seconds(items: Sequence[Full | Log], names: Iterable[str]) -> list[tuple[Evidence, str]]:
    found = []
    for item in items:
        for name in names:
            value = getattr(item.row, name)
            if value and value < SECONDS_BELOW:
                found.append((item.evidence, name.removesuffix("_ms")))
    return found
