# SPDX-License-Identifier: Apache-2.0
"""What an answer looks like: the envelope of the service with its quirks, and the two ways it says no.

The gateway refuses with ``Code/Message/RequestId/HostId/Recommend``, the service behind it with ``Success: false`` and
``ErrCode/ErrMessage``, which may well travel under HTTP 200.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json;charset=utf-8"


@dataclass(frozen=True)
class Delivery:
    """How the bytes go out when they do not go out whole and at once."""

    wait: float = 0
    """Seconds without an answer first."""
    keep: float | None = None
    """Send this share of the promised bytes, then close."""
    reset: bool = False
    """No answer: reset the connection."""
    chunk: int | None = None
    """Bytes at a time, ``interval`` seconds apart."""
    interval: float = 0


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    delivery: Delivery | None = None


class GatewayError(Exception):
    """The gateway refuses the call before the service sees it."""

    def __init__(self, http_status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.http_status, self.code, self.message = http_status, code, message


class BusinessError(Exception):
    """The service refuses; ``http_status`` stands in the body, HTTP itself says 200."""

    def __init__(self, http_status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.http_status, self.code, self.message = http_status, code, message


def new_request_id() -> str:
    return str(uuid.uuid4()).upper()


def encode(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def success(request_id: str, error_cells: str) -> dict[str, Any]:
    """The head of a successful answer. ``documented``: with an error code, exactly as the vendor's samples have it."""
    head: dict[str, Any] = {"HttpStatusCode": 200, "RequestId": request_id, "Success": True}
    if error_cells == "documented":
        head["ErrCode"] = "Param.NotFound"
        head["ErrMessage"] = "The specified parameter %s value is not valid.     "
    elif error_cells == "clean":
        head["ErrCode"] = head["ErrMessage"] = ""
    return head


def refused_by_gateway(
    request_id: str,
    host: str,
    http_status: int,
    code: str,
    message: str,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    body = {
        "Code": code,
        "Message": message,
        "RequestId": request_id,
        "HostId": host,
        "Recommend": f"https://api.alibabacloud.com/troubleshoot?q={code}&product=Dbs&requestId={request_id}",
    }
    return Answer(http_status, encode(body), headers or {})


def refused_by_service(request_id: str, http_status: int, code: str, message: str, *, over_http: int = 200) -> Answer:
    body = {
        "HttpStatusCode": http_status,
        "RequestId": request_id,
        "ErrCode": code,
        "Success": False,
        "ErrMessage": message,
    }
    return Answer(over_http, encode(body))
