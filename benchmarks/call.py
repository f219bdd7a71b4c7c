# SPDX-License-Identifier: Apache-2.0
"""One signed HTTPS call, DescribeFullBackupList with some thirty rows: CPU, and connections opened."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from airflow_provider_dbs.client.rpc import Parameters, Rpc
from benchmarks.measure import Contestant, cpu_milliseconds
from benchmarks.service import PAGE_SIZE, PLAN, EmulatorProcess, sdk_client, sdk_request
from benchmarks.table import Line, Table, Target

# Not 30, which is a page size: then our client asks for a second page too, in case the service cut the first one down.
_ROWS = 31
_TURNS = 9


def run() -> Table:
    with EmulatorProcess(tls=True) as emulator:
        emulator.ask("add_full_backups", count=_ROWS)
        os.environ["AIRFLOW_CONN_DBS_DEFAULT"] = emulator.airflow_connection()
        with _trusted(Path(emulator.ask("ca_bundle"))):
            return asyncio.run(_measure(emulator))


@contextmanager
def _trusted(authority: Path) -> Iterator[None]:
    """Add ``authority`` to the machine's own, for this process.

    The SDK's async client loads the machine's authorities and certifi's in every call. With its option ``ca`` for the
    emulator it would leave out certifi's, which it does for no real endpoint.
    """
    machine = ssl.get_default_verify_paths().cafile
    bundle = (Path(machine).read_text() if machine else "") + authority.read_text()
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(bundle)
        file.flush()
        os.environ["SSL_CERT_FILE"] = file.name
        yield


async def _measure(emulator: EmulatorProcess) -> Table:
    from airflow_provider_dbs.hooks.dbs import DbsHook

    hook = DbsHook()
    sdk, sdk_over_requests, request = sdk_client(emulator), sdk_client(emulator), sdk_request()
    sdk_over_requests._ca = emulator.ask("ca_bundle")
    unsigned_url, authority = emulator.ask("serve_unsigned")
    context = ssl.create_default_context(cafile=authority)

    async def ours() -> int:
        return len(await hook.alist_full_backups(PLAN))

    rpc = Rpc((await hook.aget_client()).settings)
    full_page: Parameters = {"BackupPlanId": PLAN, "PageNum": 0, "PageSize": PAGE_SIZE, "ShowStorageType": True}

    async def ours_bare() -> int | None:
        return (await rpc.call("DescribeFullBackupList", full_page)).total_elements

    async def sdk_async() -> int:
        return len((await sdk.describe_full_backup_list_async(request)).body.items.full_backup_file)

    async def sdk_sync() -> int:
        return len(sdk_over_requests.describe_full_backup_list(request).body.items.full_backup_file)

    async with hook, aiohttp.ClientSession() as session:
        parameters = {name: str(value).lower() for name, value in full_page.items()}

        async def unsigned() -> int:
            async with session.post(unsigned_url, params=parameters, ssl=context) as response:
                return len(json.loads(await response.read())["Items"]["FullBackupFile"])

        contestants = {
            "ours": Contestant(ours, 100),
            "ours, bare": Contestant(ours_bare, 100),
            "unsigned": Contestant(unsigned, 100),
            "SDK sync": Contestant(sdk_sync, 50),
            "SDK async": Contestant(sdk_async, 6),
        }
        for name, contestant in contestants.items():
            rows = await contestant.call()
            if rows != _ROWS:
                raise AssertionError(f"{name} found {rows} of {_ROWS} rows")
        cpu = await cpu_milliseconds(contestants, _TURNS)
        connections = {
            name: await _connections_a_call(emulator, contestants[name].call)
            for name in ("ours", "SDK sync", "SDK async")
        }
    to_async, to_sync, to_unsigned = (
        cpu["SDK async"] / cpu["ours"],
        cpu["SDK sync"] / cpu["ours"],
        cpu["ours"] / cpu["unsigned"],
    )
    return Table(
        f"one signed HTTPS call, {_ROWS} rows: CPU of the caller",
        [
            Line("DbsHook.alist_full_backups", f"{cpu['ours']:.3f} ms"),
            Line("vendor SDK async / ours", f"{cpu['SDK async']:.3f} ms", to_async, Target(to_async, at_least=50)),
            Line("vendor SDK sync / ours", f"{cpu['SDK sync']:.3f} ms", to_sync, Target(to_sync, at_least=1.8)),
            Line(
                "ours / unsigned aiohttp + json",
                f"{cpu['unsigned']:.3f} ms",
                to_unsigned,
                Target(to_unsigned, at_most=1.5),
            ),
            Line(
                "  of ours: the signed call, before its rows / unsigned",
                f"{cpu['ours, bare']:.3f} ms",
                cpu["ours, bare"] / cpu["unsigned"],
            ),
            Line(
                "new connections per call, ours",
                f"{connections['ours']:g}",
                target=Target(connections["ours"], at_most=0, unit=""),
            ),
            Line("new connections per call, SDK sync", f"{connections['SDK sync']:g}"),
            Line("new connections per call, SDK async", f"{connections['SDK async']:g}"),
        ],
    )


async def _connections_a_call(emulator: EmulatorProcess, call: Callable[[], Awaitable[object]]) -> float:
    """After the warm-up. Also makes sure that a call of the contestant's is one call to the service."""
    calls = 20
    made, opened = emulator.ask("count_calls"), emulator.ask("connections_opened")
    for _ in range(calls):
        await call()
    made, opened = emulator.ask("count_calls") - made, emulator.ask("connections_opened") - opened
    if made != calls:
        raise AssertionError(f"{made} calls reached the service where {calls} were meant")
    return float(opened / calls)
