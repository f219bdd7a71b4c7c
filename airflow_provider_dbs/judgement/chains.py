# SPDX-License-Identifier: Apache-2.0
"""Log chains: which incremental backups follow each other without a hole, and what breaks them.

A segment's name carries the sequence (``mysql-bin.000123``); names repeat after a RESET MASTER and after a failover, so
a chain is followed in time within one endpoint and base name. Where names carry no number, time alone joins.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import accumulate, islice
from typing import NamedTuple

import msgspec

from airflow_provider_dbs.judgement.segments import BreakCause, Segment, groups_of
from airflow_provider_dbs.models import IncrementalBackup, IncrementalBackupStatus

TOLERANCE = timedelta(seconds=60)

FOREVER = datetime.max.replace(tzinfo=timezone.utc)

# As many names as a message can hold.
MISSING_LIMIT = 20


class LogRun(msgspec.Struct, frozen=True, kw_only=True):
    """An unbroken chain of segments, oldest first: any instant in ``[start, end]`` can be replayed within it.

    ``open_tail``: its last segment is still FILLING.
    """

    endpoint: str
    base_name: str
    start: datetime
    end: datetime
    segments: tuple[IncrementalBackup, ...]
    open_tail: bool = False

    @property
    def first_segment(self) -> str:
        return self.segments[0].backup_set_id

    @property
    def last_segment(self) -> str:
        return self.segments[-1].backup_set_id

    def needed(self, start: datetime, end: datetime) -> tuple[IncrementalBackup, ...]:
        """The segments that a replay from ``start`` to ``end`` reads; both lie within the run."""
        first = bisect_right(self.segments, start, key=lambda log: log.start_time or self.start) - 1
        reached = list(accumulate((log.end_time or self.start for log in self.segments), max))
        return self.segments[first : max(first, bisect_left(reached, end)) + 1]


class LogBreak(msgspec.Struct, frozen=True, kw_only=True):
    """A place where a chain ends. ``after``: the run before it, ``before``: the run after it, None at the list's ends.

    ``segments``: the listed segments that break it (UNCOMPLETED, expired, not sealed yet), 20 at most.
    ``missing``: names that are not listed at all, 20 at most; ``missing_count`` says how many there are.
    """

    cause: BreakCause
    endpoint: str
    base_name: str
    after: LogRun | None
    before: LogRun | None
    segments: tuple[IncrementalBackup, ...] = ()
    missing: tuple[str, ...] = ()
    missing_count: int = 0

    @property
    def is_final(self) -> bool:
        """Whether no later look can heal it: what is not listed may yet be, until a later segment is sealed."""
        return self.before is not None and self.cause not in (BreakCause.TIME_GAP, BreakCause.NOT_SEALED)

    @property
    def start(self) -> datetime:
        """From here on nothing can be replayed."""
        start = self.after.end if self.after else self.segments[0].start_time
        assert start
        return start

    @property
    def end(self) -> datetime | None:
        """Here the next run begins; None when there is none."""
        return self.before.start if self.before else None


class LogChains(msgspec.Struct, frozen=True, kw_only=True):
    """All runs and breaks of a plan's logs, by time."""

    runs: tuple[LogRun, ...]
    breaks: tuple[LogBreak, ...]


def log_runs(
    logs: Iterable[IncrementalBackup],
    *,
    at: datetime,
    as_of: datetime | None = None,
    count_open_tail: bool = False,
    tolerance: timedelta = TOLERANCE,
) -> list[LogRun]:
    """The unbroken runs of sealed, unexpired segments; see ``log_chains``."""
    return list(log_chains(logs, at=at, as_of=as_of, count_open_tail=count_open_tail, tolerance=tolerance).runs)


def log_chains(
    logs: Iterable[IncrementalBackup],
    *,
    at: datetime,
    as_of: datetime | None = None,
    count_open_tail: bool = False,
    tolerance: timedelta = TOLERANCE,
    count_unsealed: bool = False,
) -> LogChains:
    """The runs of sealed, unexpired segments and the breaks between them.

    ``at``: the instant of which the expiry is judged. ``as_of``: now (``at`` if not given); a segment that ends later
    than a clock's skew is not believed. ``count_open_tail``: the newest segment counts while it is FILLING.
    ``tolerance``: how far apart unnumbered segments may lie. ``count_unsealed``: every unfinished segment counts as
    sealed, which is what the chains could yet become.
    """
    now = at if as_of is None else as_of
    groups = groups_of(logs, at=at, now=now, count_open_tail=count_open_tail, count_unsealed=count_unsealed)
    spans = {key: _Spans((segment.start, segment.end) for segment in segments) for key, segments in groups.items()}

    runs: list[LogRun] = []
    breaks: list[LogBreak] = []
    last_runs: list[LogRun] = []
    for key, segments in groups.items():

        def written_elsewhere(start: datetime, end: datetime, here: tuple[str, str] = key) -> bool:
            return any(other.one_overlaps(start, end) for group, other in spans.items() if group != here)

        group_runs, group_breaks = _cut_into_runs(_without_copied(segments), written_elsewhere, tolerance)
        runs += group_runs
        breaks += group_breaks
        last_runs += group_runs[-1:]
    breaks += filter(None, (_change_of_endpoint(last, runs, tolerance) for last in last_runs))
    return LogChains(
        runs=tuple(sorted(runs, key=lambda run: run.start)),
        breaks=tuple(sorted(breaks, key=lambda found: found.start)),
    )


def prospects(logs: Iterable[IncrementalBackup], *, at: datetime) -> list[LogRun]:
    """How far the runs could yet reach: unfinished segments as sealed, and the newest run of a group without an end.

    A run is over for good once a later segment of its group is sealed, or one that begins after it on another endpoint.
    """
    groups: dict[tuple[str, str], list[LogRun]] = {}
    for run in log_chains(logs, at=at, count_unsealed=True).runs:
        groups.setdefault((run.endpoint, run.base_name), []).append(run)
    newest_sealed = {key: max(filter(None, map(_newest_sealed, runs)), default=None) for key, runs in groups.items()}
    hopes: list[LogRun] = []
    for key, runs in groups.items():
        elsewhere = [start for other, start in newest_sealed.items() if start and other != key]
        sealed_later = False
        for run in reversed(runs):
            over = sealed_later or any(start >= run.end for start in elsewhere)
            hopes.append(run if over else msgspec.structs.replace(run, end=FOREVER))
            sealed_later = sealed_later or _newest_sealed(run) is not None
    return hopes


def _newest_sealed(run: LogRun) -> datetime | None:
    return max(
        (log.start_time for log in run.segments if log.backup_status.is_success and log.start_time), default=None
    )


class _Spans:
    """Stretches of time, asked whether one of them holds or overlaps a given stretch."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime]]) -> None:
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        self._latest_end = list(accumulate((end for _, end in ordered), max))

    def one_holds(self, start: datetime, end: datetime) -> bool:
        until = bisect_right(self._starts, start)
        return until > 0 and self._latest_end[until - 1] >= end

    def one_overlaps(self, start: datetime, end: datetime) -> bool:
        until = bisect_left(self._starts, end)
        return until > 0 and self._latest_end[until - 1] > start


def _without_copied(segments: Sequence[Segment]) -> list[Segment]:
    """Leaves out the flawed segments of which another job holds a sound copy."""
    sound: dict[int | None, list[tuple[datetime, datetime]]] = {}
    for segment in segments:
        if segment.flaw is None:
            sound.setdefault(segment.number, []).append((segment.start, segment.end))
    copies = {number: _Spans(spans) for number, spans in sound.items()}
    return [
        segment
        for segment in segments
        if segment.flaw is None
        or segment.number not in copies
        or not copies[segment.number].one_holds(segment.start, segment.end)
    ]


class _Cut(NamedTuple):
    """What stands between two chains of one group."""

    cause: BreakCause
    segments: tuple[IncrementalBackup, ...] = ()
    missing: tuple[str, ...] = ()
    missing_count: int = 0


def _cut_into_runs(
    segments: Sequence[Segment], written_elsewhere: Callable[[datetime, datetime], bool], tolerance: timedelta
) -> tuple[list[LogRun], list[LogBreak]]:
    """The runs and breaks of one group, whose segments come in the order of time."""
    chains: list[list[Segment]] = []
    cuts: list[_Cut | None] = []
    reached: list[datetime] = []
    flawed: list[Segment] = []
    for segment in segments:
        if segment.flaw is not None:
            flawed.append(segment)
            continue
        last = chains[-1][-1] if chains else None
        rift = last and _rift(last, reached[-1], segment, written_elsewhere, tolerance)
        cut = _with_flawed(flawed, rift, last, segment)
        flawed = []
        if last is None or cut is not None:
            chains.append([segment])
            cuts.append(cut)
            reached.append(segment.end)
        else:
            chains[-1].append(segment)
            reached[-1] = max(reached[-1], segment.end)
    cuts.append(_with_flawed(flawed, None, None, None))

    runs = [
        LogRun(
            endpoint=chain[0].endpoint,
            base_name=chain[0].base_name,
            start=chain[0].start,
            end=end,
            segments=tuple(segment.log for segment in chain),
            open_tail=chain[-1].log.backup_status is IncrementalBackupStatus.FILLING,
        )
        for chain, end in zip(chains, reached, strict=True)
    ]
    sides = [None, *runs, None]
    breaks = [
        LogBreak(
            endpoint=segments[0].endpoint, base_name=segments[0].base_name, after=after, before=before, **cut._asdict()
        )
        for after, cut, before in zip(sides, cuts, sides[1:], strict=False)
        if cut is not None
    ]
    return runs, breaks


def _change_of_endpoint(last: LogRun, runs: Iterable[LogRun], tolerance: timedelta) -> LogBreak | None:
    """The break at the end of a group's last run, when the logs go on under another endpoint or base name."""
    elsewhere = [
        run
        for run in runs
        if (run.endpoint, run.base_name) != (last.endpoint, last.base_name) and run.start >= last.end - tolerance
    ]
    if not elsewhere:
        return None
    return LogBreak(
        cause=BreakCause.EPOCH_BREAK,
        endpoint=last.endpoint,
        base_name=last.base_name,
        after=last,
        before=min(elsewhere, key=lambda run: run.start),
    )


def _rift(
    last: Segment,
    reached: datetime,
    segment: Segment,
    written_elsewhere: Callable[[datetime, datetime], bool],
    tolerance: timedelta,
) -> BreakCause | None:
    """Why ``segment`` does not carry on from ``last``, whose chain has reached ``reached``; None when it does."""
    far = segment.start - reached > tolerance
    if segment.number is None or last.number is None:
        return BreakCause.TIME_GAP if far else None
    step = segment.number - last.number
    if step > 1:
        return BreakCause.SEQUENCE_GAP
    if step == 0 and (segment.start < reached or segment.start == last.start):
        return None  # the same segment under another job
    if step == 1 and not (far and written_elsewhere(reached, segment.start)):
        return None  # numbered segments may lie apart (an idle database), unless another endpoint wrote meanwhile
    return BreakCause.EPOCH_BREAK


def _with_flawed(
    flawed: Sequence[Segment], rift: BreakCause | None, last: Segment | None, segment: Segment | None
) -> _Cut | None:
    """The cut made by flawed segments, by a rift between the sound ones around them, or by both."""
    if not flawed and rift is None:
        return None
    missing: tuple[str, ...] = ()
    missing_count = 0
    if last and segment and last.number is not None and segment.number is not None and segment.number > last.number:
        listed = {other.number for other in flawed}
        gap = range(last.number + 1, segment.number)
        missing_count = len(gap) - sum(number in gap for number in listed)
        absent = (number for number in gap if number not in listed)
        missing = tuple(f"{last.base_name}.{number:0{last.width}d}" for number in islice(absent, MISSING_LIMIT))
    flaws = {other.flaw for other in flawed}
    cause = rift or BreakCause.NOT_SEALED
    if flaws == {BreakCause.NOT_SEALED} and rift in (BreakCause.TIME_GAP, BreakCause.SEQUENCE_GAP) and not missing:
        cause = BreakCause.NOT_SEALED
    for flaw in (BreakCause.EXPIRED, BreakCause.BROKEN):
        if flaw in flaws:
            cause = flaw
    return _Cut(cause, tuple(other.log for other in flawed[:MISSING_LIMIT]), missing, missing_count)
