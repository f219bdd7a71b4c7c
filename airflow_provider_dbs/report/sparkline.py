# SPDX-License-Identifier: Apache-2.0
"""Sizes and durations of the successful full backups as a line, with what is usual behind it and rings on outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_provider_dbs.judgement.audit.findings import Series, SeriesPoint
from airflow_provider_dbs.report.axis import TimeAxis
from airflow_provider_dbs.report.words import instant, quantity

HEIGHT = 64
MOST_POINTS = 200
_MARGIN = 8
_WIDE = 10  # the line is drawn in a box of 1000 units, a tenth of a percent each


@dataclass(frozen=True)
class Ring:
    """An outlier: ``x`` in percent of the width, ``y`` in pixels from the top."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Sparkline:
    """``line``: the points of an SVG polyline in a box of 1000 by ``HEIGHT``; band and median are in pixels."""

    line: str
    rings: list[Ring]
    last: Ring
    median: float | None
    band: tuple[float, float] | None


def draw(series: Series, start: datetime, as_of: datetime) -> Sparkline | None:
    """None when there is no point in the window."""
    axis = TimeAxis.of_window(start, as_of)
    points = [point for point in series.points if axis.shows(point.at)]
    if not points:
        return None
    usual = [value for value in (series.median, series.low, series.high) if value is not None]
    values = [point.value for point in points] + usual
    low, high = min(values), max(values)
    if high - low <= abs(high) * 0.1:  # a steady series is a flat line, not a magnified noise
        low, high = low - abs(high) * 0.05 - 0.5, high + abs(high) * 0.05 + 0.5

    def y(value: float) -> float:
        return round(_MARGIN + (HEIGHT - 2 * _MARGIN) * (high - value) / (high - low), 1)

    def ring(point: SeriesPoint) -> Ring:
        return Ring(axis.x(point.at), y(point.value), f"{instant(point.at)}: {quantity(point.value, series.unit)}")

    line = " ".join(f"{axis.x(point.at) * _WIDE:.0f},{y(point.value)}" for point in _thinned(points))
    band = None
    if series.low is not None and series.high is not None:
        band = (y(series.high), max(1.0, round(y(series.low) - y(series.high), 1)))
    return Sparkline(
        line=line,
        rings=[ring(point) for point in _thinned([point for point in points if point.outlier])],
        last=ring(points[-1]),
        median=None if series.median is None else y(series.median),
        band=band,
    )


def _thinned(points: Sequence[SeriesPoint]) -> list[SeriesPoint]:
    """At most ``MOST_POINTS``: of each stretch the lowest and the highest, so that no peak is lost."""
    if len(points) <= MOST_POINTS:
        return list(points)
    kept: list[SeriesPoint] = []
    stretches = MOST_POINTS // 2
    for index in range(stretches):
        stretch = points[index * len(points) // stretches : (index + 1) * len(points) // stretches]
        extremes = {id(p): p for p in (min(stretch, key=lambda p: p.value), max(stretch, key=lambda p: p.value))}
        kept += sorted(extremes.values(), key=lambda p: p.at)
    return kept
