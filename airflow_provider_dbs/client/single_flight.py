# SPDX-License-Identifier: Apache-2.0
"""One piece of work for all who ask for the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


@dataclass(eq=False)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    callers: int = 0


class SingleFlight(Generic[T]):
    """Per running loop at most one call for a key is under way; whoever asks meanwhile gets its result or its error.

    A caller that is cancelled leaves the work to the others; the last one to go ends it.
    """

    def __init__(self) -> None:
        self._flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Flight[T]]] = WeakKeyDictionary()

    async def do(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of ``work()``, started here unless it is under way already."""
        flights = self._flights.setdefault(asyncio.get_running_loop(), {})
        flight = flights.get(key)
        if flight is None:
            flight = flights[key] = _Flight(asyncio.create_task(work()))
            flight.task.add_done_callback(lambda _: _land(flights, key, flight))
        flight.callers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.callers -= 1
            if not flight.callers and not flight.task.done():
                _land(flights, key, flight)  # first, so that nobody boards it any more
                flight.task.cancel()


def _land(flights: dict[Hashable, _Flight[Any]], key: Hashable, flight: _Flight[Any]) -> None:
    if flights.get(key) is flight:
        del flights[key]
    if flight.task.done() and not flight.task.cancelled():
        # Look at the error, so that asyncio does not complain of it when every caller was cancelled.
        flight.task.exception()
