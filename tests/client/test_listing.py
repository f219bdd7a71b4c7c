# SPDX-License-Identifier: Apache-2.0
"""``read_list`` against a service in memory whose list may move between any two pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from airflow_provider_dbs.client import listing
from airflow_provider_dbs.client.errors import DbsListingError, DbsThrottledError
from airflow_provider_dbs.client.listing import Page, read_list

Move = Callable[[list[int]], None]


@dataclass
class Service:
    """A list of numbers, newest first, cut into pages. ``moves`` change it: the n-th one before the n-th page."""

    rows: list[int]
    largest_page: int = 100
    tells: bool = True
    first_page: int = 0
    total: Callable[[int], int] = lambda real: real
    moves: dict[int, Move] = field(default_factory=dict)
    every_page: Move | None = None
    lost: int = 0
    calls: list[int] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    async def fetch(self, number: int) -> Page[int]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        if move := self.moves.get(len(self.calls), self.every_page):
            move(self.rows)
        self.calls.append(number)
        begin = max(number - self.first_page, 0) * self.largest_page
        page = self.rows[: len(self.rows) - self.lost][begin : begin + self.largest_page]
        return Page(page, self.total(len(self.rows)), self.largest_page if self.tells else 100)

    def read(self, pages_in_flight: int = 8) -> list[int]:
        return asyncio.run(read_list(self.fetch, lambda row: row, pages_in_flight))


def pages_of(*pages: Sequence[Any], total: int) -> Callable[[int], Any]:
    async def fetch(number: int) -> Page[Any]:
        return Page(list(pages[number]) if number < len(pages) else [], total, 100)

    return fetch


# -- one list that stands still ------------


@pytest.mark.parametrize(
    ("count", "calls"),
    [
        (0, [0]),
        (1, [0]),
        (29, [0]),
        (99, [0]),
        (30, [0, 1, 0]),  # a page of 30 may be one of a clamped size
        (100, [0, 1, 0]),
        (101, [0, 1, 0]),
        (200, [0, 1, 2, 0]),
        (240, [0, 1, 2, 0]),
        (250, [0, 1, 2, 3, 0]),  # and so may one of 50
    ],
)
def test_honest_list_takes_no_more_calls_than_it_must(count: int, calls: list[int]) -> None:
    service = Service(list(range(count)))
    assert sorted(service.read()) == list(range(count))
    assert service.calls == calls


def test_pages_are_read_concurrently_and_bounded() -> None:
    service = Service(list(range(2_050)))
    assert len(service.read(pages_in_flight=4)) == 2_050
    assert service.most_in_flight == 4


@pytest.mark.property
@given(
    count=st.integers(0, 420),
    clamp=st.sampled_from([30, 50, 100]),
    tells=st.booleans(),
    first_page=st.sampled_from([0, 1]),
    low_total=st.one_of(st.none(), st.integers(0, 420)),
)
def test_clamped_sizes_one_based_pages_and_low_totals_together(
    count: int, clamp: int, tells: bool, first_page: int, low_total: int | None
) -> None:
    total = (lambda real: real) if low_total is None else (lambda real: min(real, low_total))
    service = Service(list(range(count)), clamp, tells, first_page, total)
    assert sorted(service.read()) == list(range(count))


@pytest.mark.property
@given(count=st.integers(0, 150), size=st.integers(1, 100), first_page=st.sampled_from([0, 1]), low=st.booleans())
def test_any_page_size_that_the_service_tells(count: int, size: int, first_page: int, low: bool) -> None:
    total = (lambda real: min(real, 1)) if low else (lambda real: real)
    service = Service(list(range(count)), size, True, first_page, total)
    assert sorted(service.read()) == list(range(count))


@pytest.mark.property
@given(count=st.integers(0, 150), size=st.integers(1, 100), first_page=st.sampled_from([0, 1]))
def test_any_page_size_that_it_does_not_tell(count: int, size: int, first_page: int) -> None:
    service = Service(list(range(count)), size, False, first_page)
    assert sorted(service.read()) == list(range(count))


@pytest.mark.property
@given(st.lists(st.integers(0, 260), min_size=0, max_size=300), st.randoms())
def test_overlapping_pages_bring_each_row_once(repeated: list[int], random: Any) -> None:
    """Pages that overlap, in any order of rows: each row once, and none less."""
    rows = sorted(set(repeated))
    random.shuffle(rows)
    pages = [rows[begin : begin + 100] for begin in range(0, len(rows), 70)]
    pages = pages if pages and len(pages[-1]) < 100 else [*pages, []]
    found = asyncio.run(read_list(pages_of(*pages, total=len(rows)), lambda row: row, 8))
    assert sorted(found) == sorted(rows)


def test_later_reading_of_a_row_counts() -> None:
    calls: list[int] = []

    async def fetch(number: int) -> Page[tuple[int, int]]:
        calls.append(number)
        return Page([(row, len(calls)) for row in range(number * 90, number * 90 + 100) if row < 150], 150, 100)

    found = dict(asyncio.run(read_list(fetch, lambda row: row[0], 8)))
    assert (calls[:2], calls[-1]) == ([0, 1], 0)
    assert found == {row: len(calls) if row < 100 else 2 for row in range(150)}


def test_row_twice_on_one_page_was_delivered() -> None:
    """Two rows with one key are one row to us, and both have come: nothing is missing."""
    pages = pages_of(["a", "a", "b"], total=3)
    assert sorted(asyncio.run(read_list(pages, lambda row: row, 8))) == ["a", "b"]


# -- a list that moves ------------


def newer(rows: list[int]) -> None:
    rows.insert(0, max(rows, default=0) + 1)


def oldest_goes(rows: list[int]) -> None:
    del rows[-1:]


def newest_goes(rows: list[int]) -> None:
    del rows[:1]


@pytest.mark.parametrize("when", range(5))
@pytest.mark.parametrize("move", [newer, oldest_goes, newest_goes])
def test_one_move_gives_a_complete_list(move: Move, when: int) -> None:
    service = Service(list(range(350, 0, -1)), moves={when: move})
    before = set(service.rows)
    found = service.read()
    assert len(found) == len(set(found))
    assert before & set(service.rows) <= set(found)


def test_move_that_only_page_0_betrays() -> None:
    """The total stands still, as a cached one would; two rows are jumped over, and page 0 brings but one of them."""
    service = Service(list(range(350, 0, -1)), total=lambda real: 100, moves={1: newest_goes, 2: newest_goes})
    assert sorted(service.read()) == list(range(1, 349))


def test_move_that_only_the_total_betrays() -> None:
    """A row goes and another comes at the end: as many rows as counted, page 0 as it was, and one row jumped over."""
    service = Service(
        list(range(450)),
        moves={2: lambda rows: rows.remove(150), 4: lambda rows: rows.append(999)},
    )
    assert sorted(service.read()) == [*range(150), *range(151, 450), 999]


@pytest.mark.parametrize("move", [newer, newest_goes])
def test_list_that_never_stands_still_is_an_error(move: Move) -> None:
    service = Service(list(range(500, 0, -1)), every_page=move)
    with pytest.raises(DbsListingError, match="changed while it was read") as caught:
        service.read()
    assert caught.value.retryable
    assert service.calls.count(0) == 8  # four times, and once more after each


def test_list_that_moves_three_times_is_read() -> None:
    service = Service(list(range(250, 0, -1)), moves={1: newer, 6: newer, 11: newer})
    assert sorted(service.read()) == list(range(1, 254))
    assert service.calls.count(0) == 8


@st.composite
def moving(draw: st.DrawFn) -> tuple[Service, set[int]]:
    """A service, and the rows that are in its list throughout. Between two pages one thing happens, or nothing."""
    rows = list(range(draw(st.integers(0, 320)), 0, -1))
    order = draw(st.sampled_from(["newest", "oldest", "shuffled"]))
    if order == "oldest":
        rows.reverse()
    elif order == "shuffled":
        draw(st.randoms(use_true_random=False)).shuffle(rows)
    size = draw(st.sampled_from([30, 50, 100]))
    stay = set(rows)
    moves: dict[int, Move] = {}
    for when in draw(st.lists(st.integers(0, 25), max_size=4, unique=True)):
        if draw(st.booleans()) or not stay:
            new, place = 1_000 + when, draw(st.integers(0, len(rows)))
            moves[when] = lambda rows, new=new, place=place: rows.insert(place, new)  # type: ignore[misc]
        else:
            gone = draw(st.sampled_from(sorted(stay)))
            stay.discard(gone)
            moves[when] = lambda rows, gone=gone: rows.remove(gone)  # type: ignore[misc]
    service = Service(rows, size, draw(st.booleans()), draw(st.sampled_from([0, 1])), moves=moves)
    return service, stay


@pytest.mark.property
@hypothesis_settings(max_examples=200)
@given(case=moving(), pages_in_flight=st.sampled_from([1, 8]))
def test_no_row_that_was_there_throughout_is_missing(case: tuple[Service, set[int]], pages_in_flight: int) -> None:
    service, stay = case
    try:
        found = service.read(pages_in_flight)
    except DbsListingError:
        return
    assert stay <= set(found)
    assert len(found) == len(set(found))


# -- a list that is broken ------------


@pytest.mark.parametrize("count", [1, 100, 250])
def test_rows_that_are_counted_and_never_come_are_an_error(count: int) -> None:
    service = Service(list(range(count)), lost=1)
    with pytest.raises(DbsListingError, match=f"counts {count} rows, but 1 of them do not come") as caught:
        service.read()
    assert caught.value.retryable
    assert service.calls.count(0) == (2 if count == 1 else 4)


def test_rows_that_come_at_the_second_look_are_enough() -> None:
    service = Service(list(range(250)), lost=1)

    async def fetch(number: int) -> Page[int]:
        if len(service.calls) >= 4:
            service.lost = 0
        return await service.fetch(number)

    assert sorted(asyncio.run(read_list(fetch, lambda row: row, 8))) == list(range(250))


def test_missing_rows_are_named_even_if_the_list_moves_later() -> None:
    service = Service(list(range(250)), lost=1)

    async def fetch(number: int) -> Page[int]:
        if len(service.calls) >= 5:
            service.rows.insert(0, 1_000 + len(service.calls))
        return await service.fetch(number)

    with pytest.raises(DbsListingError, match="do not come"):
        asyncio.run(read_list(fetch, lambda row: row, 8))


def test_service_that_always_gives_page_0_is_an_error() -> None:
    async def fetch(number: int) -> Page[int]:
        return Page(list(range(100)), 250, 100)

    with pytest.raises(DbsListingError, match="150 of them do not come"):
        asyncio.run(read_list(fetch, lambda row: row, 8))


def test_one_page_list_that_is_repeated_for_every_page_is_read() -> None:
    async def fetch(number: int) -> Page[int]:
        return Page(list(range(100)), 100, 100)

    assert len(asyncio.run(read_list(fetch, lambda row: row, 8))) == 100


def test_list_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MAX_PAGES", 20)

    async def fetch(number: int) -> Page[int]:
        return Page(list(range(number * 100, number * 100 + 100)), 100, 100)

    with pytest.raises(DbsListingError, match="no end") as caught:
        asyncio.run(read_list(fetch, lambda row: row, 8))
    assert not caught.value.retryable


def test_absurd_total_is_an_error_at_once() -> None:
    service = Service([1], total=lambda real: 10**9)
    with pytest.raises(DbsListingError, match="more than 5000 pages"):
        service.read()
    assert service.calls == [0]


def test_error_of_one_page_ends_the_others() -> None:
    begun: list[int] = []

    async def fetch(number: int) -> Page[int]:
        begun.append(number)
        if number == 2:
            raise DbsThrottledError("no more")
        await asyncio.sleep(0 if number == 0 else 30)
        return Page(list(range(number * 100, number * 100 + 100)), 5_000, 100)

    async def read() -> None:
        with pytest.raises(DbsThrottledError):
            await asyncio.wait_for(read_list(fetch, lambda row: row, 4), 5)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(read())
    assert len(begun) < 10


def test_rows_of_one_key_that_contradict_each_other_in_a_page_both_stay() -> None:
    fetch = pages_of([("set", "finish"), ("set", "stop"), ("set", "stop"), ("other", "finish")], total=4)
    rows = asyncio.run(read_list(fetch, lambda row: row[0], 8))
    assert sorted(rows) == [("other", "finish"), ("set", "finish"), ("set", "stop")]
