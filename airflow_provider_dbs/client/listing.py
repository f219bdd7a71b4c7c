# SPDX-License-Identifier: Apache-2.0
"""Every row of a paged list, or an error: never a shorter list.

What is documented of the paging is little (0-based, sizes 30, 50 and 100) and what is not is much: whether a size is
clamped, whether totals are right, in which order rows come. So nothing of it is trusted alone. The end of a list is an
empty page or two pages in a row that bring nothing new, after as many pages as the total asks for; a list that moves
under the reader is read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import msgspec

from airflow_provider_dbs.client.errors import DbsListingError

RowT = TypeVar("RowT")

PAGE_SIZE = 100
# A full page may have a successor that the total does not know of. These are the sizes that a server may clamp to.
_FULL_SIZES = frozenset({30, 50, 100})
_MAX_SWEEPS = 4  # the first, and three more when the list moved
_MAX_PAGES = 5_000


class Page(msgspec.Struct, Generic[RowT], frozen=True):
    """Rows of one page, the number of rows that the service says the list has, and the page size it says it used."""

    rows: list[RowT]
    total: int
    page_size: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether another page may follow, whatever the total says."""
        return bool(self.rows) and (len(self.rows) in _FULL_SIZES or len(self.rows) == self.page_size)


async def read_list(
    fetch: Callable[[int], Awaitable[Page[RowT]]], key: Callable[[RowT], Hashable], pages_in_flight: int
) -> list[RowT]:
    """All rows, each once, in no order. ``fetch(n)`` gives page n, from 0; ``key`` tells rows apart.

    Raises DbsListingError when the list moves under three sweeps, or when rows that the service counts do not come
    in the second look either.
    """
    missing = 0
    for _ in range(_MAX_SWEEPS):
        sweep = _Sweep(fetch, key, pages_in_flight)
        await sweep.run()
        if sweep.moved:
            continue
        if not sweep.missing:
            return list(sweep.rows.values())
        if missing:
            break
        missing = sweep.missing
    if missing:
        raise DbsListingError(f"the service counts {sweep.total} rows, but {missing} of them do not come")
    raise DbsListingError(f"the list changed while it was read, {_MAX_SWEEPS} times in a row")


class _Sweep(Generic[RowT]):
    """One reading of the whole list."""

    def __init__(
        self, fetch: Callable[[int], Awaitable[Page[RowT]]], key: Callable[[RowT], Hashable], pages_in_flight: int
    ) -> None:
        self._fetch = fetch
        self._key = key
        self._turns = asyncio.Semaphore(pages_in_flight)
        self.rows: dict[Hashable, RowT] = {}
        self.totals: set[int] = set()
        self.moved = False
        self._twins = 0

    @property
    def total(self) -> int:
        """How many rows there should be."""
        return max(self.totals)

    @property
    def missing(self) -> int:
        """Rows that are counted and did not come. A row that one page holds twice did: a page cannot overlap itself."""
        return max(0, self.total - len(self.rows) - self._twins)

    async def run(self) -> None:
        last = first = await self._fetch(0)
        self._take(first)
        # The total and the rows that really came tell the pages to expect, whatever size the server made of ours.
        expected = max(1, -(-first.total // len(first.rows))) if first.rows else 1
        if expected > _MAX_PAGES:
            raise DbsListingError(f"the list has more than {_MAX_PAGES} pages", retryable=False)
        if expected > 1:
            # A last page that is full is not believed to be the last; its successor, asked for along with the others,
            # costs no time.
            expected += first.total - (expected - 1) * len(first.rows) in (len(first.rows), *_FULL_SIZES)
            for last in await self._read_pages(range(1, expected)):
                self._take(last)
        await self._read_on(expected, last)

    async def _read_pages(self, numbers: range) -> list[Page[RowT]]:
        async def read(number: int) -> Page[RowT]:
            async with self._turns:
                return await self._fetch(number)

        tasks = [asyncio.create_task(read(number)) for number in numbers]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _read_on(self, number: int, last: Page[RowT]) -> None:
        """Pages beyond the expected ones, as long as there is a sign of more; then page 0 again, to see it unmoved."""
        barren = 0
        while last.rows and barren < 2 and (last.is_full or barren or self.missing):
            if number >= _MAX_PAGES:
                raise DbsListingError(f"the list has no end: page {number} still brings rows", retryable=False)
            last = await self._fetch(number)
            barren = 0 if self._take(last) else barren + 1
            number += 1
        if number > 1:
            known = len(self.rows)
            self._take(await self._fetch(0))
            self.moved = len(self.rows) > known or len(self.totals) > 1

    def _take(self, page: Page[RowT]) -> bool:
        """Whether the page brought a row not seen before. Of two readings of a row the later one counts.

        Rows of one key that differ within a page are no two readings, for a page cannot overlap itself: both stay, so
        that the judgement sees the contradiction.
        """
        known = len(self.rows)
        by_key: dict[Hashable, RowT] = {}
        for row in page.rows:
            key = self._key(row)
            while key in by_key and by_key[key] != row:
                key = (key, "again")
            by_key[key] = row
        self.rows.update(by_key)
        self.totals.add(page.total)
        is_news = len(self.rows) > known
        self._twins += len(page.rows) - len(by_key) if is_news else 0
        return is_news
