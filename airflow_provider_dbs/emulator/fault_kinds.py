# SPDX-License-Identifier: Apache-2.0
"""The kinds of fault. Each is one function; its keyword parameters are the fault's options.

A kind works at one stage of a call: it gives the ``ANSWER`` itself, bends the ``QUERY`` before the rows are read, edits
the ``PAYLOAD`` afterwards, or spoils the ``DELIVERY`` of the bytes. To add a fault, add a function here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from airflow_provider_dbs.emulator.envelope import (
    JSON,
    Answer,
    Delivery,
    encode,
    refused_by_gateway,
    refused_by_service,
)

Payload = dict[str, Any]


class Stage(str, Enum):
    ANSWER = "answer"
    QUERY = "query"
    PAYLOAD = "payload"
    DELIVERY = "delivery"


@dataclass
class Caller:
    """What a ready-made answer needs to know of the call."""

    request_id: str
    host: str
    url: str


@dataclass
class Quirks:
    """How a list operation departs from the documents in one call."""

    first_page: int = 0
    """The number of the first page; numbers below it are answered as the first page."""
    largest_page: int | None = None
    """Page sizes above it are silently cut down to it."""
    tells_page_size: bool = True
    """Whether the PageSize of the answer is the one used, not the one asked for."""
    lost_rows: int = 0
    """Rows that are counted but never delivered."""
    pushed_rows: int = 0
    """New rows that the service lists first, added before this page is read."""
    wrong_unit: bool = False
    """Read the time filter in the other unit."""
    pages_served: int = 0
    """Pages served to earlier calls that the same fault matched."""


@dataclass(frozen=True)
class Kind:
    stage: Stage
    function: Callable[..., Any]
    options: frozenset[str]


KINDS: dict[str, Kind] = {}


def _kind(stage: Stage) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(function).parameters.values()
        options = frozenset(item.name for item in parameters if item.kind is item.KEYWORD_ONLY)
        KINDS[function.__name__] = Kind(stage, function, options)
        return function

    return register


# -- ANSWER: the call gets a ready-made answer ------------

_UNUSUAL_STATUS = {"ServiceUnavailable": 503, "InternalError": 500}


@_kind(Stage.ANSWER)
def throttle(
    caller: Caller,
    *,
    code: str = "Throttling.User",
    message: str = "Request was denied due to user flow control.",
    http_status: int | None = None,
    retry_after: int | None = None,
) -> Answer:
    """Any throttling code; HTTP 400 as at the vendor's unless the code has a status of its own."""
    headers = {} if retry_after is None else {"x-acs-retry-after": str(retry_after)}
    status = http_status or _UNUSUAL_STATUS.get(code, 400)
    return refused_by_gateway(caller.request_id, caller.host, status, code, message, headers)


@_kind(Stage.ANSWER)
def gateway_error(caller: Caller, *, http_status: int, code: str, message: str = "Injected by the emulator.") -> Answer:
    """Any refusal of the gateway, e.g. ``http_status=400, code="InvalidTimeStamp.Expired"``."""
    return refused_by_gateway(caller.request_id, caller.host, http_status, code, message)


@_kind(Stage.ANSWER)
def server_error(
    caller: Caller,
    *,
    http_status: int = 503,
    code: str = "ServiceUnavailable",
    message: str = "The request has failed due to a temporary failure of the server.",
) -> Answer:
    return refused_by_gateway(caller.request_id, caller.host, http_status, code, message)


@_kind(Stage.ANSWER)
def html_error(caller: Caller, *, http_status: int = 502) -> Answer:
    """A proxy's page in place of JSON."""
    page = f"<html><head><title>{http_status}</title></head><body><h1>{http_status} Bad Gateway</h1></body></html>\n"
    return Answer(http_status, page.encode(), content_type="text/html")


@_kind(Stage.ANSWER)
def empty_body(caller: Caller, *, http_status: int = 200) -> Answer:
    return Answer(http_status, b"")


@_kind(Stage.ANSWER)
def not_json(
    caller: Caller,
    *,
    http_status: int = 200,
    body: str = "<html><body>Welcome to the hotel's Wi-Fi</body></html>",
) -> Answer:
    return Answer(http_status, body.encode(), content_type="text/html")


@_kind(Stage.ANSWER)
def success_false(
    caller: Caller,
    *,
    code: str = "InvalidJobId",
    message: str = "findValidDBSJob error",
    http_status: int = 200,
    body_status: int = 400,
) -> Answer:
    """A failure that HTTP calls a success."""
    return refused_by_service(caller.request_id, body_status, code, message, over_http=http_status)


@_kind(Stage.ANSWER)
def forbidden(
    caller: Caller,
    *,
    code: str = "Request.Forbidden",
    message: str = "Have no Permissions",
    style: str = "gateway",
) -> Answer:
    """``style="service"`` carries ErrCode and ErrMessage in place of Code and Message."""
    if style == "service":
        return refused_by_service(caller.request_id, 403, code, message, over_http=403)
    return refused_by_gateway(caller.request_id, caller.host, 403, code, message)


@_kind(Stage.ANSWER)
def redirect(caller: Caller, *, location: str | None = None, http_status: int = 302) -> Answer:
    """To another path of this emulator unless told otherwise: a caller that follows shows up in ``calls``."""
    return Answer(http_status, b"", {"Location": location or f"{caller.url}/redirected"})


@_kind(Stage.ANSWER)
def raw(
    caller: Caller,
    *,
    body: str | bytes | Mapping[str, Any] | Sequence[Any],
    http_status: int = 200,
    content_type: str = JSON,
) -> Answer:
    """Exactly this body, e.g. a sample from the vendor's page. Anything but text and bytes is sent as JSON."""
    data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else encode(body)
    return Answer(http_status, data, content_type=content_type)


# -- DELIVERY: the right answer, badly delivered ------------


@_kind(Stage.DELIVERY)
def truncate(*, keep: float = 0.5) -> Delivery:
    """The headers promise the whole body; only this share of it comes before the connection closes."""
    return Delivery(keep=keep)


@_kind(Stage.DELIVERY)
def reset() -> Delivery:
    return Delivery(reset=True)


@_kind(Stage.DELIVERY)
def stall(*, seconds: float = 30) -> Delivery:
    """No answer for that long, then the right one."""
    return Delivery(wait=seconds)


@_kind(Stage.DELIVERY)
def drip(*, chunk: int = 1, interval: float = 0.05) -> Delivery:
    """``chunk`` bytes every ``interval`` seconds: no single read ever times out."""
    return Delivery(chunk=chunk, interval=interval)


# -- QUERY: the list is read in another way. False means: not used up by this call ------------


@_kind(Stage.QUERY)
def clamp_page_size(quirks: Quirks, *, size: int = 30, tells: bool = True) -> None:
    """No page is larger than ``size``. With ``tells=False`` the answer repeats the PageSize that was asked for."""
    quirks.largest_page, quirks.tells_page_size = size, tells


@_kind(Stage.QUERY)
def one_based_pages(quirks: Quirks) -> None:
    """Page 1 is the first one, and page 0 is answered like page 1."""
    quirks.first_page = 1


@_kind(Stage.QUERY)
def shifting_pages(quirks: Quirks, *, after_pages: int = 1, rows: int = 1) -> bool:
    """Each time ``after_pages`` pages were served, ``rows`` newer rows appear in front; ``times`` counts that."""
    due = quirks.pages_served > 0 and quirks.pages_served % after_pages == 0
    quirks.pushed_rows += rows if due else 0
    return due


@_kind(Stage.QUERY)
def lost_rows(quirks: Quirks, *, rows: int = 1) -> None:
    """The last rows are counted in TotalElements but stand on no page."""
    quirks.lost_rows = rows


@_kind(Stage.QUERY)
def wrong_unit(quirks: Quirks) -> None:
    """The time filter is read in the unit that ``timestamp_unit`` does not name: an empty success."""
    quirks.wrong_unit = True


# -- PAYLOAD: the answer is edited ------------


def _rows(payload: Payload) -> list[dict[str, Any]]:
    items = payload.get("Items")
    found: list[dict[str, Any]] = next(iter(items.values())) if isinstance(items, dict) and items else []
    return found


@_kind(Stage.PAYLOAD)
def success_string(payload: Payload, *, value: str = "true") -> None:
    """Success as the text ``"true"`` or ``"false"``. The rows stay: only the flag says whether they count."""
    payload["Success"] = value


@_kind(Stage.PAYLOAD)
def unknown_status(payload: Payload, *, status: str = "archiving", rows: int | None = None) -> None:
    for row in _rows(payload)[:rows]:
        row["BackupStatus" if "BackupStatus" in row else "BackupPlanStatus"] = status


@_kind(Stage.PAYLOAD)
def odd_cells(
    payload: Payload,
    *,
    cells: Mapping[str, Any] | None = None,
    omit: Sequence[str] = (),
    rows: int | None = None,
    backup_set_id: str | None = None,
) -> None:
    """Overwrite or drop cells, under the API's names, in the first ``rows`` rows or in one backup set's."""
    for row in _rows(payload)[:rows]:
        if backup_set_id is None or row.get("BackupSetId") == backup_set_id:
            row.update(cells or {})
            for name in omit:
                row.pop(name, None)


@_kind(Stage.PAYLOAD)
def low_totals(payload: Payload, *, total_elements: int = 1, total_pages: int = 1) -> None:
    payload["TotalElements"], payload["TotalPages"] = total_elements, total_pages


_SHAPES: dict[str, Callable[[str, list[dict[str, Any]]], object]] = {
    "list": lambda inner, rows: rows,
    "single": lambda inner, rows: {inner: rows[0] if rows else {}},
    "missing": lambda inner, rows: None,
    "null": lambda inner, rows: None,
    "empty_string": lambda inner, rows: "",
    "inner_missing": lambda inner, rows: {},
    "inner_null": lambda inner, rows: {inner: None},
    "inner_empty_string": lambda inner, rows: {inner: ""},
}


@_kind(Stage.PAYLOAD)
def items_shape(payload: Payload, *, shape: str) -> None:
    """``list``: Items is the array itself. ``single``: one object in place of the array. ``missing``, ``null`` and
    ``empty_string``: Items is that. ``inner_missing``, ``inner_null`` and ``inner_empty_string``: the array is that.
    """
    if shape not in _SHAPES:
        raise ValueError(f"shape {shape!r} must be one of {', '.join(_SHAPES)}")
    rows = _rows(payload)
    inner = next(iter(payload.pop("Items")))
    if shape != "missing":
        payload["Items"] = _SHAPES[shape](inner, rows)
