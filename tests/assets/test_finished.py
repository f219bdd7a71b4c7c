# SPDX-License-Identifier: Apache-2.0
"""What is news: a pure decision over listings, in any order and however often they are read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_dbs.judgement.finished import Watermark, news, not_believed, watch_from
from airflow_provider_dbs.models import FullBackup, FullBackupStatus

NOW = datetime(2026, 11, 21, 3, tzinfo=timezone.utc)


def full(name: str, minutes: float, status: str = "finish", **cells: object) -> FullBackup:
    """A backup that ended that many minutes before NOW."""
    end = int(NOW.timestamp() * 1000 - minutes * 60_000)
    times = {"start_time_ms": end - 60_000, "end_time_ms": end}
    return FullBackup(
        backup_set_id=name, backup_status=FullBackupStatus(status), **{"backup_size": 1, **times, **cells}
    )


def names(backups: list[FullBackup]) -> list[str]:
    return [backup.backup_set_id for backup in backups]


def test_a_watch_begins_without_news() -> None:
    listing = [full("a", 1), full("b", 100_000), full("c", 0, status="running", end_time_ms=None)]
    mark = watch_from(listing, NOW)
    assert news(listing, mark, NOW) == []
    assert mark == Watermark(NOW, {"a": NOW - timedelta(minutes=1)})


def test_the_watch_of_an_empty_plan_begins_now() -> None:
    assert watch_from([], NOW) == Watermark(NOW, {})


@pytest.mark.parametrize(("minutes", "announced"), [(48 * 60, True), (48 * 60 + 0.001, False)])
def test_the_edge_of_48_hours(minutes: float, announced: bool) -> None:
    assert bool(news([full("late", minutes)], Watermark(NOW, {}), NOW)) is announced


def test_the_48_hours_are_counted_from_what_was_announced_not_from_now() -> None:
    """A triggerer that was down for a week misses nothing."""
    week = timedelta(days=7)
    listing = [full(f"day {day}", day * 24 * 60) for day in range(7)]
    assert names(news(listing, Watermark(NOW - week, {}), NOW)) == [f"day {day}" for day in reversed(range(7))]


def test_a_row_that_comes_twice_is_one_backup() -> None:
    assert names(news([full("a", 1), full("a", 1)], Watermark(NOW, {}), NOW)) == ["a"]


def test_an_end_that_the_service_moves_is_no_second_backup() -> None:
    mark = Watermark(NOW - timedelta(hours=60), {}).including([full("a", 50 * 60)])
    moved = full("a", 30 * 60)
    assert news([moved], mark, NOW) == []
    mark = mark.including([moved, full("b", 0)])
    assert news([moved, full("b", 0)], mark, NOW) == []


@pytest.mark.parametrize(
    "row",
    [
        full("a", 1, status="stop"),
        full("a", 1, status="pause"),
        full("a", 1, status="FINISHED"),
        full("a", 1, end_time_ms=None),
        full("a", 1, start_time_ms=None),
        full("a", 1, backup_size=0),
        full("a", 1, backup_size=None),
        full("a", -6),
        full("a", 1, backup_set_expired_time_ms=1),
    ],
)
def test_what_is_not_usable_is_no_news_and_is_not_remembered(row: FullBackup) -> None:
    mark = watch_from([row], NOW)
    assert mark.seen == {}
    assert news([row], mark, NOW) == []


def test_only_rows_that_say_finish_and_are_not_past_are_doubted() -> None:
    rows = [full("empty", 1, backup_size=0), full("stopped", 1, status="stop"), full("old", 99_999, backup_size=0)]
    assert not_believed([*rows, full("good", 1)], Watermark(NOW, {}), NOW) == {
        "empty": "size 0 is below min_size=1",
    }


def test_two_watermarks_know_what_either_knows() -> None:
    hour = timedelta(hours=1)
    one, two = Watermark(NOW, {"a": NOW}), Watermark(NOW - hour, {"b": NOW - hour, "c": NOW - 60 * hour})
    assert one.merged(two) == two.merged(one) == Watermark(NOW, {"a": NOW, "b": NOW - hour})


def test_a_watermark_is_plain_json() -> None:
    mark = watch_from([full("a", 1)], NOW)
    plain = mark.to_json()
    assert plain == {"end_time": "2026-11-21T03:00:00Z", "seen": {"a": "2026-11-21T02:59:00Z"}}
    assert Watermark.from_json(plain) == mark


@pytest.mark.parametrize(
    "plain", [{}, [], "2026-11-21", {"end_time": "2026-11-21T03:00:00", "seen": {}}, {"end_time": None, "seen": {}}]
)
def test_what_is_no_watermark_is_refused(plain: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        Watermark.from_json(plain)


@pytest.mark.property
@given(
    minutes=st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 4 * 24 * 60), max_size=12),
    splits=st.lists(st.integers(0, 12), max_size=5),
    random=st.randoms(use_true_random=False),
)
def test_every_backup_is_announced_once_however_the_listings_fall(
    minutes: dict[str, int], splits: list[int], random: object
) -> None:
    """The listing grows by any steps, and each step lists what it lists in any order."""
    arriving = sorted((full(name, ago) for name, ago in minutes.items()), key=lambda row: -minutes[row.backup_set_id])
    mark = Watermark(NOW - timedelta(days=5), {})
    announced: list[str] = []
    for size in (*sorted(splits), len(arriving)):
        listing = arriving[:size]
        random.shuffle(listing)  # type: ignore[attr-defined]
        found = news(listing, mark, NOW)
        announced += names(found)
        mark = Watermark.from_json(mark.including(found).to_json())
        assert news(listing, mark, NOW) == []
    assert sorted(announced) == sorted(minutes)
