# SPDX-License-Identifier: Apache-2.0
"""Which instants a database can be restored to, worked out from its full backups and its log chains.

A full backup surely holds what was committed before its start and can be used from its end; with an unbroken log run
under it every instant from its end to the run's end can be reached. A logical full backup is consistent only with the
logs over its own duration. This proves what the catalogue promises, not that a restore works.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from enum import Enum
from itertools import accumulate

import msgspec

from airflow_provider_dbs.judgement.chains import (
    LogBreak,
    LogChains,
    LogRun,
    log_chains,
    log_runs,
)
from airflow_provider_dbs.judgement.segments import BreakCause, distinct_incremental_backups
from airflow_provider_dbs.judgement.usable import distinct_full_backups, usable
from airflow_provider_dbs.models import FullBackup, IncrementalBackup

__all__ = [
    "BreakCause",
    "Coverage",
    "CoverageGap",
    "Covered",
    "Kind",
    "LogBreak",
    "LogChains",
    "LogRun",
    "coverage",
    "distinct_incremental_backups",
    "is_logical",
    "log_chains",
    "log_runs",
]

# Of these a full backup is one consistent state of the database; any other needs the logs of its own duration.
_CONSISTENT_METHODS = ("physical", "duplication")


NEVER = datetime.min.replace(tzinfo=timezone.utc)


class Kind(str, Enum):
    """``range``: any instant. ``point``: only the instant at which the full backup ended."""

    RANGE = "range"
    POINT = "point"

    def __str__(self) -> str:
        return self.value


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch ``[start, end]`` that can be restored, the full backup that it starts from and its log run.

    In ``Coverage.ranges``, where stretches are merged, the full backup and the run are those of the merged stretch's
    beginning.
    """

    start: datetime
    end: datetime
    kind: Kind
    full: FullBackup
    run: LogRun | None = None

    @property
    def backup_set_id(self) -> str:
        return self.full.backup_set_id

    @property
    def first_segment(self) -> str | None:
        return self.run.first_segment if self.run else None

    @property
    def last_segment(self) -> str | None:
        return self.run.last_segment if self.run else None


class CoverageGap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch that cannot be restored. ``cause``: where the logs broke; None: no full backup, or no logs."""

    start: datetime
    end: datetime
    cause: LogBreak | None = None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """All instants that can be restored.

    ``by_full``: what each usable full backup covers, by its end; the stretches may overlap.
    ``ranges``: their union, by time, without overlaps. ``chains``: the log runs and breaks behind it.
    """

    by_full: tuple[Covered, ...]
    ranges: tuple[Covered, ...]
    chains: LogChains

    def contains(self, moment: datetime) -> bool:
        place = bisect_right(self.ranges, moment, key=_start) - 1
        return place >= 0 and moment <= self.ranges[place].end

    def best_full(self, moment: datetime) -> Covered | None:
        """What the latest full backup that covers ``moment`` covers: the least log to replay."""
        for covered in reversed(self.by_full[: bisect_right(self.by_full, moment, key=_start)]):
            if moment <= covered.end:
                return covered
        return None

    def fraction(self, start: datetime, end: datetime) -> float:
        """How much of ``[start, end]`` can be restored, 0 to 1; a point has no length."""
        holes = sum((gap.end - gap.start for gap in self.gaps(start, end)), timedelta(0))
        return 1 - holes / (end - start)

    def gaps(self, start: datetime, end: datetime) -> list[CoverageGap]:
        """The stretches of ``[start, end]`` that cannot be restored, by time."""
        gaps: list[CoverageGap] = []
        reached, covered_until = start, NEVER
        for covered in self.ranges:
            if covered.start >= end:
                break
            if covered.kind is Kind.RANGE:
                if covered.start > reached:
                    gaps.append(self._gap(reached, covered.start, covered_until))
                reached, covered_until = max(reached, covered.end), covered.end
        if reached < end:
            gaps.append(self._gap(reached, end, covered_until))
        return gaps

    def _gap(self, start: datetime, end: datetime, covered_until: datetime) -> CoverageGap:
        """A gap and the last break before it that no later full backup has healed."""
        place = bisect_right(self.chains.breaks, start, key=lambda found: found.start) - 1
        last = self.chains.breaks[place] if place >= 0 else None
        return CoverageGap(start=start, end=end, cause=last if last and last.start >= covered_until else None)


def coverage(
    fulls: Iterable[FullBackup],
    logs: Iterable[IncrementalBackup],
    *,
    method: str | None,
    at: datetime,
    as_of: datetime,
    min_size: int = 1,
    strict: bool = False,
    count_open_tail: bool = False,
) -> Coverage:
    """What can be restored. Of every usable full backup f:

    ``[f.end, the furthest end of a run that holds both need(f) and f.end]`` as a range, or, without such a run,
    the point f.end (nothing for a logical backup). need(f) is f.start if it is logical or ``strict``, else f.end.
    ``method``: the plan's BackupMethod; one that is not known to be consistent by itself counts as logical.
    ``at``: the instant of which expiry is judged; ``as_of``: now.
    """
    logical = is_logical(method)
    chains = log_chains(logs, at=at, as_of=as_of, count_open_tail=count_open_tail)
    furthest = list(accumulate(chains.runs, _further))
    by_full: list[Covered] = []
    for full in distinct_full_backups(fulls):
        end = full.completed_time
        if end is None or not usable(full, at=at, as_of=as_of, min_size=min_size):
            continue
        need = full.start_time if logical or strict else end
        place = bisect_right(chains.runs, need or end, key=lambda run: run.start) - 1
        if place >= 0 and furthest[place].end >= end:
            run = furthest[place]
            by_full.append(Covered(start=end, end=run.end, kind=Kind.RANGE, full=full, run=run))
        elif not logical:
            by_full.append(Covered(start=end, end=end, kind=Kind.POINT, full=full))
    by_full.sort(key=lambda covered: (covered.start, covered.full.start_time_ms or 0, covered.backup_set_id))
    return Coverage(by_full=tuple(by_full), ranges=tuple(_merged(by_full)), chains=chains)


def is_logical(method: str | None) -> bool:
    """Whether a full backup of this method needs the logs of its own duration to be consistent."""
    return (method or "").strip().lower() not in _CONSISTENT_METHODS


def _further(run: LogRun, other: LogRun) -> LogRun:
    return max(run, other, key=lambda each: each.end)


def _start(covered: Covered) -> datetime:
    return covered.start


def _merged(by_full: Iterable[Covered]) -> list[Covered]:
    """The union of stretches that come by their start."""
    merged: list[Covered] = []
    for covered in by_full:
        last = merged[-1] if merged else None
        if last is None or covered.start > last.end:
            merged.append(covered)
        elif last.kind is Kind.POINT:
            merged[-1] = covered
        elif covered.end > last.end:
            merged[-1] = msgspec.structs.replace(last, end=covered.end)
    return merged
