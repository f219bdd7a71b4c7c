# SPDX-License-Identifier: Apache-2.0
"""An aiohttp application in a thread and an event loop of its own, on loopback."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable

from aiohttp import web

_START_SECONDS = 30
_GRACE_SECONDS = 0.01  # for calls in progress at the stop; to aiohttp 0 means to wait for ever
_KEEP_ALIVE_SECONDS = 3600  # longer than any client's: the emulator is never the one that closes


class Server:
    def __init__(self, build_app: Callable[[], web.Application], host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.connections_opened = 0
        self._build_app = build_app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self, context: ssl.SSLContext | None) -> None:
        """Return when connections are accepted. Raises OSError if the port is taken."""
        if self._thread is not None:
            raise RuntimeError("the emulator is running already")
        ready = threading.Event()
        failures: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._serve(context, ready))
            except BaseException as error:
                failures.append(error)
                ready.set()

        self._thread = threading.Thread(target=run, name="dbs-emulator", daemon=True)
        self._thread.start()
        if not ready.wait(_START_SECONDS) or failures:
            self._thread = None
            raise failures[0] if failures else RuntimeError(f"the emulator did not start in {_START_SECONDS} s")

    def stop(self) -> None:
        """Close every connection, those of stalled calls too."""
        if self._thread is not None and self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._thread = None

    async def _serve(self, context: ssl.SSLContext | None, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(
            self._build_app(), access_log=None, keepalive_timeout=_KEEP_ALIVE_SECONDS, shutdown_timeout=_GRACE_SECONDS
        )
        await runner.setup()
        protocols = runner.server
        assert protocols is not None

        def accept() -> asyncio.Protocol:
            self.connections_opened += 1
            return protocols()

        try:
            server = await self._loop.create_server(accept, self.host, self.port, ssl=context, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stopping.wait()
            server.close()
        finally:
            await runner.cleanup()
