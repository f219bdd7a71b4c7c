# SPDX-License-Identifier: Apache-2.0
"""One log segment as the chains see it: where it stands, which number it carries, and whether it can be replayed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from airflow_provider_dbs.judgement.usable import CLOCK_SKEW
from airflow_provider_dbs.models import IncrementalBackup, IncrementalBackupStatus

_NUMBERED = re.compile(r"(.+)\.([0-9]{1,18})", re.DOTALL)

# Of two rows of one segment the one that got further is the truth.
_PROGRESS = (
    IncrementalBackupStatus.INIT,
    IncrementalBackupStatus.FILLING,
    IncrementalBackupStatus.UNCOMPLETED,
    IncrementalBackupStatus.COMPLETED,
)


class BreakCause(str, Enum):
    """Why a chain of segments ends. All but NOT_SEALED are for good."""

    SEQUENCE_GAP = "sequence_gap"
    EPOCH_BREAK = "epoch_break"
    BROKEN = "broken"
    EXPIRED = "expired"
    TIME_GAP = "time_gap"
    NOT_SEALED = "not_sealed"

    def __str__(self) -> str:
        return self.value


def distinct_incremental_backups(logs: Iterable[IncrementalBackup]) -> list[IncrementalBackup]:
    """Each segment of each job once, oldest first; of rows that differ, the one that got furthest."""
    best: dict[tuple[str, str, int | None], IncrementalBackup] = {}
    for log in logs:
        key = log.backup_set_job_id, log.backup_set_id, log.start_time_ms
        other = best.setdefault(key, log)
        if other is not log and _progress(log) > _progress(other):
            best[key] = log
    return sorted(best.values(), key=lambda log: (log.start_time_ms or 0, log.backup_set_id, log.backup_set_job_id))


def _progress(log: IncrementalBackup) -> tuple[Any, ...]:
    status = log.backup_status
    known = _PROGRESS.index(status) if status in _PROGRESS else -1
    return known, log.end_time_ms or 0, log.backup_set_expired_time_ms or 0, str(status)


class Segment(NamedTuple):
    """``end``: of an unfinished segment how far it has got. ``number``, ``width``: of ``.000123`` they are 123 and 6.

    ``flaw``: why it cannot be replayed; None when it can.
    """

    start: datetime
    end: datetime
    number: int | None
    width: int
    endpoint: str
    base_name: str
    flaw: BreakCause | None
    log: IncrementalBackup


# Segments of one endpoint and base name, in the order of time.
Groups = dict[tuple[str, str], list[Segment]]


def groups_of(
    logs: Iterable[IncrementalBackup], *, at: datetime, now: datetime, count_open_tail: bool, count_unsealed: bool
) -> Groups:
    """The segments by endpoint and base name; the arguments are those of ``chains.log_chains``."""
    groups: Groups = {}
    for log in distinct_incremental_backups(logs):
        if log.start_time is None:
            continue  # It stands nowhere in time; a number that it carries is missed by its neighbours.
        segment = _segment(log, log.start_time, at=at, now=now)
        groups.setdefault((segment.endpoint, segment.base_name), []).append(segment)
    for segments in groups.values():
        segments.sort(key=lambda segment: (segment.start, segment.number or 0, segment.end, segment.log.backup_set_id))
        if count_unsealed:
            segments[:] = [s._replace(flaw=None) if s.flaw is BreakCause.NOT_SEALED else s for s in segments]
        elif count_open_tail:
            _count_tail(segments)
    return groups


def _segment(log: IncrementalBackup, start: datetime, *, at: datetime, now: datetime) -> Segment:
    match = _NUMBERED.fullmatch(log.backup_set_id)
    base_name, digits = match.groups() if match else ("", "")
    end, expires = log.end_time, log.backup_set_expired_time
    status = log.backup_status
    flaw = None
    if status is IncrementalBackupStatus.UNCOMPLETED:
        flaw = BreakCause.BROKEN
    elif not status.is_success:
        flaw = BreakCause.NOT_SEALED
    elif end is None or end < start or end > now + CLOCK_SKEW:
        flaw = BreakCause.BROKEN
    elif expires is not None and expires <= at:
        flaw = BreakCause.EXPIRED
    if end is None or end < start:
        end = start
    if flaw is BreakCause.NOT_SEALED:
        end = min(end, max(start, now))  # a moving mark; it cannot have got further than now
    number = int(digits) if digits else None
    return Segment(start, end, number, len(digits), log.source_endpoint_ip_port or "", base_name, flaw, log)


def _count_tail(segments: list[Segment]) -> None:
    """Takes the newest segment as sealed up to where it has got, if it is FILLING; older ones ought to be sealed."""
    newest: Segment | None = None
    for place, segment in reversed(list(enumerate(segments))):
        if segment.log.backup_status is IncrementalBackupStatus.INIT:
            continue
        newest = newest or segment
        if segment is not newest and (segment.number is None or segment.number != newest.number):
            break
        if segment.log.backup_status is IncrementalBackupStatus.FILLING:
            segments[place] = segment._replace(flaw=None)
