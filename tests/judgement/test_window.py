# SPDX-License-Identifier: Apache-2.0
"""The window of a gate, rule by rule, and what a bad bound is told."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_dbs.judgement.window import Window, read_time, resolve_recovery_time, resolve_window

UTC = timezone.utc
AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
RUN_AFTER = datetime(2026, 11, 20, 3, tzinfo=UTC)
INTERVAL = {
    "data_interval_start": datetime(2026, 11, 19, 3, tzinfo=UTC),
    "data_interval_end": datetime(2026, 11, 20, 2, tzinfo=UTC),
}
EMPTY_INTERVAL = dict.fromkeys(INTERVAL, INTERVAL["data_interval_end"])
RUN = {"as_of": AS_OF, "run_after": RUN_AFTER, **INTERVAL}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "window"),
    [
        pytest.param(
            {**RUN, "window_start": "2026-11-18", "window_end": "2026-11-18T06:00:00Z"},
            Window(utc(2026, 11, 18), utc(2026, 11, 18, 6), "window_start and window_end"),
            id="both bounds",
        ),
        pytest.param(
            {**RUN, "window_start": "2026-11-18", "lookback": timedelta(hours=1)},
            Window(utc(2026, 11, 18), utc(2026, 11, 20, 2), "window_start and data_interval_end; lookback not used"),
            id="only a start",
        ),
        pytest.param(
            {**RUN, "window_end": "2026-11-18"},
            Window(utc(2026, 11, 17), utc(2026, 11, 18), "1 day before window_end"),
            id="only an end",
        ),
        pytest.param(
            {**RUN, "window_end": "2026-11-18", "lookback": timedelta(hours=2)},
            Window(utc(2026, 11, 17, 22), utc(2026, 11, 18), "lookback before window_end"),
            id="an end and a lookback",
        ),
        pytest.param(
            {**RUN, "lookback": timedelta(hours=2)},
            Window(utc(2026, 11, 20), utc(2026, 11, 20, 2), "lookback before data_interval_end"),
            id="lookback",
        ),
        pytest.param(RUN, Window(utc(2026, 11, 19, 3), utc(2026, 11, 20, 2), "data interval"), id="data interval"),
        pytest.param(
            {**RUN, **EMPTY_INTERVAL},
            Window(utc(2026, 11, 19, 2), utc(2026, 11, 20, 2), "1 day before data_interval_end"),
            id="empty data interval",
        ),
        pytest.param(
            {"as_of": AS_OF, "run_after": RUN_AFTER},
            Window(utc(2026, 11, 19, 3), utc(2026, 11, 20, 3), "1 day before run_after"),
            id="no data interval",
        ),
        pytest.param(
            {"as_of": AS_OF},
            Window(utc(2026, 11, 19, 12), utc(2026, 11, 20, 12), "1 day before the time of the first look"),
            id="no dates at all",
        ),
        pytest.param(
            {**RUN, "open_end": True},
            Window(utc(2026, 11, 20, 2), None, "after data_interval_end, open end"),
            id="open end: the next backup",
        ),
        pytest.param(
            {**RUN, "open_end": True, "lookback": timedelta(hours=2)},
            Window(utc(2026, 11, 20), None, "lookback before data_interval_end, open end"),
            id="open end with a lookback",
        ),
        pytest.param(
            {**RUN, "open_end": True, "window_start": utc(2026, 11, 18)},
            Window(utc(2026, 11, 18), None, "window_start, open end"),
            id="open end with a start",
        ),
        pytest.param(
            {**RUN, "window_start": "", "window_end": "  "},
            Window(utc(2026, 11, 19, 3), utc(2026, 11, 20, 2), "data interval"),
            id="empty strings are not given",
        ),
    ],
)
def test_rules(settings: dict[str, Any], window: Window) -> None:
    assert resolve_window(**settings) == window


@pytest.mark.parametrize("zone", ["Asia/Shanghai", ZoneInfo("Asia/Shanghai"), pendulum.timezone("Asia/Shanghai")])
@pytest.mark.parametrize(
    "value",
    [
        "2026-11-20 02:00",
        "2026-11-20T02:00:00",
        "2026-11-19T18:00:00Z",
        "2026-11-19 18:00:00+00:00",
        "20261119T180000+0000",
        datetime(2026, 11, 20, 2),
        pendulum.datetime(2026, 11, 20, 2, tz="Asia/Shanghai"),
    ],
)
def test_a_time_is_read_in_the_default_time_zone_and_is_plain_utc(value: str | datetime, zone: str | tzinfo) -> None:
    moment = read_time("window_start", value, zone)

    assert moment == utc(2026, 11, 19, 18)
    assert type(moment) is datetime
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "now",
        "12",
        "02:00",
        "2026",
        "2026-11",
        "2026-W45",
        "P1D",
        "2026-11-20/2026-11-21",
        "None",
        "2026-02-30",
        "2026-11-20T25:00",
        "1700000000",
        "{{ ds }}",
        "2026-11-20T",
        "２０２６-11-20",
        20261120,
        True,
        "1969-12-31",
        "9999-12-31",
        "0001-01-01",
    ],
)
def test_what_is_no_time_is_an_error_that_names_the_setting_and_the_value(value: Any) -> None:
    with pytest.raises(ValueError, match=rf"window_start='?{re.escape(str(value))}.*give "):
        resolve_window(as_of=AS_OF, window_start=value, default_timezone="Asia/Shanghai")


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc"])
def test_an_unknown_time_zone_is_an_error_that_names_it(zone: str) -> None:
    with pytest.raises(ValueError, match=f"default_timezone='{re.escape(zone)}'"):
        resolve_window(as_of=AS_OF, window_start="2026-11-20", default_timezone=zone)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"window_start": "2026-11-20", "window_end": "2026-11-20"},
            "window_start=2026-11-20T00:00:00Z is not before window_end=2026-11-20T00:00:00Z",
        ),
        (
            {"window_start": "2026-11-21", "window_end": "2026-11-20"},
            "window_start=2026-11-21T00:00:00Z is not before window_end=2026-11-20T00:00:00Z",
        ),
        ({"window_start": "2026-11-21"}, "is not before run_after=2026-11-20T03:00:00Z"),
        ({"open_end": "False"}, "open_end='False' is neither True nor False"),
        ({"lookback": timedelta(0)}, "lookback=0:00:00 is not positive"),
        ({"lookback": timedelta(days=-1)}, "lookback=-1 day, 0:00:00 is not positive"),
        ({"lookback": timedelta(days=999_999)}, "lookback=999999 days, 0:00:00 reaches back before the year 1"),
    ],
)
def test_an_empty_window_is_an_error_that_names_both_bounds(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        resolve_window(as_of=AS_OF, run_after=RUN_AFTER, **settings)


def test_the_recovery_time_is_the_reference_of_the_window() -> None:
    assert resolve_recovery_time(as_of=AS_OF, recovery_time="2026-11-01") == (utc(2026, 11, 1), "recovery_time")
    end = INTERVAL["data_interval_end"]
    assert resolve_recovery_time(as_of=AS_OF, recovery_time="", data_interval_end=end) == (end, "data_interval_end")
    assert resolve_recovery_time(as_of=AS_OF, run_after=RUN_AFTER) == (RUN_AFTER, "run_after")
    assert resolve_recovery_time(as_of=AS_OF) == (AS_OF, "the time of the first look")


def test_a_window_in_words_and_in_xcom() -> None:
    window = Window(utc(2026, 11, 20), utc(2026, 11, 21), "data interval")
    assert str(window) == "[2026-11-20T00:00:00Z, 2026-11-21T00:00:00Z)"
    assert str(Window(utc(2026, 11, 20), None, "x")) == "[2026-11-20T00:00:00Z, open end)"
    assert window.as_dict() == {
        "window_start": "2026-11-20T00:00:00Z",
        "window_end": "2026-11-21T00:00:00Z",
        "window_source": "data interval",
    }
    assert Window(utc(2026, 11, 20), None, "x").as_dict()["window_end"] is None


moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
maybe = st.none() | moments


@pytest.mark.property
@given(
    as_of=moments,
    window_start=maybe | moments.map(datetime.isoformat) | st.just(""),
    window_end=maybe | moments.map(datetime.isoformat) | st.just(""),
    lookback=st.none() | st.timedeltas(timedelta(microseconds=1), timedelta(days=3650)),
    open_end=st.booleans(),
    data_interval_start=maybe,
    data_interval_end=maybe,
    run_after=maybe,
)
def test_a_resolved_window_is_never_empty(open_end: bool, **settings: Any) -> None:
    try:
        window = resolve_window(open_end=open_end, **settings)
    except ValueError:
        with pytest.raises(ValueError, match="is not before"):
            resolve_window(open_end=open_end, **settings)
        return

    assert (window.end is None) == open_end
    assert window.end is None or window.start < window.end
    assert window == resolve_window(open_end=open_end, **settings)
