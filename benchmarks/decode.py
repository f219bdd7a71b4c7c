# SPDX-License-Identifier: Apache-2.0
"""The bytes of a full page → rows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from alibabacloud_dbs20190306.models import DescribeFullBackupListResponseBody

from airflow_provider_dbs.client.decoding import decode_envelope, decode_rows
from airflow_provider_dbs.emulator.emulator import Emulator
from airflow_provider_dbs.models import FullBackup
from benchmarks.measure import Contestant, cpu_milliseconds
from benchmarks.service import PAGE_SIZE, add_full_backups, full_backup_page
from benchmarks.table import Line, Table, Target


def run() -> Table:
    emulator = Emulator()
    add_full_backups(emulator, PAGE_SIZE)
    body = full_backup_page(emulator)

    async def ours() -> int:
        return len(decode_rows(decode_envelope(body).items, "FullBackupFile", FullBackup) or [])

    async def sdk() -> int:
        return len(DescribeFullBackupListResponseBody().from_map(json.loads(body)).items.full_backup_file)

    async def plain() -> int:
        return len(json.loads(body)["Items"]["FullBackupFile"])

    contestants = {"ours": Contestant(ours, 300), "SDK": Contestant(sdk, 100), "json": Contestant(plain, 200)}
    cpu = asyncio.run(_measure(contestants))
    ratio = cpu["SDK"] / cpu["ours"]
    return Table(
        f"a page of {PAGE_SIZE} rows, {len(body):,} bytes → typed rows: CPU",
        [
            Line("ours", f"{cpu['ours']:.3f} ms"),
            Line("vendor SDK, json + from_map / ours", f"{cpu['SDK']:.3f} ms", ratio, Target(ratio, at_least=4)),
            Line("json.loads alone / ours", f"{cpu['json']:.3f} ms", cpu["json"] / cpu["ours"]),
        ],
    )


async def _measure(contestants: Mapping[str, Contestant]) -> dict[str, float]:
    for name, contestant in contestants.items():
        rows = await contestant.call()
        if rows != PAGE_SIZE:
            raise AssertionError(f"{name} found {rows} of {PAGE_SIZE} rows")
    return await cpu_milliseconds(contestants, turns=9)
