# SPDX-License-Identifier: Apache-2.0
"""The emulator in process: its independence, its fixture, its counters, its start and stop, TLS."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import aiohttp
import pytest
from alibabacloud_dbs20190306 import models

from airflow_provider_dbs.emulator import Emulator


def modules_after(code):
    script = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    return set(json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout))


# -- independence


def test_it_knows_nothing_of_the_client_nor_of_airflow():
    loaded = modules_after("from airflow_provider_dbs.emulator import Emulator")
    ours = {name for name in loaded if name.startswith("airflow_provider_dbs.")}
    assert all(name.startswith("airflow_provider_dbs.emulator") for name in ours)
    assert not {"airflow", "Tea", "darabonba", "alibabacloud_tea_openapi", "cryptography", "yaml"} & loaded


def test_the_pytest_plugin_loads_no_http_server():
    assert not {"aiohttp", "airflow"} & modules_after("import airflow_provider_dbs.emulator.pytest_plugin")


def test_every_module_imports_only_rooms_below_it():
    """The order of the package's docstring is the order of the floors."""
    import airflow_provider_dbs.emulator as package

    floors = re.findall(r"``(\w+)``", package.__doc__.split("From the ground up")[1].split("``Emulator``")[0])
    folder = package.__path__[0]
    for height, name in enumerate(floors):
        with open(f"{folder}/{name}.py") as file:
            source = re.sub(r"if TYPE_CHECKING:\n(    .*\n)+", "", file.read())
        used = set(re.findall(r"from airflow_provider_dbs\.emulator\.(\w+) import", source))
        assert used <= set(floors[:height]) | ({"emulator"} if name in ("pytest_plugin", "__main__") else set()), name


# -- in process


def test_the_connection_for_airflow(dbs_emulator):
    connection = dbs_emulator.airflow_connection(credential_type="access_key")
    assert json.loads(json.dumps(connection)) == {
        "conn_type": "alibabadbs",
        "login": dbs_emulator.access_key_id,
        "password": dbs_emulator.access_key_secret,
        "host": "127.0.0.1",
        "port": dbs_emulator.port,
        "extra": {"protocol": "http", "region_id": "cn-hangzhou", "credential_type": "access_key"},
    }


def test_the_fixture_starts_empty(dbs_emulator, call):
    assert (dbs_emulator.calls, dbs_emulator.connections_opened) == ([], 0)
    assert call("DescribeBackupPlanList").rows == []
    dbs_emulator.clear()
    assert (dbs_emulator.calls, dbs_emulator.connections_opened) == ([], 0)


def test_calls_and_connections_are_counted(sdk):
    # A server of its own: the SDK keeps connections per address for the life of the process.
    with Emulator({"plans": [{"backup_plan_id": "dbs1"}]}) as emulator:
        client = sdk(emulator)
        for _ in range(3):
            client.describe_full_backup_list(models.DescribeFullBackupListRequest(backup_plan_id="dbs1", page_size=50))
        assert [call.operation for call in emulator.calls] == ["DescribeFullBackupList"] * 3
        assert emulator.calls[0].parameters == {"BackupPlanId": "dbs1", "PageSize": "50"}
        assert (emulator.calls[0].access_key_id, emulator.calls[0].status) == (emulator.access_key_id, 200)
        assert emulator.connections_opened == 1


async def test_latency_delays_calls_concurrently(dbs_emulator, signed):
    dbs_emulator.configure(latency=timedelta(seconds=0.3))
    requests = [signed() for _ in range(20)]

    async def send(session, request):
        async with session.post(f"{dbs_emulator.url}/", headers=request.headers) as response:
            return response.status

    before = time.monotonic()
    async with aiohttp.ClientSession() as session:
        assert await asyncio.gather(*(send(session, request) for request in requests)) == [200] * 20
    assert 0.3 <= time.monotonic() - before < 3
    assert dbs_emulator.connections_opened == 20


def test_a_test_may_add_backups_while_the_server_reads(dbs_emulator, plan_id, call):
    stop = threading.Event()

    def add():
        while not stop.is_set():
            dbs_emulator.add_full_backup(plan_id, progression="by_time", status="running", durations={"running": 0})

    writer = threading.Thread(target=add)
    writer.start()
    try:
        with ThreadPoolExecutor(4) as readers:
            replies = list(
                readers.map(
                    lambda _: call("DescribeFullBackupList", {"BackupPlanId": plan_id, "PageSize": 100}), range(20)
                )
            )
    finally:
        stop.set()
        writer.join()
    assert {reply.status for reply in replies} == {200}
    for reply in replies:
        assert len(reply.rows) == min(100, reply.json["TotalElements"])


def test_stop_does_not_wait_for_a_stalled_call(sdk):
    emulator = Emulator()
    emulator.start()
    emulator.add_fault("stall", seconds=60)
    failures = []

    def call():
        try:
            sdk(emulator, read_timeout=30000).describe_regions(models.DescribeRegionsRequest())
        except Exception as error:
            failures.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    while not emulator.calls:
        time.sleep(0.01)
    before = time.monotonic()
    emulator.stop()
    caller.join(10)
    assert time.monotonic() - before < 5
    assert len(failures) == 1


def test_it_can_be_started_again_on_the_same_port(sdk):
    emulator = Emulator()
    for _ in range(2):
        with emulator:
            port = emulator.port
            assert sdk(emulator).describe_regions(models.DescribeRegionsRequest()).body.success
            with pytest.raises(RuntimeError, match="running already"):
                emulator.start()
    assert emulator.port == port


def test_a_taken_port_is_an_error(dbs_emulator):
    with pytest.raises(OSError, match="address already in use"):
        Emulator(port=dbs_emulator.port).start()


def test_tls(sdk):
    with Emulator(tls=True) as emulator:
        connection = emulator.airflow_connection()
        assert emulator.url.startswith("https://127.0.0.1:")
        assert (connection["extra"]["protocol"], connection["extra"]["ca_bundle"]) == ("https", emulator.ca_bundle)
        client = sdk(emulator, protocol="https", ca=emulator.ca_bundle)
        assert client.describe_regions(models.DescribeRegionsRequest()).body.success
        asyncio.run(client.describe_regions_async(models.DescribeRegionsRequest()))
        stranger = ssl.create_default_context()
        with (
            socket.create_connection((emulator.host, emulator.port)) as raw,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            stranger.wrap_socket(raw, server_hostname="127.0.0.1")
        emulator.add_fault("reset")
        with pytest.raises(Exception, match=r"."):
            client.describe_regions(models.DescribeRegionsRequest())
    with pytest.raises(RuntimeError, match="only with tls=True"):
        _ = emulator.ca_bundle
