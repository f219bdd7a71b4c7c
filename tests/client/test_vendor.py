# SPDX-License-Identifier: Apache-2.0
"""The vendor's packages in a process of their own: loaded late, and quiet."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable

from airflow_provider_dbs.client import vendor
from airflow_provider_dbs.client.settings import Settings
from airflow_provider_dbs.emulator import Emulator

_PROGRAM = """
import asyncio, json, logging, sys
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import settings_from_connection

heavy = ("aiohttp", "requests", "darabonba", "Tea", "alibabacloud_credentials", "alibabacloud_tea_openapi")
client = DbsClient(settings_from_connection(**json.loads(sys.argv[1])))
loaded = [name for name in heavy if name in sys.modules]

async def call():
    regions = await client.list_regions()
    await client.aclose()
    return regions

regions = asyncio.run(call())
handlers = {
    name: [type(handler).__name__ for handler in logging.getLogger(name).handlers]
    for name in ("darabonba-core", "alibabacloud-tea", "credentials")
}
print(json.dumps({"loaded": loaded, "regions": regions, "handlers": handlers}))
"""


def test_import_loads_nothing_heavy_and_a_call_leaves_no_handlers(dbs_emulator: Emulator) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", _PROGRAM, json.dumps(dbs_emulator.airflow_connection())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    said = json.loads(ended.stdout)
    assert said["loaded"] == []
    assert "cn-hangzhou" in said["regions"]
    assert said["handlers"] == {"darabonba-core": [], "alibabacloud-tea": [], "credentials": []}


async def test_handlers_that_others_attached_stay(settings: Callable[..., Settings]) -> None:
    import logging

    logger = logging.getLogger("credentials")
    stranger = logging.NullHandler()
    logger.addHandler(stranger)
    logger.addHandler(logging.StreamHandler())
    vendor._import("darabonba.request")
    assert logger.handlers == [stranger]
    logger.removeHandler(stranger)


async def test_module_is_loaded_once_for_all_who_ask() -> None:
    modules = await asyncio.gather(*(vendor.load("darabonba.request") for _ in range(20)))
    assert len(set(map(id, modules))) == 1
