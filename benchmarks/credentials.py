# SPDX-License-Identifier: Apache-2.0
"""Many coroutines ask a cold credential source at once: how often it is asked, who fails, how long the loop stands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import settings_from_connection
from benchmarks.measure import watching_the_loop
from benchmarks.service import EmulatorProcess
from benchmarks.table import Line, Table, Target

_SOURCE_SECONDS = 0.3
_OURS, _SDK = 100, 2


def run() -> Table:
    with EmulatorProcess() as emulator:
        emulator.ask("add_fault", kind="stall", operation="credentials", times=None, seconds=_SOURCE_SECONDS)
        uri = emulator.ask("credentials_uri")
        ours = asyncio.run(_ask(emulator, _our_source(emulator.ask("host"), uri), _OURS))
        sdk = asyncio.run(_ask(emulator, _sdk_source(uri), _SDK))
    return Table(
        f"a cold credentials_uri source that answers after {_SOURCE_SECONDS:g} s, asked by many at once",
        [
            *_lines(f"ours, {_OURS} coroutines", ours, has_targets=True),
            *_lines(f"vendor's get_credential_async, {_SDK} coroutines", sdk, has_targets=False),
        ],
    )


def _our_source(host: str, uri: str) -> Callable[[], Awaitable[object]]:
    """Cold in every way: the vendor's package is not imported yet."""
    settings = settings_from_connection(
        host=host, extra={"protocol": "http", "credential_type": "credentials_uri", "credentials_uri": uri}
    )
    return lambda: DbsClient(settings).get_credential()


def _sdk_source(uri: str) -> Callable[[], Awaitable[object]]:
    from alibabacloud_credentials.client import Client
    from alibabacloud_credentials.models import Config

    logging.getLogger("credentials").disabled = True  # it prints the traceback of the failure that is counted here
    client = Client(Config(type="credentials_uri", credentials_uri=uri))
    ask: Callable[[], Awaitable[object]] = client.get_credential_async
    return ask


async def _ask(
    emulator: EmulatorProcess, get: Callable[[], Awaitable[object]], coroutines: int
) -> tuple[int, int, float]:
    """Refreshes, errors, longest stall in milliseconds."""
    issued = emulator.ask("credentials_issued")
    async with watching_the_loop() as stall:
        answers = await asyncio.gather(*(get() for _ in range(coroutines)), return_exceptions=True)
    errors = sum(isinstance(answer, BaseException) for answer in answers)
    return emulator.ask("credentials_issued") - issued, errors, stall.longest * 1000


def _lines(who: str, measured: tuple[int, int, float], *, has_targets: bool) -> list[Line]:
    refreshes, errors, stall = measured
    targets = (
        Target(refreshes, at_least=1, at_most=1, unit=""),
        Target(errors, at_most=0, unit=""),
        Target(stall, at_most=100, unit=" ms"),
    )
    figures = (f"{refreshes}", f"{errors}", f"{stall:.0f} ms")
    names = ("refreshes", "errors", "longest stall of the loop")
    return [
        Line(f"{who}: {name}", figure, target=target if has_targets else None)
        for name, figure, target in zip(names, figures, targets, strict=True)
    ]
