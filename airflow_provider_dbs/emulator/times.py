# SPDX-License-Identifier: Apache-2.0
"""Moments and durations as scenarios write them and as the wire carries them (epoch milliseconds)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

Clock = Callable[[], datetime]

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_RELATIVE = re.compile(rf"(?:now)?(?:([+-])({_DURATION.pattern}))?")


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


def to_ms(moment: datetime) -> int:
    """An aware datetime as epoch milliseconds. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: use an aware datetime, for example in UTC")
    return round(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def parse_duration(value: object) -> timedelta:
    """A timedelta, a number of seconds, or text such as ``90s``, ``5m``, ``1h30m``, ``7d``."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    if isinstance(value, str) and value.isdecimal():
        return timedelta(seconds=int(value))
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value)))
    raise ValueError(f'{value!r} is not a duration: use seconds or text such as "90s", "5m", "1h30m", "7d"')


def parse_moment(value: object, now: datetime) -> datetime:
    """A datetime, ISO 8601 text with an offset, epoch milliseconds, ``now``, or a distance from now such as ``-2h``."""
    if isinstance(value, datetime):
        to_ms(value)
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return from_ms(value)
    if isinstance(value, str) and value:
        relative = _RELATIVE.fullmatch(value)
        if relative:
            distance = parse_duration(relative[2]) if relative[2] else timedelta(0)
            return now - distance if relative[1] == "-" else now + distance
        try:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            pass
        else:
            to_ms(moment)
            return moment
    raise ValueError(
        f"{value!r} is not a time: use ISO 8601 with an offset (2026-01-31T02:00:00Z), epoch milliseconds, "
        '"now", or a distance from now such as "-2h" or "+30s"'
    )
