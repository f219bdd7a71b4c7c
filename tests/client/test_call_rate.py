# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from airflow_provider_dbs.client.call_rate import CallRate, call_rate
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import Settings
from airflow_provider_dbs.emulator import Emulator


def test_burst_is_twice_the_rate_and_then_calls_are_spaced() -> None:
    bucket = CallRate()
    began = time.monotonic()
    waits = [bucket.reserve(10) for _ in range(50)]
    took = time.monotonic() - began
    assert waits[:20] == [0.0] * 20
    for i, wait in enumerate(waits[20:], 1):
        assert i * 0.1 - took - 1e-6 <= wait <= i * 0.1 + 1e-6


def test_an_idle_bucket_fills_up_to_the_burst_and_no_further() -> None:
    bucket = CallRate()
    assert [bucket.reserve(5) for _ in range(10)] == [0.0] * 10
    assert bucket.reserve(5) > 0
    time.sleep(0.45)
    free = sum(bucket.reserve(5) == 0 for _ in range(40))
    assert 1 <= free <= 10


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_slow_rate_lets_one_call_through(rate: float) -> None:
    bucket = CallRate()
    assert bucket.reserve(rate) == 0
    assert bucket.reserve(rate) == pytest.approx(1 / rate, abs=0.5)


def test_rate_0_is_no_limit_and_takes_no_place() -> None:
    bucket = CallRate()
    assert [bucket.reserve(0) for _ in range(1000)] == [0.0] * 1000
    assert bucket.reserve(0.5) == 0


def test_threads_share_places() -> None:
    bucket = CallRate()
    waits: list[float] = []

    def reserve() -> None:
        waits.extend(bucket.reserve(10) for _ in range(25))

    threads = [threading.Thread(target=reserve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(wait == 0 for wait in waits) in range(20, 30)
    assert max(waits) == pytest.approx(8, abs=1)


def test_one_bucket_for_an_endpoint_and_key() -> None:
    assert call_rate("h", "k") is call_rate("h", "k")
    assert call_rate("h", "k") is not call_rate("h", "other")
    assert call_rate("h", "k") is not call_rate("other", "k")


def test_rate_holds_across_clients_and_threads(dbs_emulator: Emulator, settings: Callable[..., Settings]) -> None:
    dbs_emulator.add_access_key("rate-test-key", "rate-test-secret")
    key = {"login": "rate-test-key", "password": "rate-test-secret"}

    def run() -> None:
        async def calls() -> None:
            client = DbsClient(settings(connection=key, max_calls_per_second=20, total_timeout=0.5))
            await asyncio.gather(*(client.list_regions() for _ in range(30)))
            await client.aclose()

        asyncio.run(calls())

    asyncio.run(_warm_up(settings()))
    threads = [threading.Thread(target=run) for _ in range(2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    made = [call for call in dbs_emulator.calls if call.access_key_id == "rate-test-key"]
    # 60 calls, of which 40 are the burst: the last one comes a second after the first. Waiting is not counted in the
    # total timeout, which is shorter.
    assert len(made) == 60
    assert 0.95 <= took < 5


async def _warm_up(settings: Settings) -> None:
    client = DbsClient(settings)
    await client.list_regions()
    await client.aclose()
