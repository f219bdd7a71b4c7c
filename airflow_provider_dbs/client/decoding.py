# SPDX-License-Identifier: Apache-2.0
"""A body's bytes → what the service said: the envelope around every answer, and the rows in it.

Rows are decoded in one go, at C speed. Only when that fails are they read again one by one, so that one odd cell does
not fail a page: an optional cell that drifted becomes None, with one warning; an id, a status or a time that cannot be
read is an error that names the row and the field. A row is never dropped.
"""

from __future__ import annotations

import logging
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from airflow_provider_dbs.client.errors import DbsResponseError
from airflow_provider_dbs.models import Identifier, Row

log = logging.getLogger(__name__)

RowT = TypeVar("RowT", bound=Row)

NOT_DBS = "check that DBS is what answers at the connection's host, port and protocol, and any proxy between"

# What the service writes for "nothing" in a text: the samples show "NULL" on healthy rows.
_NOTHING = frozenset({"", "-", "NULL", "null"})


class Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    """What surrounds every answer. A gateway's refusal has ``Code`` and ``Message``, the service's own ``ErrCode``.

    ``ErrCode`` beside ``Success: true`` means nothing: the published samples carry one.
    """

    success: bool | None = None
    http_status_code: Any = None
    request_id: Any = None
    err_code: Any = None
    err_message: Any = None
    code: Any = None
    message: Any = None
    page_size: Any = None
    total_elements: int | None = None
    items: msgspec.Raw = msgspec.Raw(b"null")
    regions: msgspec.Raw = msgspec.Raw(b"null")


def as_number(cell: Any) -> int | None:
    """A cell of the envelope that nothing rests on alone: None where it is no number."""
    try:
        return int(cell)
    except (TypeError, ValueError, OverflowError):
        return None


_envelopes = msgspec.json.Decoder(Envelope, strict=False)


def decode_envelope(body: bytes) -> Envelope:
    """Raises DbsResponseError when the body is no such answer; retryable when it is empty or cut off."""
    if not body.strip():
        raise DbsResponseError("the answer is empty", retryable=True)
    try:
        envelope = _envelopes.decode(body)
        body.decode()  # the encoding of the rows' texts, which have only been skipped so far
        return envelope
    except msgspec.ValidationError as error:
        problem, retryable = f"the answer has an unexpected shape: {error}", False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        retryable = "truncated" in str(error)
        problem = "the answer is cut off" if retryable else f"the answer is no JSON: {NOT_DBS}"
    raise DbsResponseError(problem, retryable=retryable)


def decode_rows(raw: msgspec.Raw, name: str, row_type: type[RowT]) -> list[RowT] | None:
    """The rows under ``name`` in an ``Items`` object; None where the service gives no list (missing, null or empty).

    Raises DbsResponseError for any other shape, and for an id, status or time that cannot be read.
    """
    try:
        rows = _row_decoder(row_type).decode(raw).get(name)
    except msgspec.ValidationError:
        rows = None
    if rows is None:
        rows = _decode_odd_rows(raw, name, row_type)
    if rows is not None:
        _clear_placeholders(rows, name, row_type)
    return rows


@cache
def _row_decoder(row_type: type[RowT]) -> msgspec.json.Decoder[dict[str, list[RowT]]]:
    return msgspec.json.Decoder(dict[str, list[row_type]], strict=False)  # type: ignore[valid-type]


def _decode_odd_rows(raw: msgspec.Raw, name: str, row_type: type[RowT]) -> list[RowT] | None:
    """Items that are not plainly an object with a list of rows: nothing at all, a row with an odd cell, or an error."""
    shell = _decode_shell(raw, f"Items.{name}")
    if not shell:
        return None
    if not isinstance(shell, dict):
        raise DbsResponseError(f"Items is a list where an object with {name} was expected")
    if name not in shell:
        raise DbsResponseError(f"Items has no {name} but {', '.join(sorted(shell))}")
    if bytes(shell[name]) in (b"null", b'""'):
        return None
    return _decode_row_by_row(shell[name], name, row_type)


def decode_texts(raw: msgspec.Raw, name: str) -> list[str]:
    """The texts under ``name`` of an object such as ``Regions``. Raises DbsResponseError for any other shape."""
    try:
        return msgspec.json.decode(raw, type=dict[str, list[str]])[name]
    except (msgspec.ValidationError, KeyError):
        pass
    raise DbsResponseError(f"the answer has no list {name}")


def _decode_shell(raw: msgspec.Raw, name: str) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | str | None:
    try:
        shell: dict[str, msgspec.Raw] | list[msgspec.Raw] | str | None = msgspec.json.decode(
            raw, type=dict[str, msgspec.Raw] | list[msgspec.Raw] | str | None
        )
    except msgspec.ValidationError:
        shell = "?"
    if isinstance(shell, str) and shell not in _NOTHING:
        raise DbsResponseError(f"the answer has no object where {name} was expected")
    return None if isinstance(shell, str) else shell


def _decode_row_by_row(raw: msgspec.Raw, name: str, row_type: type[RowT]) -> list[RowT]:
    try:
        raw_rows = msgspec.json.decode(raw, type=list[dict[str, msgspec.Raw]])
    except msgspec.ValidationError as error:
        problem = str(error)
    else:
        drifted: list[str] = []
        rows = [_decode_row(cells, f"{name}[{i}]", row_type, drifted) for i, cells in enumerate(raw_rows)]
        if drifted:
            what = f"{len(drifted)} cells of {row_type.__name__}"
            log.warning("%s cannot be read and count as empty, first %s", what, drifted[0])
        return rows
    raise DbsResponseError(f"{name} is not a list of objects: {problem}")


def _decode_row(cells: dict[str, msgspec.Raw], place: str, row_type: type[RowT], drifted: list[str]) -> RowT:
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(row_type):
        cell = cells.get(field.encode_name)
        if cell is None:
            if field.required:
                raise DbsResponseError(f"{_place(place, cells)} has no {field.encode_name}")
            continue
        try:
            values[field.name] = msgspec.json.decode(cell, type=field.type, strict=False)
        except msgspec.ValidationError:
            shown = _shown(cell)
            is_placeholder = shown.strip('"') in _NOTHING
            if field.required or (field.name.endswith("_ms") and not is_placeholder):
                unreadable = f"{_place(place, cells)} has an unreadable {field.encode_name}: {shown}"
            else:
                drifted.append(f"{field.encode_name} {shown} of {_place(place, cells)}")
                continue
        else:
            continue
        raise DbsResponseError(unreadable)
    return row_type(**values)


def _shown(cell: msgspec.Raw) -> str:
    return bytes(cell)[:80].decode(errors="replace")


def _place(place: str, cells: dict[str, msgspec.Raw]) -> str:
    """``FullBackupFile[3] ("1iukx5h")``: where the row stands, and its id when it has one."""
    for name in ("BackupSetId", "BackupPlanId"):
        if name in cells:
            return f"{place} ({_shown(cells[name])})"
    return place


def _clear_placeholders(rows: list[RowT], name: str, row_type: type[RowT]) -> None:
    """Texts that say "nothing" become None, in place: the rows are not anybody's yet."""
    fields = _text_fields(row_type)
    columns = zip(*map(attrgetter(*(field.name for field in fields)), rows), strict=True)
    for field, column in zip(fields, columns, strict=bool(rows)):
        if _NOTHING.isdisjoint(column):
            continue
        for index, value in enumerate(column):
            if value in _NOTHING:
                if field.required:
                    raise DbsResponseError(f"{name}[{index}] has an unreadable {field.encode_name}: {value!r}")
                msgspec.structs.force_setattr(rows[index], field.name, None)


@cache
def _text_fields(row_type: type[Row]) -> list[msgspec.structs.FieldInfo]:
    return [field for field in msgspec.structs.fields(row_type) if field.type in (str | None, Identifier)]
