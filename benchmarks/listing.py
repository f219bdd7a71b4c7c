# SPDX-License-Identifier: Apache-2.0
"""A long list over HTTPS, 50 ms a page: ours with pages in flight beside the SDK's pages in sequence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import settings_from_connection
from benchmarks.measure import wall_seconds
from benchmarks.service import PLAN, EmulatorProcess, sdk_client, sdk_request
from benchmarks.table import Line, Table, Target

_LATENCY = timedelta(milliseconds=50)
# Rows, turns, and how many times faster at least; two years of nightly backups first.
_LISTS = ((730, 5, 2.0), (10_000, 3, 5.0))


def run() -> Table:
    lines = [line for rows, turns, bound in _LISTS for line in _measure(rows, turns, bound)]
    return Table(f"a complete list over HTTPS, {_LATENCY.total_seconds() * 1000:g} ms a page: wall time", lines)


def _measure(rows: int, turns: int, bound: float) -> list[Line]:
    with EmulatorProcess(tls=True, latency=_LATENCY) as emulator:
        emulator.ask("add_full_backups", count=rows)
        settings = settings_from_connection(**json.loads(emulator.airflow_connection()))
        sdk = sdk_client(emulator)
        sdk._ca = settings.ca_bundle

        def in_sequence() -> int:
            found, page, pages = 0, 0, 1
            while page < pages:
                body = sdk.describe_full_backup_list(sdk_request(page)).body
                found, page, pages = found + len(body.items.full_backup_file), page + 1, body.total_pages
            return found

        client, loop = DbsClient(settings), asyncio.new_event_loop()
        contestants: dict[str, Callable[[], int]] = {
            "in a loop that goes on": lambda: loop.run_until_complete(_list(client)),
            "in a loop of its own": lambda: asyncio.run(_list_and_close(client)),
            "SDK": in_sequence,
        }
        for name, contestant in contestants.items():
            if (found := contestant()) != rows:
                raise AssertionError(f"{name} found {found} of {rows} rows")
        wall = wall_seconds(contestants, turns)
        loop.run_until_complete(client.aclose())
        loop.close()
    sdk_wall = wall.pop("SDK")
    return [
        Line(f"{rows:,} rows: vendor SDK in sequence", f"{sdk_wall:.2f} s"),
        *(
            Line(f"  SDK / ours, {where}", f"{own:.2f} s", sdk_wall / own, Target(sdk_wall / own, bound))
            for where, own in wall.items()
        ),
    ]


async def _list(client: DbsClient) -> int:
    """As in a triggerer, whose connections stay open."""
    return len(await client.list_full_backups(PLAN))


async def _list_and_close(client: DbsClient) -> int:
    """As a task's sync call does it: up to eight connections are opened and closed for one list."""
    try:
        return await _list(client)
    finally:
        await client.aclose()
