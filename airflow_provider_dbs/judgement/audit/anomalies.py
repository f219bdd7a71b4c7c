# SPDX-License-Identifier: Apache-2.0
"""Is the newest successful full backup unlike those before it: slower, smaller, larger, or empty?

Compared in logarithms with median and MAD (Iglewicz & Hoaglin's robust z). A z alone cries wolf: at 14 points it is
beyond 3.5 for 1.8 % of healthy plans, so every limit is a z and a ratio together, and 14 points are the least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from airflow_provider_dbs.judgement.audit.answer import Answer, evidence_of, named, not_evaluated
from airflow_provider_dbs.judgement.audit.findings import (
    Basis,
    FullState,
    Series,
    SeriesPoint,
    Severity,
    Threshold,
)
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.audit.normalise import Full
from airflow_provider_dbs.judgement.words import clean, duration
from airflow_provider_dbs.models import parse_backup_objects

# A MAD of zero, of backups that are always the same size, would make every change infinite.
_LEAST_MAD = 0.05
_Z = 0.6745

_WEEK = timedelta(days=7)
_HALF_DAY = timedelta(hours=12)
_LEAST_WEEKS = 3
_MOST_WEEKS = 8


class Point(msgspec.Struct, frozen=True):
    full: Full
    value: float

    @property
    def at(self) -> datetime:
        return self.full.began


class Usual(msgspec.Struct, frozen=True):
    """What is usual: the ``median``, and the ``spread`` (MAD of the logarithms) around it."""

    median: float
    spread: float

    @classmethod
    def of(cls, points: Sequence[Point]) -> Usual:
        middle = median(point.value for point in points)
        return cls(middle, max(median(abs(math.log(point.value / middle)) for point in points), _LEAST_MAD))

    def z(self, value: float) -> float:
        return _Z * math.log(value / self.median) / self.spread

    def reach(self, z: float) -> float:
        """How many times the median a value is at this z."""
        return math.exp(z * self.spread / _Z)


def durations(history: History) -> list[Point]:
    """Of every success, in seconds; under a second counts as one."""
    return [
        Point(full, max(full.duration.total_seconds(), 1.0)) for full in history.successes if full.duration is not None
    ]


def sizes(history: History) -> list[Point]:
    """Of every success that is not empty, in the service's unit."""
    return [Point(full, float(full.size)) for full in history.successes if full.size is not None and full.size > 0]


def duration_anomaly(history: History) -> Answer:
    limits = history.settings.checks.duration_anomaly
    points = durations(history)
    if len(points) <= limits.min_points:
        return _too_few(len(points) - 1, limits.min_points)
    before, newest = points[:-1], points[-1]
    usual = Usual.of(before[-limits.points :])
    ratio, z = newest.value / usual.median, usual.z(newest.value)
    weekly = _weekly(newest, before, ratio)
    severity = Severity.OK
    if z > limits.error_z and min(ratio, weekly) > limits.error:
        severity = Severity.ERROR
    elif abs(z) > limits.warn_z and (
        min(ratio, weekly) > limits.warn if z > 0 else max(ratio, weekly) < 1 / limits.warn
    ):
        severity = Severity.WARN
    took, middle = duration(timedelta(seconds=newest.value)), duration(timedelta(seconds=usual.median))
    return _compared(
        newest,
        severity,
        f"took {took}, {ratio:.2f} times the usual {middle} (z {z:+.1f})",
        ratio,
        Threshold(warn=limits.warn, error=limits.error),
    )


def size_anomaly(history: History) -> Answer:
    limits = history.settings.checks.size_anomaly
    points = sizes(history)
    if not points:
        return _too_few(0, limits.min_points)
    before, newest = points[:-1], points[-1]
    comparable = _with_objects_of(newest, before)
    if before and not comparable:
        return Answer(
            severity=Severity.INFO,
            summary=f"{clean(newest.full.id, 60)} holds other BackupObjects than those before it; sizes start anew",
            measured=newest.value,
            unit="size",
            basis=Basis.HISTORY,
            evidence=(newest.full.evidence, before[-1].full.evidence),
        )
    if len(comparable) < limits.min_points:
        return _too_few(len(comparable), limits.min_points)
    usual = Usual.of(comparable[-limits.points :])
    ratio, z = newest.value / usual.median, usual.z(newest.value)
    weekly = _weekly(newest, comparable, ratio)
    severity = Severity.OK
    if z < -limits.error_z and max(ratio, weekly) < limits.error:
        severity = Severity.ERROR
    elif (z < -limits.warn_z and max(ratio, weekly) < limits.warn) or (
        z > limits.warn_z and min(ratio, weekly) > limits.growth
    ):
        severity = Severity.WARN
    grown = ratio > 1
    return _compared(
        newest,
        severity,
        f"has size {newest.value:.0f}, {ratio:.2f} times the usual {usual.median:.0f} (z {z:+.1f})",
        ratio,
        Threshold(warn=limits.growth) if grown else Threshold(warn=limits.warn, error=limits.error),
    )


def size_zero(history: History) -> Answer:
    """Of successful fulls that have not expired: an empty one is a backup of nothing that looks like a success."""
    living = [
        full
        for full in history.fulls
        if full.state is FullState.SUCCESS and (full.expires is None or full.expires > history.as_of)
    ]
    if not living:
        return not_evaluated("no successful full backup is kept", Basis.HISTORY)
    least = history.settings.min_size
    empty = [full for full in reversed(living) if full.size is None or full.size < least]
    return Answer(
        severity=Severity.ERROR if empty else Severity.OK,
        summary=f"{len(empty)} of {len(living)} successful full backups are empty or smaller than {least}:"
        f" {named([full.id for full in empty])}"
        if empty
        else f"all {len(living)} successful full backups hold {least} or more",
        measured=len(empty),
        unit="count",
        threshold=Threshold(error=0),
        evidence=evidence_of(empty),
    )


def duration_series(history: History, since: datetime) -> Series:
    limits = history.settings.checks.duration_anomaly
    points = durations(history)
    usual = _band(points, limits.points, limits.min_points, limits.warn_z, 1 / limits.warn, limits.warn)
    return _series("seconds", points, usual, since)


def size_series(history: History, since: datetime) -> Series:
    limits = history.settings.checks.size_anomaly
    points = sizes(history)
    comparable = [*_with_objects_of(points[-1], points[:-1]), points[-1]] if points else []
    usual = _band(comparable, limits.points, limits.min_points, limits.warn_z, limits.warn, limits.growth)
    return _series("size", points, usual, since)


def _band(
    points: Sequence[Point], most: int, least: int, z: float, shrunk: float, grown: float
) -> tuple[float, float, float] | None:
    """Median, and the values between which nothing would be reported of the newest point, which is not part of it."""
    before = points[:-1][-most:]
    if len(before) < least:
        return None
    usual = Usual.of(before)
    return (
        usual.median,
        usual.median * min(shrunk, usual.reach(-z)),
        usual.median * max(grown, usual.reach(z)),
    )


def _series(unit: str, points: Sequence[Point], band: tuple[float, float, float] | None, since: datetime) -> Series:
    middle, low, high = band or (None, -math.inf, math.inf)
    return Series(
        unit=unit,
        points=tuple(
            SeriesPoint(
                at=point.at,
                value=point.value,
                backup_set_id=point.full.id,
                outlier=not low <= point.value <= high,
            )
            for point in points
            if point.at >= since
        ),
        median=middle,
        low=low if band else None,
        high=high if band else None,
    )


def _compared(newest: Point, severity: Severity, summary: str, ratio: float, threshold: Threshold) -> Answer:
    return Answer(
        severity=severity,
        summary=f"{clean(newest.full.id, 60)} {summary}",
        measured=round(ratio, 4),
        unit="ratio",
        threshold=threshold,
        basis=Basis.HISTORY,
        evidence=(newest.full.evidence,),
    )


def _too_few(count: int, least: int) -> Answer:
    return not_evaluated(
        f"{max(count, 0)} comparable successes before the newest are listed; {least} are needed", Basis.HISTORY
    )


def _weekly(newest: Point, before: Sequence[Point], otherwise: float) -> float:
    """The ratio to the same time of the week: what is long every Sunday is no anomaly. Needs three weeks."""
    same = []
    for point in reversed(before):
        passed = newest.at - point.at
        if passed > _MOST_WEEKS * _WEEK + _HALF_DAY:
            break
        if passed >= _HALF_DAY and (passed + _HALF_DAY) % _WEEK < 2 * _HALF_DAY:
            same.append(point.value)
    return newest.value / median(same) if len(same) >= _LEAST_WEEKS else otherwise


def _with_objects_of(newest: Point, before: Sequence[Point]) -> list[Point]:
    """The points since BackupObjects last changed; a backup that names none is taken to hold the same."""
    current = newest.full.row.backup_objects_raw
    comparable: list[Point] = []
    for point in reversed(before):
        objects = point.full.row.backup_objects_raw
        if current is None:
            current = objects
        elif objects not in (None, current) and parse_backup_objects(objects) != parse_backup_objects(current):
            break
        comparable.append(point)
    return comparable[::-1]
