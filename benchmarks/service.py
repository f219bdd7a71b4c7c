# SPDX-License-Identifier: Apache-2.0
"""The emulator in a process of its own, so that its CPU is not counted and its work does not hold up the caller's."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from datetime import datetime, timedelta, timezone
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from airflow_provider_dbs.emulator.emulator import Emulator
from airflow_provider_dbs.emulator.envelope import encode, success
from airflow_provider_dbs.emulator.fault_kinds import Quirks
from airflow_provider_dbs.emulator.operations import Context, describe_full_backup_list
from airflow_provider_dbs.emulator.server import Server
from airflow_provider_dbs.emulator.tls import make_certificates

if TYPE_CHECKING:
    from alibabacloud_dbs20190306.client import Client
    from alibabacloud_dbs20190306.models import DescribeFullBackupListRequest

PLAN = "dbsr179qz0001"
PAGE_SIZE = 100
_NEWEST = datetime(2026, 3, 1, 2, 0, tzinfo=timezone.utc)


def add_full_backups(emulator: Emulator, count: int) -> None:
    """``count`` finished ones of ``PLAN``, one a day, with the cells of the vendor's sample."""
    emulator.add_plan(PLAN)
    for day in range(count):
        start = _NEWEST - timedelta(days=day)
        emulator.add_full_backup(PLAN, start=start, end=start + timedelta(minutes=20))


def full_backup_page(emulator: Emulator) -> bytes:
    """The body of the first page of ``PLAN``'s list, as the emulator would send it."""
    context = Context(emulator.service.store, emulator.settings, emulator.now, Quirks())
    page = describe_full_backup_list({"BackupPlanId": PLAN, "PageSize": str(PAGE_SIZE), "PageNum": "0"}, context)
    return encode({**success("636BC118-6080-4119-A6B5-C199CEC1037D", "documented"), **page})


def sdk_client(emulator: EmulatorProcess) -> Client:
    """The vendor's generated client, sync and async, with the default access key."""
    from alibabacloud_dbs20190306.client import Client
    from alibabacloud_tea_openapi.models import Config

    connection = emulator.ask("airflow_connection")
    return Client(
        Config(
            access_key_id=connection["login"],
            access_key_secret=connection["password"],
            endpoint=f"{connection['host']}:{connection['port']}",
            protocol=connection["extra"]["protocol"],
        )
    )


def sdk_request(page: int = 0) -> DescribeFullBackupListRequest:
    from alibabacloud_dbs20190306.models import DescribeFullBackupListRequest

    return DescribeFullBackupListRequest(
        backup_plan_id=PLAN, page_size=PAGE_SIZE, page_num=page, show_storage_type=True
    )


class _Endpoint(Emulator):
    """What the other process runs."""

    def add_full_backups(self, count: int) -> None:
        add_full_backups(self, count)

    def count_calls(self) -> int:
        return len(self.calls)

    def serve_unsigned(self) -> tuple[str, str]:
        """Serve the first page at an address that asks for no signature; its URL and its authority."""
        from aiohttp import web

        body = full_backup_page(self)

        async def answer(request: web.Request) -> web.Response:
            return web.Response(body=body, content_type="application/json")

        def app() -> web.Application:
            made = web.Application()
            made.router.add_post("/", answer)
            return made

        directory = Path(tempfile.mkdtemp(dir=Path(self.ca_bundle).parent))
        context, authority = make_certificates(directory)
        server = Server(app, self.host, 0)
        server.start(context)
        return f"https://{server.host}:{server.port}", str(authority)


def _serve(pipe: Connection, options: dict[str, Any]) -> None:
    with _Endpoint(**options) as emulator:
        pipe.send(None)
        while question := pipe.recv():
            name, arguments = question
            attribute = getattr(emulator, name)
            try:
                pipe.send(attribute(**arguments) if callable(attribute) else attribute)
            except Exception as error:
                pipe.send(error)


class EmulatorProcess:
    """``with EmulatorProcess(tls=True) as emulator``: the options of ``Emulator``, which ``ask`` reaches by name."""

    def __init__(self, **options: Any) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other_end = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(other_end, options), daemon=True)

    def __enter__(self) -> EmulatorProcess:
        self._process.start()
        self._receive()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.is_alive():
            self._pipe.send(None)
        self._process.join(10)

    def ask(self, name: str, **arguments: Any) -> Any:
        """The value of an attribute of the emulator, or what a method of it returns."""
        self._pipe.send((name, arguments))
        return self._receive()

    def airflow_connection(self) -> str:
        """The value of AIRFLOW_CONN_DBS_DEFAULT, without a limit of calls per second."""
        return json.dumps(self.ask("airflow_connection", max_calls_per_second=0))

    def _receive(self) -> Any:
        while not self._pipe.poll(1):
            if not self._process.is_alive():
                raise RuntimeError(f"the emulator's process ended with exit code {self._process.exitcode}")
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer
