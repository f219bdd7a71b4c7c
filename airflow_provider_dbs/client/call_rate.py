# SPDX-License-Identifier: Apache-2.0
"""How often this process may call: the service's quota is per account, and a thousand gates share it."""

from __future__ import annotations

import threading
import time


class CallRate:
    """A bucket of tokens for one endpoint and access key, in every thread and loop of the process.

    ``rate`` is calls per second; the burst is twice that. Get it from ``call_rate``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def reserve(self, rate: float) -> float:
        """Take the next place in the queue and return the seconds to wait for it; a rate of 0 means no limit."""
        if rate <= 0:
            return 0.0
        spacing = 1 / rate
        with self._lock:
            now = time.monotonic()
            burst_start = now - (max(1.0, 2 * rate) - 1) * spacing
            place = max(self._next, burst_start)
            self._next = place + spacing
        return max(0.0, place - now)


_rates: dict[tuple[str, str], CallRate] = {}
_registering = threading.Lock()


def call_rate(host: str, access_key_id: str) -> CallRate:
    """The one bucket for this endpoint and access key."""
    with _registering:
        return _rates.setdefault((host, access_key_id), CallRate())
