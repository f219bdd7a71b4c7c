# SPDX-License-Identifier: Apache-2.0
"""Two callers that share no code with our client: the vendor's SDK, and requests signed with the vendor's signer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest
from alibabacloud_dbs20190306.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest

from airflow_provider_dbs.emulator import Emulator

PLAN = "dbsr179qz0001"


@pytest.fixture
def plan_id(dbs_emulator: Emulator) -> str:
    """A plan without backups."""
    dbs_emulator.add_plan(PLAN)
    return PLAN


@pytest.fixture
def sdk(dbs_emulator: Emulator) -> Callable[..., Client]:
    def make(emulator: Emulator = dbs_emulator, **config: Any) -> Client:
        keys = {"access_key_id": emulator.access_key_id, "access_key_secret": emulator.access_key_secret}
        endpoint = f"{emulator.host}:{emulator.port}"
        return Client(Config(**{**keys, "endpoint": endpoint, "protocol": "http", "read_timeout": 2000, **config}))

    return make


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded

    @property
    def rows(self) -> list[dict[str, Any]]:
        (rows,) = self.json["Items"].values()
        return rows


def sign(emulator: Emulator, operation: str, parameters: dict[str, Any], **changes: Any) -> DaraRequest:
    """A signed request; ``changes`` are headers (``x_acs_date=...``), ``secret``, ``key``, ``body``, ``method``."""
    request = DaraRequest()
    request.method = changes.pop("method", "POST")
    request.pathname = "/"
    request.query = {name: str(value) for name, value in parameters.items()}
    request.body = changes.pop("body", None)
    payload_hash = Utils.hash(request.body or b"", "ACS3-HMAC-SHA256").hex()
    secret = changes.pop("secret", emulator.access_key_secret)
    key = changes.pop("key", emulator.access_key_id)
    headers = {
        "host": f"{emulator.host}:{emulator.port}",
        "x-acs-action": operation,
        "x-acs-version": "2019-03-06",
        "x-acs-date": Utils.get_timestamp(),
        "x-acs-signature-nonce": Utils.get_nonce(),
        "x-acs-content-sha256": payload_hash,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    request.headers = {name: value for name, value in headers.items() if value is not None}
    request.headers["Authorization"] = Utils.get_authorization(request, "ACS3-HMAC-SHA256", payload_hash, key, secret)
    return request


def send(emulator: Emulator, request: DaraRequest) -> Reply:
    connection = HTTPConnection(emulator.host, emulator.port, timeout=5)
    try:
        path = f"/?{urlencode(request.query)}" if request.query else "/"
        connection.request(request.method, path, body=request.body, headers=request.headers)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, response.read(), headers)
    finally:
        connection.close()


@pytest.fixture
def call(dbs_emulator: Emulator) -> Callable[..., Reply]:
    """``call("DescribeRegions", {...})``: one correctly signed request."""

    def make(operation: str, parameters: dict[str, Any] | None = None, **changes: Any) -> Reply:
        return send(dbs_emulator, sign(dbs_emulator, operation, parameters or {}, **changes))

    return make


@pytest.fixture
def signed(dbs_emulator: Emulator) -> Callable[..., DaraRequest]:
    """A signed request that is not sent yet."""

    def make(
        operation: str = "DescribeRegions", parameters: dict[str, Any] | None = None, **changes: Any
    ) -> DaraRequest:
        return sign(dbs_emulator, operation, parameters or {}, **changes)

    return make


@pytest.fixture
def deliver(dbs_emulator: Emulator) -> Callable[[DaraRequest], Reply]:
    return lambda request: send(dbs_emulator, request)
