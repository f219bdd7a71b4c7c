# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_dbs.judgement.schedule import Schedule, ScheduleError

UTC = timezone.utc
DAILY = "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"


def utc(*numbers):
    return datetime(*numbers, tzinfo=UTC)


@pytest.mark.parametrize(
    "period", ["Monday,Thursday", "MONDAY, THURSDAY", "mon;thu", "Monday Thursday,", "Thu,Mon,Mon"]
)
def test_the_service_writes_weekdays_in_several_ways(period):
    assert Schedule.of(period, "02:30") == Schedule(weekdays=frozenset({0, 3}), at=time(2, 30))


@pytest.mark.parametrize("period", [None, "", " ", ","])
def test_a_plan_without_days_has_no_schedule(period):
    assert Schedule.of(period, "02:30") is None


@pytest.mark.parametrize(
    ("period", "start", "zone", "message"),
    [
        ("Someday", "02:30", "UTC", "BackupPeriod holds 'Someday'"),
        ("Monday", None, "UTC", "BackupStartTime None is no time"),
        ("Monday", "24:00", "UTC", "BackupStartTime '24:00' is no time"),
        ("Monday", "02:60", "UTC", "BackupStartTime '02:60' is no time"),
        ("Monday", "2 am", "UTC", "BackupStartTime '2 am' is no time"),
        ("Monday", "02:00", "Mars", "'Mars' is no IANA time zone"),
    ],
)
def test_what_cannot_be_read_is_named(period, start, zone, message):
    with pytest.raises(ScheduleError, match=message):
        Schedule.of(period, start, zone)


def test_monday_in_shanghai_is_sunday_in_utc():
    ticks = Schedule.of("Monday", "02:00", "Asia/Shanghai").between(utc(2026, 11, 21), utc(2026, 12, 1))

    assert ticks == [utc(2026, 11, 22, 18), utc(2026, 11, 29, 18)]


def test_the_last_minute_of_the_day():
    assert Schedule.of("Monday", "23:59").at == time(23, 59)


def test_a_z_means_utc_whatever_the_zone():
    assert Schedule.of("Monday", "02:00Z", "Asia/Shanghai").timezone == "UTC"


def test_uneven_days_have_the_longest_spacing_as_cadence():
    assert Schedule.of("Monday,Wednesday", "02:00").cadence(utc(2026, 11, 21)) == timedelta(days=5)
    assert Schedule.of("Sunday", "02:00").cadence(utc(2026, 11, 21)) == timedelta(days=7)
    assert Schedule.of(DAILY, "02:00").cadence(utc(2026, 11, 21)) == timedelta(days=1)


def test_the_clocks_go_forward_over_the_tick():
    ticks = Schedule.of(DAILY, "02:30", "Europe/Berlin").between(utc(2026, 3, 28), utc(2026, 3, 31))

    assert ticks == [utc(2026, 3, 28, 1, 30), utc(2026, 3, 29, 1, 30), utc(2026, 3, 30, 0, 30)]


def test_the_clocks_go_back_over_the_tick():
    ticks = Schedule.of(DAILY, "02:30", "Europe/Berlin").between(utc(2026, 10, 24), utc(2026, 10, 27))

    assert ticks == [utc(2026, 10, 24, 0, 30), utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)]


def test_between_holds_its_start_and_not_its_end():
    schedule = Schedule.of("Saturday", "02:00")

    assert schedule.between(utc(2026, 11, 21, 2), utc(2026, 11, 28, 2)) == [utc(2026, 11, 21, 2)]
    assert schedule.next(utc(2026, 11, 21, 2)) == utc(2026, 11, 28, 2)
    assert schedule.next(utc(2026, 11, 21, 1)) == utc(2026, 11, 21, 2)
    assert schedule.between(utc(2026, 11, 28), utc(2026, 11, 21)) == []


def test_ticks_end_with_the_calendar():
    assert len(Schedule.of("Saturday", "02:00").between(utc(9998, 12, 20), utc(9999, 12, 31))) == 1


@given(
    days=st.sets(st.integers(0, 6), min_size=1),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_one_tick_for_each_scheduled_day(days, hour, minute, zone, start):
    schedule = Schedule(weekdays=frozenset(days), at=time(hour, minute), timezone=zone)
    ticks = schedule.between(start, start + timedelta(weeks=2))

    assert len(ticks) in (2 * len(days), 2 * len(days) - 1, 2 * len(days) + 1)
    assert ticks == sorted(set(ticks))
    assert all(tick.tzinfo is UTC for tick in ticks)
    assert all(later - earlier >= timedelta(hours=23) for earlier, later in pairwise(ticks))
    assert schedule.next(start) == min(
        tick for tick in schedule.between(start, start + timedelta(days=9)) if tick > start
    )
