# SPDX-License-Identifier: Apache-2.0
"""HTTP around the service: the API, the control endpoints under ``/_emulator/``, and deliveries gone wrong."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from airflow_provider_dbs.emulator.control import add_control_routes, explain_bad_input, unknown_control
from airflow_provider_dbs.emulator.envelope import Answer, Delivery
from airflow_provider_dbs.emulator.signature import SignedRequest
from airflow_provider_dbs.emulator.times import parse_duration

if TYPE_CHECKING:
    from airflow_provider_dbs.emulator.emulator import Emulator

_LINGER_NOT = struct.pack("ii", 1, 0)


def build_app(emulator: Emulator) -> web.Application:
    async def api(request: web.Request) -> web.StreamResponse:
        signed = SignedRequest(
            request.method,
            request.rel_url.raw_path,
            request.rel_url.raw_query_string,
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        answer = emulator.service.handle(signed, emulator.url)
        latency = emulator.settings.latency.total_seconds()
        if latency:
            await asyncio.sleep(latency)
        return await deliver(request, answer)

    async def credentials(request: web.Request) -> web.StreamResponse:
        lifetime = parse_duration(request.query["lifetime"]) if "lifetime" in request.query else None
        return await deliver(request, emulator.service.issue_credentials(lifetime, emulator.url))

    app = web.Application(middlewares=[explain_bad_input])
    add_control_routes(app, emulator)
    app.router.add_get("/_emulator/credentials", credentials)
    app.router.add_route("*", "/_emulator/{path:.*}", unknown_control)
    app.router.add_route("*", "/{path:.*}", api)
    return app


async def deliver(request: web.Request, answer: Answer) -> web.StreamResponse:
    headers = {**answer.headers, "Content-Type": answer.content_type}
    delivery = answer.delivery or Delivery()
    if delivery.wait:
        await asyncio.sleep(delivery.wait)
    if delivery.keep is None and delivery.chunk is None and not delivery.reset:
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = len(answer.body)
    if delivery.reset:
        _reset(request)
        return response
    await response.prepare(request)
    if delivery.chunk is not None:
        with suppress(ConnectionResetError):  # the caller's patience is over
            await _drip(response, answer.body, delivery.chunk, delivery.interval)
    elif delivery.keep is not None:
        await response.write(answer.body[: int(len(answer.body) * delivery.keep)])
        if request.transport is not None:
            request.transport.close()
    return response


async def _drip(response: web.StreamResponse, body: bytes, chunk: int, interval: float) -> None:
    for position in range(0, len(body), chunk):
        await response.write(body[position : position + chunk])
        await asyncio.sleep(interval)
    await response.write_eof()


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        # Closing with a linger of zero sends RST in place of FIN.
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        request.transport.abort()
