# SPDX-License-Identifier: Apache-2.0
"""Is a full backup usable, and how rows of one set that differ are told apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_dbs.judgement.usable import distinct_full_backups, unusable_because, usable
from airflow_provider_dbs.models import FullBackup


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, None),
        ({"end": None, "finish": 3, "status": "finish"}, None),
        ({"start": 2, "end": 2}, None),
        ({"end": 12 + 5 / 60}, None),
        ({"end": 12 + 6 / 60}, "ends in the future, 2026-11-20T12:06:00Z"),
        ({"status": "stop"}, "status stop"),
        ({"status": "running"}, "status running"),
        ({"status": "pause"}, "status pause"),
        ({"status": "schedule"}, "status schedule"),
        ({"status": "finished"}, "status finished"),
        ({"status": "check\ning"}, "status check ing"),
        ({"backup_set_id": " "}, "no backup set id"),
        ({"start": None}, "no start time"),
        ({"end": None, "status": "finish"}, "no end time"),
        ({"start": 4}, "ends 2026-11-20T03:00:00Z, before it starts"),
        ({"backup_size": 0}, "size 0 is below min_size=1"),
        ({"backup_size": -1}, "size -1 is below min_size=1"),
        ({"backup_size": None}, "no size"),
        ({"expires": 13}, None),
        ({"expires": 12}, "expired 2026-11-20T12:00:00Z"),
    ],
)
def test_usable(
    full: Callable[..., FullBackup], t: Callable[..., datetime], changes: dict[str, Any], because: str | None
) -> None:
    times = {"start": 2, "end": 3} | changes
    built = full(**{name: t(value) if name in _TIMES and value is not None else value for name, value in times.items()})

    assert unusable_because(built, at=t(12), as_of=t(12)) == because
    assert usable(built, at=t(12), as_of=t(12)) == (because is None)


_TIMES = ("start", "end", "finish", "expires")


def test_at_bears_on_the_expiry_only(full: Callable[..., FullBackup], t: Callable[..., datetime]) -> None:
    built = full(start=t(2), end=t(3), expires=t(4))
    assert usable(built, at=t(3, 59), as_of=t(12))
    assert not usable(built, at=t(4), as_of=t(12))
    assert not usable(built, at=t(3), as_of=t(2))


def test_min_size(full: Callable[..., FullBackup], t: Callable[..., datetime]) -> None:
    built = full(start=t(2), end=t(3), backup_size=1000)
    assert usable(built, at=t(12), as_of=t(12), min_size=1000)
    assert unusable_because(built, at=t(12), as_of=t(12), min_size=1001) == "size 1000 is below min_size=1001"
    assert usable(full(start=t(2), end=t(3), backup_size=0), at=t(12), as_of=t(12), min_size=0)


def test_each_set_counts_once_newest_first(full: Callable[..., FullBackup], t: Callable[..., datetime]) -> None:
    older = full("a", t(1), t(2))
    running = full("b", t(3))
    finished = full("b", t(3), t(4), finish=t(4))
    assert distinct_full_backups([finished, older, running, older]) == [finished, older]
    assert distinct_full_backups([running, finished, older]) == [finished, older]


def test_of_two_rows_that_finished_at_once_the_worse_counts(
    full: Callable[..., FullBackup], t: Callable[..., datetime]
) -> None:
    good, bad = full("a", t(1), t(2), finish=t(2)), full("a", t(1), t(2), "stop", finish=t(2))
    assert distinct_full_backups([good, bad]) == distinct_full_backups([bad, good]) == [bad]


def test_a_row_without_any_time_comes_last(full: Callable[..., FullBackup], t: Callable[..., datetime]) -> None:
    timeless, placed = full("a", None, None, "schedule"), full("b", t(1), t(1) + timedelta(hours=1))
    assert distinct_full_backups([timeless, placed]) == [placed, timeless]
