# SPDX-License-Identifier: Apache-2.0
"""A plan's past, made up from a seed: what happened at each tick of its schedule, and its log segments.

.. code-block:: json

    {"days": 60, "seed": 7, "duration": "40m", "size": 5000000000, "noise": 0.1,
     "failed": [3, 9], "missed": [0], "fail_rate": 0.02, "miss_rate": 0.01,
     "size_growth": 1.3, "duration_growth": 1.1,
     "newest": {"backups": 1, "size_factor": 0.3, "duration_factor": 3, "late": "2h"},
     "retention": "90d", "error": "The source database refused the connection.",
     "logs": {"days": 10, "every": "30m", "lag": "0s", "lost": ["-50h"], "broken": ["-4h"]}}

Every part is optional. ``failed`` and ``missed`` count ticks back from the newest, which is 0; the rates strike the
others by chance. ``size`` and ``duration`` are typical ones, spread by ``noise`` (of their logarithm); ``*_growth`` is
how many times larger they are at the end than ``days`` before. ``newest`` changes the last backups: times the size,
times the duration, started that much after the tick. ``retention`` is from a full's start to its expiry; what has
expired is not listed.

Log segments follow each other without a gap and end now, the last one still ``FILLING``; with a ``lag`` the last one
was sealed that long ago and nothing came since. ``lost`` segments do not exist, ``broken`` ones are ``UNCOMPLETED``:
each is named by a moment inside it.

The same seed gives the same past, counted from now: a failure more changes no other backup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from airflow_provider_dbs.emulator.times import parse_duration, parse_moment

if TYPE_CHECKING:
    from airflow_provider_dbs.emulator.emulator import Emulator

_WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_DAY = timedelta(days=1)
# A backup starts a little after its tick.
_LATEST_START = timedelta(minutes=3)
_FIRST_LOG = 1000
_LOG_SIZE = 48_000_000

_DURATIONS = ("duration", "retention", "late", "every", "lag")
_MOMENTS = ("lost", "broken")

Days = Annotated[float, msgspec.Meta(gt=0, le=3660)]
Factor = Annotated[float, msgspec.Meta(ge=0, le=1000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Newest(_Part, frozen=True, kw_only=True):
    """How the last ``backups`` differ: times the size, times the duration, ``late`` after their tick."""

    backups: Count = 1
    size_factor: Factor = 1.0
    duration_factor: Factor = 1.0
    late: timedelta = timedelta(0)


class Logs(_Part, frozen=True, kw_only=True):
    days: Days = 10
    every: timedelta = timedelta(minutes=30)
    lag: timedelta = timedelta(0)
    lost: tuple[datetime, ...] = ()
    broken: tuple[datetime, ...] = ()


class History(_Part, frozen=True, kw_only=True):
    """A past as the module's docstring describes it."""

    days: Days = 60
    seed: int = 0
    duration: timedelta = timedelta(minutes=40)
    size: Count = 5_000_000_000
    noise: Share = 0.1
    failed: tuple[Count, ...] = ()
    missed: tuple[Count, ...] = ()
    fail_rate: Share = 0.0
    miss_rate: Share = 0.0
    size_growth: Factor = 1.0
    duration_growth: Factor = 1.0
    newest: Newest = Newest(backups=0)
    retention: timedelta = 90 * _DAY
    error: str = "The source database refused the connection."
    logs: Logs = Logs()

    @classmethod
    def read(cls, given: Mapping[str, Any], now: datetime) -> History:
        """From a scenario. Raises ValueError that begins with the place of the mistake."""
        try:
            history = msgspec.convert(_with_times(given, now), cls)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$.")
            raise ValueError(f"{place.rstrip('`')}: {message}" if place else message) from None
        if history.logs.every < timedelta(seconds=1):
            raise ValueError(f"logs.every: {history.logs.every} is too short")
        return history

    def began(self, now: datetime) -> datetime:
        return now - timedelta(days=self.days)

    def add_to(self, emulator: Emulator, backup_plan_id: str, now: datetime) -> None:
        """Add the past to a plan that has none. Raises ValueError for a schedule that cannot be read."""
        plan = emulator.service.store.plan(backup_plan_id)
        assert plan is not None
        for age, tick in enumerate(_ticks(plan.row, self.began(now), now)):
            self._add_full(emulator, backup_plan_id, age, tick, now)
        if plan.row.get("EnableBackupLog"):
            for log in self._log_segments(now):
                emulator.add_incremental_backup(backup_plan_id, **log)

    def _add_full(self, emulator: Emulator, backup_plan_id: str, age: int, tick: datetime, now: datetime) -> None:
        chance = Random(f"{self.seed}/{age}")
        fails, misses = chance.random() < self.fail_rate, chance.random() < self.miss_rate
        newest = self.newest if age < self.newest.backups else Newest()
        start = tick + chance.random() * _LATEST_START + newest.late
        progress = 1 - (now - tick) / timedelta(days=self.days)
        took = (
            self.duration
            * chance.lognormvariate(0, self.noise)
            * self.duration_growth**progress
            * newest.duration_factor
        )
        size = int(self.size * chance.lognormvariate(0, self.noise) * self.size_growth**progress * newest.size_factor)
        expires = start + self.retention
        if age in self.missed or misses or start > now or expires <= now:
            return
        if age in self.failed or fails:
            end = min(start + took * chance.uniform(0.1, 0.9), now)
            emulator.add_full_backup(backup_plan_id, status="stop", start=start, end=end, err_message=self.error)
        elif start + took > now:
            emulator.add_full_backup(backup_plan_id, status="running", start=start)
        else:
            emulator.add_full_backup(backup_plan_id, start=start, end=start + took, size=size, expires=expires)

    def _log_segments(self, now: datetime) -> Iterator[dict[str, Any]]:
        logs = self.logs
        chance = Random(f"{self.seed}/logs")
        last_end = now - logs.lag
        start, number = last_end - timedelta(days=logs.days), _FIRST_LOG
        while start < last_end:
            end = min(start + logs.every * chance.uniform(0.8, 1.2), last_end)
            size = int(_LOG_SIZE * chance.lognormvariate(0, 0.3))
            number += 1
            if not _has(logs.lost, start, end):
                ended = "FILLING" if end == now else "COMPLETED"
                status = "UNCOMPLETED" if _has(logs.broken, start, end) else ended
                name = f"mysql-bin.{number:06d}"
                yield {"backup_set_id": name, "status": status, "start": start, "end": end, "size": size}
            start = end


def _ticks(plan: Mapping[str, Any], start: datetime, end: datetime) -> Iterator[datetime]:
    """When the plan should have been backed up, the newest first: BackupPeriod and BackupStartTime are UTC."""
    days = {day.strip().upper() for day in str(plan.get("BackupPeriod") or "").split(",")}
    if not days <= set(_WEEKDAYS):
        raise ValueError(f"BackupPeriod {plan.get('BackupPeriod')!r} is no list of weekdays such as MONDAY,FRIDAY")
    try:
        at = datetime.strptime(str(plan.get("BackupStartTime")).rstrip("Z"), "%H:%M").time()
    except ValueError:
        raise ValueError(f"BackupStartTime {plan.get('BackupStartTime')!r} is no time such as 02:00") from None
    day = end
    while day > start - _DAY:
        tick = datetime.combine(day.date(), at, end.tzinfo)
        if start <= tick <= end and _WEEKDAYS[tick.weekday()] in days:
            yield tick
        day -= _DAY


def _has(moments: tuple[datetime, ...], start: datetime, end: datetime) -> bool:
    return any(start <= moment < end for moment in moments)


def _with_times(given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The values with durations and moments read as everywhere in a scenario."""
    values = dict(given)
    for name, value in given.items():
        try:
            if name in _DURATIONS:
                values[name] = parse_duration(value)
                if values[name] < timedelta(0):
                    raise ValueError(f"{value!r} is negative")
            elif name in _MOMENTS and isinstance(value, list):
                values[name] = [parse_moment(item, now) for item in value]
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    for name in ("newest", "logs"):
        if isinstance(given.get(name), Mapping):
            try:
                values[name] = _with_times(given[name], now)
            except ValueError as error:
                raise ValueError(f"{name}.{error}") from None
    return values
