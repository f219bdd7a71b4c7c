# SPDX-License-Identifier: Apache-2.0
"""The small words of a message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_dbs.judgement.words import clean, duration, listed


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=900), "0 s"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(hours=1, minutes=10, seconds=5), "1 h 10 min"),
        (timedelta(hours=1, seconds=5), "1 h"),
        (timedelta(days=3, hours=2, minutes=1), "3 d 2 h"),
        (-timedelta(minutes=2), "2 min"),
    ],
)
def test_duration(length: timedelta, words: str) -> None:
    assert duration(length) == words


def test_a_text_of_the_service_cannot_forge_a_log_line() -> None:
    assert clean("disk\r\n[2026-11-20] INFO all\x1b[31m is\u2028well\x00") == "disk [2026-11-20] INFO all [31m is well"


def test_a_long_text_is_cut() -> None:
    assert clean("x" * 1000) == "x" * 159 + "…"
    assert clean("\n" * 10**6 + "x") == ""
    assert clean("abc", 3) == "abc"


def test_a_long_list_is_cut() -> None:
    assert listed(["a", "b"]) == "a; b"
    assert listed(list("abcdefg")) == "a; b; c; d; e; +2 more"
