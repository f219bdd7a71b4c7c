# SPDX-License-Identifier: Apache-2.0
"""The picture of a plan: what was expected, what was backed up, and what can be recovered, on one time axis.

Four lanes: expected ticks, full backups, log backups, coverage. What stands too close together to be told apart is
drawn as one run, each state for itself, so that a failure is never swallowed by the successes around it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_dbs.judgement.audit.findings import (
    CoverageGap,
    CoverageMark,
    FullMark,
    FullState,
    LogBand,
    LogGap,
    PlanAudit,
    TickMark,
    TickOutcome,
)
from airflow_provider_dbs.report.axis import AxisLabel, TimeAxis, runs
from airflow_provider_dbs.report.words import count, instant, plain

MOST_MARKS = 2000
MOST_NUMBERED_GAPS = 8
_SEPARATION = 0.3  # percent of the width: about three pixels on a wide screen
_BADGE_WIDTH = 2.4

# In the order of drawing: what is worse stands in front.
_FULL_SHAPES = ("success", "unusable", "pending", "running", "paused", "unknown", "failed")
_TICK_ORDER = (
    TickOutcome.OK,
    TickOutcome.DUE,
    TickOutcome.UNKNOWN,
    TickOutcome.LATE,
    TickOutcome.FAILED,
    TickOutcome.MISSED,
)


@dataclass(frozen=True)
class Mark:
    """A symbol at ``x``; a run of them reaches over ``width``. ``title`` is empty where there is nothing to add."""

    x: float
    shape: str
    width: float = 0.0
    title: str = ""


@dataclass(frozen=True)
class NumberedGap:
    """A gap with the number that the picture and the list below it share."""

    x: float
    number: int
    start: datetime
    end: datetime
    text: str


@dataclass(frozen=True)
class Timeline:
    """Everything to place; ``left_out`` counts backups whose times lie outside the axis."""

    ticks: list[Mark]
    fulls: list[Mark]
    spans: list[Mark]
    logs: list[Mark]
    log_gaps: list[Mark]
    coverage: list[Mark]
    coverage_gaps: list[Mark]
    labels: list[AxisLabel]
    as_of: float
    horizon: float | None
    numbered: list[NumberedGap] = field(default_factory=list)
    more_gaps: int = 0
    left_out: int = 0

    @property
    def marks(self) -> int:
        """How many symbols the picture holds."""
        groups = (self.ticks, self.fulls, self.spans, self.logs, self.log_gaps, self.coverage, self.coverage_gaps)
        return sum(map(len, groups))


def draw(plan: PlanAudit, start: datetime, as_of: datetime) -> Timeline:
    """The plan's timeline of ``[start, as_of]``; coalesced further until it holds at most ``MOST_MARKS`` symbols."""
    axis = TimeAxis.of_window(start, as_of, plan.ticks[-1].at if plan.ticks else None)
    separation = _SEPARATION
    while (timeline := _draw(plan, axis, as_of, separation)).marks > MOST_MARKS:
        separation *= 2
    return timeline


def _draw(plan: PlanAudit, axis: TimeAxis, as_of: datetime, separation: float) -> Timeline:
    placed = [(at, full) for full in plan.fulls if (at := full.start or full.created) and axis.shows(at)]
    numbered, more_gaps = _numbered(plan.log_gaps, plan.coverage_gaps, axis)
    return Timeline(
        ticks=_ticks(plan.ticks, axis, separation),
        fulls=_fulls(placed, axis, separation),
        spans=_spans([full for _, full in placed], axis, as_of, separation),
        logs=_logs(plan.logs, axis, separation),
        log_gaps=_log_gaps(plan.log_gaps, axis, separation),
        coverage=_coverage(plan.coverage, axis, separation),
        coverage_gaps=_coverage_gaps(plan.coverage_gaps, axis, separation),
        labels=axis.labels(),
        as_of=axis.x(as_of),
        horizon=axis.x(plan.retention_horizon)
        if plan.retention_horizon is not None and axis.shows(plan.retention_horizon)
        else None,
        numbered=numbered,
        more_gaps=more_gaps,
        left_out=len(plan.fulls) - len(placed),
    )


def _ticks(ticks: Sequence[TickMark], axis: TimeAxis, separation: float) -> list[Mark]:
    marks: list[Mark] = []
    for outcome in _TICK_ORDER:
        of_outcome = sorted((axis.x(t.at), t.at) for t in ticks if t.outcome is outcome and axis.shows(t.at))
        for run in runs(of_outcome, lambda pair: pair[0], separation):
            (x, first), (last_x, last) = run[0], run[-1]
            title = ""
            if len(run) > 1:
                title = f"{count(len(run), 'tick')} {outcome.value}, {instant(first)} to {instant(last)}"
            elif outcome is not TickOutcome.OK:
                title = f"{outcome.value}: expected {instant(first)}"
            marks.append(Mark(x, outcome.value, round(last_x - x, 2), title))
    return marks


def full_shape(full: FullMark) -> str:
    """Its state; a finished one that cannot be used (expired, empty, impossible times) has a shape of its own."""
    return "unusable" if full.state is FullState.SUCCESS and not full.usable else full.state.value


def _fulls(fulls: Sequence[tuple[datetime, FullMark]], axis: TimeAxis, separation: float) -> list[Mark]:
    by_shape: dict[str, list[tuple[float, datetime, FullMark]]] = {shape: [] for shape in _FULL_SHAPES}
    for at, full in fulls:
        by_shape[full_shape(full)].append((axis.x(at), at, full))
    marks: list[Mark] = []
    for shape, placed in by_shape.items():
        placed.sort(key=lambda item: item[0])
        for run in runs(placed, lambda item: item[0], separation):
            (x, first, full), (last_x, last, _) = run[0], run[-1]
            title = ""
            if len(run) > 1:
                title = f"{count(len(run), 'full backup')} {shape}, {instant(first)} to {instant(last)}"
            elif shape != "success":
                reason = f": {plain(full.err_message, 120)}" if full.err_message else ""
                title = f"{shape}, started {instant(first)}{reason}"
            marks.append(Mark(x, shape, round(last_x - x, 2), title))
    return marks


def _spans(fulls: Sequence[FullMark], axis: TimeAxis, as_of: datetime, separation: float) -> list[Mark]:
    """How long backups took, where that is long enough to see."""
    by_shape: dict[str, list[tuple[datetime, datetime]]] = {shape: [] for shape in _FULL_SHAPES}
    for full in fulls:
        end = full.end or (as_of if full.state is FullState.RUNNING else None)
        if full.start is not None and end is not None and axis.x(end) - axis.x(full.start) >= 2 * _SEPARATION:
            by_shape[full_shape(full)].append((full.start, end))
    return [mark for shape, spans in by_shape.items() for mark in _bands(spans, axis, shape, separation / 3)]


def _logs(bands: Sequence[LogBand], axis: TimeAxis, separation: float) -> list[Mark]:
    marks: list[Mark] = []
    for shape in ("sealed", "open"):
        shown = [b for b in bands if ("open" if b.open else "sealed") == shape and axis.overlaps(b.start, b.end)]
        marks += _bands([(b.start, b.end) for b in shown], axis, shape, separation / 3)
    return marks


def _coverage(coverage: Sequence[CoverageMark], axis: TimeAxis, separation: float) -> list[Mark]:
    shown = [mark for mark in coverage if axis.overlaps(mark.start, mark.end)]
    points = sorted(axis.x(mark.start) for mark in shown if mark.kind == "point")
    marks = [
        Mark(run[0], "point", round(run[-1] - run[0], 2), f"{len(run)} points" if len(run) > 1 else "")
        for run in runs(points, lambda x: x, separation)
    ]
    for kind in ("range", "open"):
        marks += _bands([(m.start, m.end) for m in shown if m.kind == kind], axis, kind, separation / 3)
    return marks


def _bands(stretches: Sequence[tuple[datetime, datetime]], axis: TimeAxis, shape: str, separation: float) -> list[Mark]:
    """Stretches as bands, those that overlap or nearly touch as one."""
    marks: list[Mark] = []
    for start, end in sorted(stretches):
        x, last_x = axis.x(start), axis.x(end)
        if marks and x - (marks[-1].x + marks[-1].width) < separation:
            before = marks.pop()
            x, last_x = before.x, max(last_x, before.x + before.width)
        marks.append(Mark(x, shape, round(last_x - x, 2)))
    return marks


def _log_gaps(gaps: Sequence[LogGap], axis: TimeAxis, separation: float) -> list[Mark]:
    placed = sorted((axis.x(g.start + (g.end - g.start) / 2), g.cause) for g in gaps if axis.overlaps(g.start, g.end))
    return [
        Mark(
            run[0][0], "gap", round(run[-1][0] - run[0][0], 2), f"{count(len(run), 'break')}: {cause_words(run[0][1])}"
        )
        for run in runs(placed, lambda pair: pair[0], separation * 2)
    ]


def _coverage_gaps(gaps: Sequence[CoverageGap], axis: TimeAxis, separation: float) -> list[Mark]:
    return _bands([(g.start, g.end) for g in gaps if axis.overlaps(g.start, g.end)], axis, "gap", separation / 3)


def cause_words(cause: str) -> str:
    return plain(cause.replace("_", " "), 120)


def _numbered(
    log_gaps: Sequence[LogGap], coverage_gaps: Sequence[CoverageGap], axis: TimeAxis
) -> tuple[list[NumberedGap], int]:
    """The longest gaps, numbered from left to right as far as their numbers have room; and how many more there are."""
    stretches: dict[tuple[datetime, datetime], list[str]] = {}
    for gap in coverage_gaps:
        stretches.setdefault((gap.start, gap.end), []).append(f"not recoverable: {cause_words(gap.cause)}")
    ordered = sorted(coverage_gaps, key=lambda gap: gap.start)
    starts = [gap.start for gap in ordered]
    for log_gap in log_gaps:
        ids = " and ".join(plain(i, 80) for i in (log_gap.after_id, log_gap.before_id) if i)
        text = f"logs: {cause_words(log_gap.cause)}" + (f" between {ids}" if ids else "")
        # A break that makes a stretch unrecoverable belongs to that stretch.
        before = bisect_right(starts, log_gap.start)
        of = ordered[before - 1] if before and log_gap.end <= ordered[before - 1].end else log_gap
        stretches.setdefault((of.start, of.end), []).append(text)
    shown = {bounds: texts for bounds, texts in stretches.items() if axis.overlaps(*bounds)}
    chosen: list[tuple[float, datetime, datetime, str]] = []
    for (start, end), texts in sorted(shown.items(), key=lambda item: item[0][0] - item[0][1]):
        x = round((axis.x(start) + axis.x(end)) / 2, 2)
        if len(chosen) < MOST_NUMBERED_GAPS and all(abs(x - other[0]) >= _BADGE_WIDTH for other in chosen):
            chosen.append((x, start, end, _joined(texts)))
    numbered = [NumberedGap(x, n, start, end, text) for n, (x, start, end, text) in enumerate(sorted(chosen), 1)]
    return numbered, len(shown) - len(numbered)


def _joined(texts: list[str]) -> str:
    """The first three of what is said about a stretch."""
    return "; ".join(texts[:3]) + (f"; and {len(texts) - 3} more" if len(texts) > 3 else "")
