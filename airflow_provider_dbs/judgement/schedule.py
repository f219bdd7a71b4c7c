# SPDX-License-Identifier: Apache-2.0
"""When a plan's schedule expects a full backup: its ticks, from BackupPeriod × BackupStartTime in a time zone.

``BackupPeriod`` lists weekdays (``Monday,Wednesday``, ``MONDAY``), ``BackupStartTime`` is ``HH:mm``. The pages call it
UTC; whether the console's users mean UTC is not sure, so the zone is a setting. Monday 02:00 in Asia/Shanghai is a
Sunday in UTC: weekdays are the zone's own. The service tells the current schedule only, never its history.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from itertools import islice, pairwise

import msgspec

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?\s*(z?)", re.IGNORECASE)
_DAY = timedelta(days=1)


class ScheduleError(ValueError):
    """A BackupPeriod, BackupStartTime or time zone that cannot be read; the text names the value."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """``weekdays``: 0 is Monday; ``at`` and the weekdays are local to ``timezone``, an IANA name."""

    weekdays: frozenset[int]
    at: time
    timezone: str = "UTC"

    @classmethod
    def of(cls, backup_period: str | None, backup_start_time: str | None, timezone: str = "UTC") -> Schedule | None:
        """The schedule of a plan; None when the plan has no BackupPeriod (it is started by hand).

        A time that ends in ``Z`` says itself that it is UTC, whatever ``timezone`` is. Raises ``ScheduleError``.
        """
        if not (backup_period or "").strip(" ,;"):
            return None
        weekdays = frozenset(_weekday(word) for word in re.split(r"[\s,;]+", backup_period.strip(" ,;")))  # type: ignore[union-attr]
        match = _TIME.fullmatch((backup_start_time or "").strip())
        if not match or int(match[1]) > 23 or int(match[2]) > 59:
            raise ScheduleError(f"BackupStartTime {backup_start_time!r} is no time such as '02:30'")
        zone = "UTC" if match[3] else timezone
        _zone(zone)
        return cls(weekdays=weekdays, at=time(int(match[1]), int(match[2])), timezone=zone)

    def from_(self, moment: datetime) -> Iterator[datetime]:
        """The ticks at or after ``moment``, in UTC, without end.

        Where the clocks go forward over the tick it comes an hour later by the wall clock, and where they go back it
        comes once, the first time.
        """
        zone = _zone(self.timezone)
        day: date = moment.astimezone(zone).date() - _DAY
        while day.year < date.max.year:
            if day.weekday() in self.weekdays:
                tick = datetime.combine(day, self.at, zone).astimezone(timezone.utc)
                if tick >= moment:
                    yield tick
            day += _DAY

    def between(self, start: datetime, end: datetime) -> list[datetime]:
        """The ticks in ``[start, end)``, in UTC."""
        ticks = []
        for tick in self.from_(start):
            if tick >= end:
                break
            ticks.append(tick)
        return ticks

    def next(self, after: datetime) -> datetime:
        """The first tick later than ``after``."""
        return next(self.from_(after + timedelta(microseconds=1)))

    def cadence(self, as_of: datetime) -> timedelta:
        """The largest spacing of the next eight ticks: for Monday and Wednesday five days, not three and a half."""
        ticks = list(islice(self.from_(as_of), 8))
        return max(later - earlier for earlier, later in pairwise(ticks))


def _weekday(word: str) -> int:
    for number, name in enumerate(_WEEKDAYS):
        if word.lower() in (name, name[:3]):
            return number
    raise ScheduleError(f"BackupPeriod holds {word[:40]!r}, which is no weekday such as 'Monday'")


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"{name!r} is no IANA time zone such as 'Asia/Shanghai'") from None
