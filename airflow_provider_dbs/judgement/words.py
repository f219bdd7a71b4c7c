# SPDX-License-Identifier: Apache-2.0
"""The small words of a verdict's message: durations, lists, and texts of the service made safe to log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

# What fits on a screen at two in the morning.
TEXT_LIMIT = 160
ITEM_LIMIT = 5

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(length: timedelta) -> str:
    """The two largest units: ``1 h 10 min``, ``3 d 2 h``, ``45 s``."""
    left = int(abs(length).total_seconds())
    parts: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and not count):
            break
    return " ".join(parts) or "0 s"


def clean(text: object, limit: int = TEXT_LIMIT) -> str:
    """A text of the service on one line: no control characters (a log can be forged with them), cut at ``limit``."""
    raw = str(text)[: limit * 8]
    line = " ".join("".join(char if char.isprintable() else " " for char in raw).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def listed(items: Sequence[str], limit: int = ITEM_LIMIT) -> str:
    """The first items and how many more there are."""
    more = f"; +{len(items) - limit} more" if len(items) > limit else ""
    return "; ".join(items[:limit]) + more
