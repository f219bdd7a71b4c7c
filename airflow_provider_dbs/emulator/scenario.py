# SPDX-License-Identifier: Apache-2.0
"""Scenarios: plans, backups, faults and settings from JSON, or from YAML where PyYAML is installed.

.. code-block:: json

    {"settings": {"order": "newest", "progression": "by_time"},
     "plans": [{"backup_plan_id": "dbsr179qz0001", "backup_method": "physical",
                "full_backups": [{"status": "finish", "start": "-26h", "end": "-25h"},
                                 {"status": "running", "start": "-2m", "durations": {"running": "15s"}}],
                "incremental_backups": [{"backup_set_id": "mysql-bin.000001", "start": "-26h", "end": "-20h"}],
                "restore_ranges": [{"begin": "-25h", "end": "-20h"}]},
               {"backup_plan_id": "dbsr179qz0002", "backup_start_time": "02:00",
                "history": {"days": 60, "seed": 7, "failed": [3], "logs": {"every": "30m", "lost": ["-2d"]}}}],
     "faults": [{"kind": "throttle", "operation": "DescribeFullBackupList", "times": 2}]}

Every part is optional. The fields of a plan, a backup or a fault are the arguments of ``Emulator.add_plan``,
``add_full_backup``, ``add_incremental_backup`` and ``add_fault``; cells of the API may stand beside them under their
own names (``"BackupSize": 0``). A ``history`` is made up from a seed: see ``history.py``. Times are ISO 8601 with an
offset, epoch milliseconds, ``now``, or a distance from now such as ``-2h``; durations are seconds or text such as
``90s``. A mistake is reported with its place: ``demo.json: plans[0].full_backups[1].start: …``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_dbs.emulator.history import History
from airflow_provider_dbs.emulator.times import parse_moment

if TYPE_CHECKING:
    from airflow_provider_dbs.emulator.emulator import Emulator

_MOMENTS = ("start", "end", "created", "expires")
_PLAN_PARTS = ("full_backups", "incremental_backups", "restore_ranges", "history")
_PARTS = ("settings", "plans", "faults")


class ScenarioError(ValueError):
    """The scenario is wrong; the message names the file, the place in it and the way out."""


class _PlacedError(ValueError):
    """A mistake whose message begins with its place."""


def read(path: Path) -> dict[str, Any]:
    """The scenario in a file. Raises ScenarioError if it cannot be read or parsed."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        given = _parse_yaml(text) if path.suffix in (".yaml", ".yml") else json.loads(text)
    except ValueError as error:
        raise ScenarioError(f"{path}: {error}") from None
    if not isinstance(given, dict):
        raise ScenarioError(f"{path}: must be an object with the keys {', '.join(_PARTS)}")
    return given


def _parse_yaml(text: str) -> object:
    try:
        import yaml
    except ImportError:
        raise ValueError("YAML needs PyYAML: pip install PyYAML, or write the scenario as JSON") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"is not YAML: {error}") from None


def load(emulator: Emulator, given: Mapping[str, Any], source: str = "scenario") -> None:
    """Add everything in ``given`` to the emulator. Raises ScenarioError at the first mistake."""
    try:
        _only(given, _PARTS)
        with _at("settings"):
            emulator.configure(**_mapping(given.get("settings") or {}))
        for place, plan in _each(given, "plans"):
            with _at(place):
                _load_plan(emulator, plan)
        for place, fault in _each(given, "faults"):
            with _at(place):
                emulator.add_fault(**_needing(fault, "kind"))
    except ValueError as error:
        raise ScenarioError(f"{source}: {error}") from None


def _load_plan(emulator: Emulator, given: Mapping[str, Any]) -> None:
    plan = dict(_needing(given, "backup_plan_id"))
    parts = {name: plan.pop(name, None) for name in _PLAN_PARTS}
    history, now = None, emulator.now()
    if parts["history"] is not None:
        with _at("history"):
            history = History.read(_mapping(parts["history"]), now)
        if "BackupPlanCreateTime" not in plan:
            plan.setdefault("backup_plan_create_time", history.began(now))
    emulator.add_plan(**plan)
    if history is not None:
        with _at("history"):
            history.add_to(emulator, plan["backup_plan_id"], now)
    adders: dict[str, Callable[..., str]] = {
        "full_backups": emulator.add_full_backup,
        "incremental_backups": emulator.add_incremental_backup,
    }
    for name, add in adders.items():
        for place, backup in _each(parts, name):
            with _at(place):
                add(plan["backup_plan_id"], **_with_moments(emulator, backup))
    if parts["restore_ranges"] is not None:
        ranges = []
        for place, item in _each(parts, "restore_ranges"):
            with _at(place):
                ranges.append(_with_moments(emulator, item, ("begin", "end")))
        emulator.set_restore_ranges(plan["backup_plan_id"], ranges)


def _with_moments(emulator: Emulator, given: Mapping[str, Any], names: tuple[str, ...] = _MOMENTS) -> dict[str, Any]:
    read = dict(given)
    for name in names:
        if read.get(name) is not None:
            with _at(name):
                read[name] = parse_moment(read[name], emulator.now())
    return read


def _each(given: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    items = given.get(name) or []
    if not isinstance(items, list):
        raise _PlacedError(f"{name}: must be a list")
    for index, item in enumerate(items):
        with _at(f"{name}[{index}]"):
            _mapping(item)
        yield f"{name}[{index}]", item


def _mapping(given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise ValueError(f"must be an object, not {given!r}")
    return given


def _needing(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if not given.get(name):
        raise ValueError(f"{name!r} is missing")
    return given


def _only(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is unknown; the parts of a scenario are {', '.join(names)}")


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Put the place in front of what goes wrong inside."""
    try:
        yield
    except _PlacedError as error:
        raise _PlacedError(f"{place}.{error}") from None
    except (ValueError, TypeError) as error:
        raise _PlacedError(f"{place}: {error}") from None
