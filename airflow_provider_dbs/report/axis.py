# SPDX-License-Identifier: Apache-2.0
"""The time axis that the pictures of a plan share: instants to percent of the width, and the labels below.

Positions are percentages, so that a picture fills any width while its marks and letters keep their size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TypeVar

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_STEPS = [_HOUR * n for n in (0.25, 1, 3, 6, 12)] + [_DAY * n for n in (1, 2, 7, 14, 28, 56, 91, 182, 364, 1820)]
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FUTURE_SHARE = 0.02

T = TypeVar("T")


@dataclass(frozen=True)
class AxisLabel:
    """A date below the axis; a ``minor`` one may be left out where there is little room."""

    x: float
    text: str
    minor: bool


@dataclass(frozen=True)
class TimeAxis:
    """From ``start`` (0 %) to ``end`` (100 %), both aware."""

    start: datetime
    end: datetime

    @classmethod
    def of_window(cls, start: datetime, as_of: datetime, latest: datetime | None = None) -> TimeAxis:
        """The audit's window and a little of what follows, so that the tick that is due next still shows."""
        span = max(as_of - start, _HOUR)
        return cls(start, max(as_of + span * _FUTURE_SHARE, min(latest or as_of, as_of + span * 2 * _FUTURE_SHARE)))

    def x(self, moment: datetime) -> float:
        """Percent of the width, held within the picture."""
        return round(min(max((moment - self.start) / (self.end - self.start), 0.0), 1.0) * 100, 2)

    def shows(self, moment: datetime) -> bool:
        return self.start <= moment <= self.end

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return start <= self.end and end >= self.start

    def labels(self, most: int = 9) -> list[AxisLabel]:
        """Dates at round UTC days (or hours, for a short window), every other one minor."""
        span = self.end - self.start
        step = next((step for step in _STEPS if span / step <= most), _STEPS[-1])
        origin = datetime(2024, 1, 1, tzinfo=timezone.utc)  # a Monday, so that steps of weeks fall on Mondays
        number = -((origin - self.start) // step)
        found = []
        while (moment := origin + number * step) <= self.end:
            if 2 <= self.x(moment) <= 96:
                found.append(moment)
            number += 1
        return [AxisLabel(self.x(m), _label(m, step), minor=index % 2 == 1) for index, m in enumerate(found)]


def _label(moment: datetime, step: timedelta) -> str:
    if step < _DAY and (moment.hour or moment.minute):
        return f"{moment:%H:%M}"
    day = f"{moment.day} {_MONTHS[moment.month - 1]}"
    return f"{day} {moment.year}" if step >= timedelta(days=56) else day


def runs(marks: Iterable[T], position: Callable[[T], float], separation: float) -> Iterator[list[T]]:
    """Sorted marks, in groups that stand closer together than ``separation`` percent."""
    group: list[T] = []
    for mark in marks:
        if group and position(mark) - position(group[-1]) >= separation:
            yield group
            group = []
        group.append(mark)
    if group:
        yield group
