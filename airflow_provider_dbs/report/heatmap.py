# SPDX-License-Identifier: Apache-2.0
"""The calendar of a plan's ticks: a column per week, a row per weekday (UTC), the worst outcome of each day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from airflow_provider_dbs.judgement.audit.findings import TickMark, TickOutcome

CELL = 18
MOST_WEEKS = 53
_LEFT, _TOP = 34, 16

# Worst first.
_ORDER = (
    TickOutcome.MISSED,
    TickOutcome.FAILED,
    TickOutcome.UNKNOWN,
    TickOutcome.LATE,
    TickOutcome.DUE,
    TickOutcome.OK,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Cell:
    """A day; ``shape`` is a TickOutcome's value, or ``none`` where no backup was expected."""

    x: int
    y: int
    shape: str
    title: str


@dataclass(frozen=True)
class Heatmap:
    """``months``: the label above the first week of each month. ``shortened``: the window was longer."""

    width: int
    height: int
    cells: list[Cell]
    weekdays: list[tuple[int, str]]
    months: list[tuple[int, str]]
    shortened: bool


def draw(ticks: Sequence[TickMark], start: datetime, as_of: datetime) -> Heatmap:
    """The days from ``start`` to ``as_of`` or the last tick, at most 53 weeks of them."""
    by_day: dict[date, Counter[TickOutcome]] = {}
    for tick in ticks:
        by_day.setdefault(_day(tick.at), Counter())[tick.outcome] += 1
    first, last = _day(start), max([_day(as_of), *by_day])
    last = min(last, _day(as_of) + timedelta(days=7))
    monday = first - timedelta(days=first.weekday())
    earliest = last - timedelta(days=last.weekday(), weeks=MOST_WEEKS - 1)
    shortened = monday < earliest
    if shortened:
        monday = first = earliest
    cells: list[Cell] = []
    months: list[tuple[int, str]] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        x = _LEFT + (day - monday).days // 7 * CELL
        cells.append(_cell(day, x, by_day.get(day)))
        name = _MONTHS[day.month - 1]
        if (not months or months[-1][1] != name) and (not months or x - months[-1][0] >= 2 * CELL):
            months.append((x, name))
    weeks = (last - monday).days // 7 + 1
    weekdays = [(_TOP + row * CELL + CELL // 2, name) for row, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun"))]
    return Heatmap(_LEFT + weeks * CELL, _TOP + 7 * CELL, cells, weekdays, months, shortened)


def _day(moment: datetime) -> date:
    return moment.astimezone(timezone.utc).date()


def _cell(day: date, x: int, outcomes: Counter[TickOutcome] | None) -> Cell:
    y = _TOP + day.weekday() * CELL
    if not outcomes:
        return Cell(x, y, "none", "")
    worst = next(outcome for outcome in _ORDER if outcome in outcomes)
    total = sum(outcomes.values())
    if worst is TickOutcome.OK:
        return Cell(x, y, worst.value, "")
    of_total = f" ({outcomes[worst]} of {total})" if total > 1 else ""
    return Cell(x, y, worst.value, f"{day}: {worst.value}{of_total}")
