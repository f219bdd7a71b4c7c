# SPDX-License-Identifier: Apache-2.0
"""Which of the behaviours that the vendor leaves undocumented the emulator shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from airflow_provider_dbs.emulator.progress import DURATIONS, Progression, read_durations
from airflow_provider_dbs.emulator.times import parse_duration

REGIONS = (
    "cn-hangzhou",
    "cn-shanghai",
    "cn-beijing",
    "cn-shenzhen",
    "cn-hongkong",
    "ap-southeast-1",
    "eu-central-1",
)

_CHOICES = {
    "order": ("shuffled", "newest", "oldest"),
    "timestamp_unit": ("ms", "s"),
    "timestamp_filter": ("contained", "started", "overlaps"),
    "unknown_plan": ("empty", "error"),
    "error_cells": ("documented", "clean", "missing"),
    "unset_cells": ("missing", "zero", "null"),
    "progression": tuple(mode.value for mode in Progression),
}
_DURATION_FIELDS = ("latency", "credential_lifetime")


@dataclass
class Settings:
    """Every field can be given to ``Emulator(...)``, changed on ``emulator.settings`` and set by a scenario."""

    order: str = "shuffled"
    """Order of rows in a list: ``shuffled`` (fixed, the same on every page), ``newest`` or ``oldest`` first."""
    timestamp_unit: str = "ms"
    """How StartTimestamp and EndTimestamp are read. A caller with the other unit gets an empty success."""
    timestamp_filter: str = "contained"
    """What they select: backups ``contained`` in the range, those ``started`` in it, or any that ``overlaps`` it."""
    unknown_plan: str = "empty"
    """An unknown BackupPlanId: an ``empty`` list, or the ``error`` InvalidParameterValid."""
    error_cells: str = "documented"
    """ErrCode and ErrMessage of a success: as in the ``documented`` samples (an error!), ``clean`` or ``missing``."""
    unset_cells: str = "missing"
    """Times and size that an unfinished backup does not have yet: ``missing``, ``zero`` or ``null``."""
    progression: str = Progression.MANUALLY.value
    """How unfinished backups go on unless they say otherwise: ``manually``, ``by_time`` or ``immediately``."""
    durations: Mapping[str, timedelta] = field(default_factory=lambda: dict(DURATIONS))
    """How long a status lasts with ``by_time``, e.g. ``{"schedule": "5s", "running": "20s"}``."""
    latency: timedelta = timedelta(0)
    """Delay of every answer; calls wait concurrently."""
    regions: tuple[str, ...] = REGIONS
    """What DescribeRegions answers."""
    credential_lifetime: timedelta = timedelta(hours=1)
    """Life of a key from the credential source. Below 16 minutes the vendor's package refreshes at every call."""

    def updated(self, changes: Mapping[str, Any]) -> Settings:
        """A copy with ``changes``, which may come from JSON. Raises ValueError that names the setting."""
        known = {item.name for item in fields(self)}
        values: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"setting {name!r} is unknown; there are {', '.join(sorted(known))}")
            if name in _CHOICES and value not in _CHOICES[name]:
                raise ValueError(f"setting {name}={value!r} must be one of {', '.join(_CHOICES[name])}")
            if name in _DURATION_FIELDS:
                value = parse_duration(value)
            elif name == "durations":
                value = {**self.durations, **read_durations(value)}
            elif name == "regions":
                value = tuple(value)
            values[name] = value
        return replace(self, **values)
