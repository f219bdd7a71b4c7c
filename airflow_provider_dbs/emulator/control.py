# SPDX-License-Identifier: Apache-2.0
"""The control endpoints: what a test in another process, or a person with curl, does to the emulator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from airflow_provider_dbs.emulator.backups import Kind
from airflow_provider_dbs.emulator.service import describe_call
from airflow_provider_dbs.emulator.times import parse_moment

if TYPE_CHECKING:
    from airflow_provider_dbs.emulator.emulator import Emulator

ENDPOINTS = {
    "GET /_emulator/state": "plans and their backups",
    "POST /_emulator/status": 'move a backup: {"backup_set_id": "…", "status": "finish", "end": "now"}',
    "POST /_emulator/advance": 'one step on: {"backup_set_id": "…"}, or {} for every backup',
    "POST /_emulator/scenario": "add the plans, backups, faults and settings of a scenario (JSON)",
    "POST /_emulator/reset": "forget everything and load the first scenario again",
    "GET /_emulator/calls": "the calls received; DELETE forgets them",
    "GET /_emulator/faults": 'the faults to come; POST {"kind": "throttle", "times": 2} adds one, DELETE removes all',
    "GET /_emulator/credentials": "a new short-lived access key for the credential kind credentials_uri; ?lifetime=30m",
}


@web.middleware
async def explain_bad_input(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except (ValueError, TypeError) as error:
        if not request.path.startswith("/_emulator/"):
            raise
        return web.json_response({"error": str(error)}, status=400)


async def unknown_control(request: web.Request) -> web.Response:
    error = f"{request.method} {request.path} is unknown; GET /_emulator/ lists what there is"
    return web.json_response({"error": error}, status=404)


def add_control_routes(app: web.Application, emulator: Emulator) -> None:
    async def index(request: web.Request) -> web.Response:
        return _json(ENDPOINTS)

    async def state(request: web.Request) -> web.Response:
        store = emulator.service.store
        return _json(
            [
                {
                    **plan.row,
                    "full_backups": [item.row for item in store.listing(Kind.FULL, plan.row["BackupPlanId"])],
                    "incremental_backups": [
                        item.row for item in store.listing(Kind.INCREMENTAL, plan.row["BackupPlanId"])
                    ],
                }
                for plan in store.plans()
            ]
        )

    async def status(request: web.Request) -> web.Response:
        given = await _body(request)
        for name in ("start", "end"):
            if given.get(name) is not None:
                given[name] = parse_moment(given[name], emulator.now())
        emulator.set_status(**given)
        return _json({"status": given["status"]})

    async def advance(request: web.Request) -> web.Response:
        return _json({"moved": emulator.advance(**await _body(request))})

    async def scenario(request: web.Request) -> web.Response:
        emulator.load(await _body(request))
        return _json({"plans": len(emulator.service.store.plans())})

    async def reset(request: web.Request) -> web.Response:
        emulator.reset()
        return _json({"plans": len(emulator.service.store.plans())})

    async def calls(request: web.Request) -> web.Response:
        received = [describe_call(call) for call in emulator.calls]
        if request.method == "DELETE":
            emulator.calls.clear()
        return _json(received)

    async def faults(request: web.Request) -> web.Response:
        if request.method == "DELETE":
            emulator.service.faults.clear()
        elif request.method == "POST":
            emulator.add_fault(**await _body(request))
        return _json(emulator.service.faults.describe())

    app.router.add_get("/_emulator/", index)
    app.router.add_get("/_emulator/state", state)
    app.router.add_post("/_emulator/status", status)
    app.router.add_post("/_emulator/advance", advance)
    app.router.add_post("/_emulator/scenario", scenario)
    app.router.add_post("/_emulator/reset", reset)
    for method in ("GET", "DELETE"):
        app.router.add_route(method, "/_emulator/calls", calls)
    for method in ("GET", "POST", "DELETE"):
        app.router.add_route(method, "/_emulator/faults", faults)


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    try:
        given = json.loads(text or "{}")
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def _json(data: object) -> web.Response:
    return web.json_response(data, dumps=lambda value: json.dumps(value, ensure_ascii=False, indent=2) + "\n")
