# SPDX-License-Identifier: Apache-2.0
"""Is a full backup usable? The one definition that every gate and the audit share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.models import FullBackup, iso

# A clock may run this far ahead of ours before its times are not believed.
CLOCK_SKEW = timedelta(minutes=5)


def usable(full: FullBackup, *, at: datetime, as_of: datetime, min_size: int = 1) -> bool:
    """Whether a restore could start from this set: finished, sound in its times, large enough, not expired ``at``.

    ``at`` bears on the expiry only; a set that ends after ``as_of`` (plus the skew of a clock) is not believed.
    """
    return defect(full, as_of=as_of, min_size=min_size) is None and not expired(full, at=at)


def unusable_because(full: FullBackup, *, at: datetime, as_of: datetime, min_size: int = 1) -> str | None:
    """Why the set is not usable, in a few words; None when it is."""
    because = defect(full, as_of=as_of, min_size=min_size)
    if because is None and full.backup_set_expired_time is not None and expired(full, at=at):
        because = f"expired {iso(full.backup_set_expired_time)}"
    return because


def expired(full: FullBackup, *, at: datetime) -> bool:
    expires = full.backup_set_expired_time
    return expires is not None and expires <= at


def defect(full: FullBackup, *, as_of: datetime, min_size: int = 1) -> str | None:
    """What is wrong with the set itself, its expiry left aside."""
    start, end = full.start_time, full.completed_time
    if not full.backup_status.is_success:
        return f"status {clean(full.backup_status, 40)}"
    if not full.backup_set_id.strip():
        return "no backup set id"
    if start is None or end is None:
        return "no start time" if start is None else "no end time"
    if start > end:
        return f"ends {iso(end)}, before it starts"
    if end > as_of + CLOCK_SKEW:
        return f"ends in the future, {iso(end)}"
    if full.backup_size is None:
        return "no size"
    if full.backup_size < min_size:
        return f"size {full.backup_size} is below min_size={min_size}"
    return None


def distinct_full_backups(backups: Iterable[FullBackup]) -> list[FullBackup]:
    """Each backup set once, newest first; of rows that differ, the one finished last, and of those the worse."""
    latest: dict[str, FullBackup] = {}
    for full in backups:
        other = latest.setdefault(full.backup_set_id, full)
        if other is not full and _lateness(full) > _lateness(other):
            latest[full.backup_set_id] = full
    return sorted(latest.values(), key=_age, reverse=True)


def _lateness(full: FullBackup) -> tuple[Any, ...]:
    return full.finish_time_ms or 0, full.end_time_ms or 0, not full.backup_status.is_success, *_age(full)


def _age(full: FullBackup) -> tuple[Any, ...]:
    placed = full.start_time_ms or full.create_time_ms or 0
    return placed, full.end_time_ms or full.finish_time_ms or 0, full.backup_set_id, str(full.backup_status)
