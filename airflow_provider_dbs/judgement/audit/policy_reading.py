# SPDX-License-Identifier: Apache-2.0
"""How a policy is read: every key and value is checked against the records of ``policy.py`` and named by its path."""

from __future__ import annotations

import difflib
import hashlib
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar, get_args

import msgspec

_S = TypeVar("_S", bound=msgspec.Struct)

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "min": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(w|d|h|min|m|s)\s*", re.IGNORECASE)
_MOST = timedelta(days=36_500)
_SELECTORS = ("backup_plan_id", "backup_plan_name", "database_type")


class PolicyError(ValueError):
    """A policy that cannot be meant; the text names the path, the value and the way out."""


def read_policy(mapping: object, policy_type: type[_S], settings_type: type[Any], override_type: type[Any]) -> _S:
    """A ``policy_type`` from plain values."""
    values = dict(_as_mapping({} if mapping is None else mapping, "policy"))
    overrides = values.pop("overrides", None)
    if not isinstance(overrides, (list, tuple, type(None))):
        raise PolicyError(f"policy.overrides: {_shown(overrides)} is not a list")
    policy = changed(policy_type(), _sparse(values, settings_type, "policy", ("overrides",)), "policy")
    read = []
    for number, item in enumerate(overrides or ()):
        path = f"policy.overrides[{number}]"
        override = _read_override(item, settings_type, override_type, path)
        changed(policy, override.settings, path)
        read.append(override)
    return msgspec.structs.replace(policy, overrides=tuple(read))


def changed(settings: _S, sparse: Mapping[str, Any], path: str) -> _S:
    """``settings`` with the values of ``sparse``, a nested dict as ``_sparse`` makes it."""
    values = {}
    for name, value in sparse.items():
        old = getattr(settings, name)
        values[name] = changed(old, value, f"{path}.{name}") if isinstance(value, dict) else value
    try:
        return msgspec.structs.replace(settings, **values)
    except ValueError as error:
        raise PolicyError(f"{path}: {error}") from None


def parse_text(text: str) -> object:
    """The value of a YAML or JSON text. A key given twice is an error: YAML itself would drop the first one."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[object, object]:
        pairs: dict[object, object] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise PolicyError(f"policy: the key {_shown(key)} in line {key_node.start_mark.line + 1} is not a name")
            if key in pairs:
                raise PolicyError(f"policy: the key {key!r} in line {key_node.start_mark.line + 1} is given twice")
            pairs[key] = loader.construct_object(value_node, deep=True)
        return pairs

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise PolicyError(f"policy: neither YAML nor JSON: {error}") from None


def digest(policy: msgspec.Struct) -> str:
    return hashlib.sha256(msgspec.json.encode(policy, order="sorted")).hexdigest()[:16]


def check_timezone(name: str) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"schedule_timezone ({name!r}) is no IANA time zone such as 'Asia/Shanghai'") from None


def check_leave_out(leave_out: Iterable[str], check_ids: tuple[str, ...]) -> None:
    for number, check_id in enumerate(leave_out):
        if check_id == "evidence":
            raise ValueError("leave_out: 'evidence' cannot be left out: without it a failed call would look healthy")
        if check_id not in check_ids:
            raise ValueError(f"leave_out[{number}]: there is no check {check_id!r}{_nearest(check_id, check_ids)}")


def fits_pattern(name: str | None, pattern: str) -> bool:
    return name is not None and fnmatchcase(name, pattern)


def same_word(word: str | None, other: str) -> bool:
    return word is not None and word.strip().lower() == other.strip().lower()


def _read_override(item: object, settings_type: type[Any], override_type: type[Any], path: str) -> Any:
    values = dict(_as_mapping(item, path))
    selectors = {name: values.pop(name) for name in _SELECTORS if name in values}
    if not selectors:
        raise PolicyError(f"{path}: which plans? Give one or more of {', '.join(_SELECTORS)}")
    ids = selectors.get("backup_plan_id")
    if isinstance(ids, str):
        selectors["backup_plan_id"] = [ids]
    for name, value in selectors.items():
        expected = tuple[str, ...] if name == "backup_plan_id" else str
        selectors[name] = read = _value(value, expected, f"{path}.{name}")
        if not all(read) or not read:
            raise PolicyError(f"{path}.{name}: {_shown(value)} would fit no plan")
    return override_type(settings=_sparse(values, settings_type, path, _SELECTORS), **selectors)


def _sparse(values: Mapping[str, Any], record: type[Any], path: str, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """The given values only, typed as ``record``'s fields are, nested as they were given; ``also``: further keys."""
    fields = {field.name: field.type for field in msgspec.structs.fields(record)}
    typed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            raise PolicyError(f"{path}: there is no setting {_shown(name)}{_nearest(name, (*fields, *also))}")
        expected, inner = fields[name], f"{path}.{name}"
        if isinstance(expected, type) and issubclass(expected, msgspec.Struct):
            typed[name] = _sparse(_as_mapping(value, inner), expected, inner)
        else:
            typed[name] = _value(value, expected, inner)
    return typed


def _value(value: Any, expected: Any, path: str) -> Any:
    optional = type(None) in get_args(expected)
    if expected is timedelta or timedelta in get_args(expected):
        return None if value is None and optional else _duration(value, path)
    try:
        return msgspec.convert(value, expected, strict=False)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        raise PolicyError(f"{path}{where.rstrip('`')}: {message}, got {_shown(value)}") from None


def _duration(value: Any, path: str) -> timedelta:
    try:
        read = _read_duration(value)
    except (ValueError, OverflowError):
        raise PolicyError(
            f"{path}: {_shown(value)} is no duration such as '26h', '1d 12h', 'PT26H' or seconds"
        ) from None
    if read < timedelta(0):
        raise PolicyError(f"{path}: {_shown(value)} is negative")
    if read > _MOST:
        raise PolicyError(f"{path}: {_shown(value)} is longer than a hundred years")
    return read


def _read_duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        text = value.strip()
        if text and not _PART.sub("", text):
            return timedelta(seconds=sum(float(number) * _UNITS[unit.lower()] for number, unit in _PART.findall(text)))
        if text[:1].upper() == "P":
            return msgspec.convert(text.upper(), timedelta)
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(value)
    return timedelta(seconds=value)


def _as_mapping(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PolicyError(f"{path}: {_shown(value)} is not a mapping of settings")
    return value


def _nearest(name: object, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
