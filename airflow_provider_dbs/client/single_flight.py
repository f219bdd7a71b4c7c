# SPDX-License-Identifier: Apache-2.0
"""One piece of work for all who ask for the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Per running loop at most one call for a key is under way; whoever asks meanwhile gets its result or its error.

    A caller that is cancelled leaves the work to the others.
    """

    def __init__(self) -> None:
        self._flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, asyncio.Task[T]]] = (
            WeakKeyDictionary()
        )

    async def do(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of ``work()``, started here unless it is under way already."""
        flights = self._flights.setdefault(asyncio.get_running_loop(), {})
        flight = flights.get(key)
        if flight is None:
            flight = flights[key] = asyncio.create_task(work())
            flight.add_done_callback(lambda done: _landed(flights, key, done))
        return await asyncio.shield(flight)


def _landed(flights: dict[Hashable, asyncio.Task[Any]], key: Hashable, flight: asyncio.Task[Any]) -> None:
    flights.pop(key, None)
    if not flight.cancelled():
        # Look at the error, so that asyncio does not complain of it when every caller was cancelled.
        flight.exception()
