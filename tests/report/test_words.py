# SPDX-License-Identifier: Apache-2.0
"""Numbers, durations and texts as a report says them."""

from __future__ import annotations

import pytest

from airflow_provider_dbs.report import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0, "0 s"), (45, "45 s"), (4200, "1 h 10 min"), (371_520, "4 d 7 h"), (-90, "-1 min 30 s")],
)
def test_duration(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (0, "0"),
        (999, "999"),
        (1500, "1.5 k"),
        (12_400_000_000, "12.4 G"),
        (999_600, "1 M"),
        (3.2e18, "3200 P"),
    ],
)
def test_size_has_no_unit_because_the_service_names_none(value, said):
    assert words.size(value) == said


@pytest.mark.parametrize(
    ("ratio", "said"), [(None, "–"), (0, "0 %"), (0.962, "96.2 %"), (1, "100 %"), (0.99999, "99.9 %"), (0.57, "57 %")]
)
def test_share_is_never_rounded_up_to_whole(ratio, said):
    assert words.share(ratio) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (None, "count", "–"),
        ("Forbidden.RAM", "status", "Forbidden.RAM"),
        (3600, "seconds", "1 h"),
        (6.5, "days", "6.5 d"),
        (5e9, "size", "5 G"),
        (0.31, "ratio", "31 %"),
        (2.5, "ratio", "250 %"),
        (1, "ratio", "100 %"),
        (1440, "count", "1440"),
        (1234.6, None, "1235"),
    ],
)
def test_quantity(value, unit, said):
    assert words.quantity(value, unit) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("of 14 starts 1 missed", "Of 14 starts 1 missed"),
        ("not all: a", "Not all: a"),
        ("1bg2 took long", "1bg2 took long"),
        ("mysql-bin.000123 is missing", "mysql-bin.000123 is missing"),
        ("it ended 2026-11-15T19:17:21.5Z", "It ended 2026-11-15 19:17"),
        ("", ""),
    ],
)
def test_sentence_starts_with_a_capital_but_an_id_stays_as_it_is(text, said):
    assert words.sentence(text) == said


@pytest.mark.parametrize(
    ("period", "start", "said"),
    [
        ("Monday, TUESDAY,Wednesday,Thursday,Friday,Saturday,Sunday", "02:00", "every day at 02:00 UTC"),
        ("Monday,Wednesday", "02:00", "Mon, Wed at 02:00 UTC"),
        ("Sunday", None, "Sun"),
        ("", "02:00", "no schedule"),
        (None, None, "no schedule"),
    ],
)
def test_schedule(period, start, said):
    assert words.schedule(period, start, "UTC") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Access denied for user 'root'@'db.internal'", "Access denied for user [user]"),
        ('user name: "dba" is locked', "user name: [user] is locked"),
        ("user=root password=hunter2", "user=[user] password=[secret]"),
        ("jdbc:mysql://root:hunter2@db.corp.example:3306/x", "jdbc:mysql://[user]@[endpoint]/x"),
        ("AccessKeySecret: abcdEFGH1234, retry", "AccessKeySecret: [secret], retry"),
        ("Access denied (using password: YES)", "Access denied (using password: YES)"),
        ('role "bob" does not exist', "role [user] does not exist"),
        (
            "Can't connect to MySQL server on 'db.corp.example' (111)",
            "Can't connect to MySQL server on [endpoint] (111)",
        ),
        ("host=db1 is down, not [fe80::1]:3306 [12:30:00]", "host=[endpoint] is down, not [endpoint] [12:30:00]"),
        ("cannot reach 10.0.0.7:3306 nor rm-bp1.mysql.rds.aliyuncs.com:3306", "cannot reach [endpoint] nor [endpoint]"),
        ("key LTAI5tABCDEFGH1234 refused", "key [key id] refused"),
        (
            "mysql-bin.000123 of 1bg2c0l is 12.5 GB on 2026-11-21T02:00:00Z",
            "mysql-bin.000123 of 1bg2c0l is 12.5 GB on 2026-11-21T02:00:00Z",
        ),
        ("two\nlines\x00and\u202eturned", "two lines and turned"),
        ("订单库 · заказы", "订单库 · заказы"),
    ],
)
def test_plain_leaves_out_users_endpoints_and_keys_and_nothing_else(text, said):
    assert words.plain(text) == said


def test_plain_is_fast_on_long_hostile_text():
    for text in ("'" * 1_000_000, "a." * 500_000, "1." * 500_000, "user " * 200_000, "'a'@" * 200_000):
        assert len(words.plain(text)) <= words.LONGEST_TEXT
