# SPDX-License-Identifier: Apache-2.0
"""How a backup moves through its statuses: the transitions as data, and three ways to take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from airflow_provider_dbs.emulator.times import parse_duration

STATUSES: Mapping[str, Sequence[str]] = {
    "full": ("schedule", "running", "finish", "stop", "pause"),
    "incremental": ("INIT", "FILLING", "COMPLETED", "UNCOMPLETED"),
}
"""Those of full backups are lower case, those of incremental ones upper case, as in the API."""

TRANSITIONS: Mapping[str, str] = {
    "schedule": "running",
    "running": "finish",
    "pause": "running",
    "INIT": "FILLING",
    "FILLING": "COMPLETED",
}

DURATIONS: Mapping[str, timedelta] = {
    "schedule": timedelta(seconds=5),
    "running": timedelta(seconds=20),
    "INIT": timedelta(seconds=5),
    "FILLING": timedelta(seconds=60),
}
"""How long a status lasts ``by_time``. A paused backup is resumed by hand only."""


class Progression(str, Enum):
    IMMEDIATELY = "immediately"
    """A backup is at its outcome as soon as it is added."""
    MANUALLY = "manually"
    """``Emulator.advance`` and ``set_status`` move it."""
    BY_TIME = "by_time"
    """Each status lasts its duration, counted from when the emulator was told of it."""


@dataclass
class Progress:
    """The way of one backup. ``outcome`` replaces the good ending, e.g. with ``stop``."""

    mode: Progression
    outcome: str | None
    durations: Mapping[str, timedelta]
    since: datetime

    def next_status(self, status: str) -> str | None:
        following = TRANSITIONS.get(status)
        if following is not None and following not in TRANSITIONS and self.outcome is not None:
            return self.outcome
        return following

    def due(self, status: str, now: datetime) -> tuple[str, datetime] | None:
        """The status that followed by the passing of time, and when; None if that has not happened."""
        following = self.next_status(status)
        if self.mode is not Progression.BY_TIME or following is None or status not in self.durations:
            return None
        moment = self.since + self.durations[status]
        return (following, moment) if moment <= now else None


def make_progress(
    mode: str, outcome: str | None, durations: Mapping[str, Any], statuses: Sequence[str], now: datetime
) -> Progress:
    """Raises ValueError that names what is wrong and the choices."""
    modes = [known.value for known in Progression]
    if mode not in modes:
        raise ValueError(f"progression {mode!r} must be one of {', '.join(modes)}")
    endings = [status for status in statuses if status not in TRANSITIONS]
    if outcome is not None and outcome not in endings:
        raise ValueError(f"outcome {outcome!r} must be one of {', '.join(endings)}")
    return Progress(Progression(mode), outcome, read_durations(durations), now)


def read_durations(given: Mapping[str, Any]) -> dict[str, timedelta]:
    unknown = [status for status in given if status not in DURATIONS]
    if unknown:
        raise ValueError(f"durations: {unknown[0]!r} must be one of {', '.join(DURATIONS)}")
    return {status: parse_duration(length) for status, length in given.items()}
