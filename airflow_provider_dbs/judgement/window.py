# SPDX-License-Identifier: Apache-2.0
"""The window of a gate: which stretch of time a DAG run wants a backup of."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, cast

import msgspec

from airflow_provider_dbs.judgement.goal import check_switch
from airflow_provider_dbs.models import iso

DAY = timedelta(days=1)

# A whole date first: what pendulum would complete by itself ("now", "12:00", "2026") would be a guess.
_DATE_FIRST = re.compile(r"[0-9]{4}([-/]?)[0-9]{2}\1[0-9]{2}([T ].+)?")


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[start, end)`` in UTC, ``end`` None when it is open; ``source`` says in words where the bounds come from."""

    start: datetime
    end: datetime | None
    source: str

    def __str__(self) -> str:
        return f"[{iso(self.start)}, {iso(self.end) if self.end else 'open end'})"

    def as_dict(self) -> dict[str, Any]:
        """The window's part of a gate's XCom."""
        return {
            "window_start": iso(self.start),
            "window_end": iso(self.end) if self.end else None,
            "window_source": self.source,
        }


def resolve_window(
    *,
    as_of: datetime,
    window_start: str | datetime | None = None,
    window_end: str | datetime | None = None,
    lookback: timedelta | None = None,
    open_end: bool = False,
    data_interval_start: datetime | None = None,
    data_interval_end: datetime | None = None,
    run_after: datetime | None = None,
    default_timezone: str | tzinfo = timezone.utc,
) -> Window:
    """The window from the gate's settings or, where they are silent, from the dates of the DAG run.

    ``default_timezone`` is Airflow's; naive bounds are read in it. The dates of the run that do not exist are None.
    Raises ValueError, naming the setting, its value and the way out, for a bound that cannot be read, a lookback that
    is not positive, and a window that is empty or inverted.
    """
    start = read_time("window_start", window_start, default_timezone)
    explicit_end = read_time("window_end", window_end, default_timezone)
    interval_start = read_time("data_interval_start", data_interval_start, default_timezone)
    ref, ref_name = _reference(
        default_timezone,
        as_of=as_of,
        window_end=window_end,
        data_interval_end=data_interval_end,
        run_after=run_after,
    )
    check_switch("open_end", open_end)
    if lookback is not None and lookback <= timedelta(0):
        raise ValueError(f"lookback={lookback} is not positive: give a duration such as timedelta(days=1)")

    if open_end:
        if start is not None:
            return Window(start, None, "window_start, open end")
        if lookback is not None:
            return Window(_before(ref, lookback), None, f"lookback before {ref_name}, open end")
        return Window(ref, None, f"after {ref_name}, open end")
    if start is not None:
        if start >= ref:
            raise ValueError(
                f"the window is empty: window_start={iso(start)} is not before {ref_name}={iso(ref)}. "
                f"Give an earlier window_start, a later window_end, or open_end=True"
            )
        unused = "; lookback not used" if lookback else ""
        return Window(start, ref, f"window_start and {ref_name}{unused}")
    if lookback is not None:
        return Window(_before(ref, lookback), ref, f"lookback before {ref_name}")
    if explicit_end is None and interval_start is not None and ref_name == "data_interval_end" and interval_start < ref:
        return Window(interval_start, ref, "data interval")
    return Window(_before(ref, DAY), ref, f"1 day before {ref_name}")


def resolve_recovery_time(
    *,
    as_of: datetime,
    recovery_time: str | datetime | None = None,
    data_interval_end: datetime | None = None,
    run_after: datetime | None = None,
    default_timezone: str | tzinfo = timezone.utc,
) -> tuple[datetime, str]:
    """The instant that a recovery-point gate asks for, in UTC, and the name of what gave it. Errors as above."""
    return _reference(
        default_timezone,
        as_of=as_of,
        recovery_time=recovery_time,
        data_interval_end=data_interval_end,
        run_after=run_after,
    )


def _reference(
    default_timezone: str | tzinfo, *, as_of: datetime, **candidates: str | datetime | None
) -> tuple[datetime, str]:
    """The first candidate that is given, and its name; the present when none is."""
    for name, value in candidates.items():
        moment = read_time(name, value, default_timezone)
        if moment is not None:
            return moment, name
    return as_of.astimezone(timezone.utc), "the time of the first look"


def _before(moment: datetime, length: timedelta) -> datetime:
    try:
        return moment - length
    except OverflowError:
        raise ValueError(f"lookback={length} reaches back before the year 1: give a shorter one") from None


def read_time(name: str, value: Any, default_timezone: str | tzinfo = timezone.utc) -> datetime | None:
    """A time given by the user, in UTC; None and "" are "not given". ``name`` is the setting, for the error."""
    if isinstance(value, str):
        value = _parse(name, value.strip(), default_timezone)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise ValueError(f"{name}={value!r} is of type {type(value).__name__}: give an ISO 8601 string or a datetime")
    try:
        if value.tzinfo is None:
            value = value.replace(tzinfo=_zone(default_timezone))
        utc = value.astimezone(timezone.utc)
        if not 1970 <= utc.year < 9000:
            raise OverflowError
    except OverflowError:
        raise ValueError(
            f"{name}={value!s} is beyond all backups: give a year from 1970 on (open_end=True waits on)"
        ) from None
    # A plain datetime, whatever subclass it was: pendulum's would travel differently.
    return datetime.combine(utc.date(), utc.time(), timezone.utc)


def _parse(name: str, text: str, default_timezone: str | tzinfo) -> datetime | None:
    if not text:
        return None
    import pendulum

    zone = _zone(default_timezone)
    try:
        if not _DATE_FIRST.fullmatch(text):
            raise ValueError(text)
        parsed = pendulum.parse(text, tz=zone)
    except ValueError:
        raise ValueError(
            f"{name}={text!r} is no time that can be read: give ISO 8601 such as 2026-11-20T02:00:00Z "
            f"(without an offset it is read in Airflow's default time zone) or a datetime"
        ) from None
    return cast(datetime, parsed)  # the date came first, so it is neither a time of day nor a duration


def _zone(default_timezone: str | tzinfo) -> Any:
    if not isinstance(default_timezone, str):
        return default_timezone
    import pendulum

    try:
        return pendulum.timezone(default_timezone)
    except ValueError:
        raise ValueError(f"default_timezone={default_timezone!r} is not the name of a time zone") from None
