# SPDX-License-Identifier: Apache-2.0
"""Which full backups of a listing have finished since the last one that was announced, and how one is announced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, TypedDict, cast

import msgspec

from airflow_provider_dbs.judgement.evidence import full_backup_evidence
from airflow_provider_dbs.judgement.usable import defect, distinct_full_backups, usable
from airflow_provider_dbs.models import FullBackup

# The service may list a backup this long after one that ended later. What comes later still counts as old.
LATEST_LISTING = timedelta(hours=48)


Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class BackupRecord(TypedDict):
    """One full backup as an asset event carries it: plain JSON values, times as ISO 8601 in UTC.

    ``backup_set_id`` tells repeated events of one backup apart from two backups. ``region_id``: None when the
    connection names none. ``backup_size``: in the service's unit, bytes by every sign.
    """

    backup_plan_id: str
    region_id: str | None
    backup_set_id: str
    start_time: str | None
    end_time: str | None
    backup_set_expired_time: str | None
    backup_size: int | None
    storage_method: str | None
    backup_status: str | None


def backup_record(full: FullBackup, backup_plan_id: str, region_id: str | None) -> BackupRecord:
    return as_record({"backup_plan_id": backup_plan_id, "region_id": region_id, **full_backup_evidence(full)})


def as_record(plain: Mapping[str, Any]) -> BackupRecord:
    """The record in ``plain``: its keys and no others; None for a key that is missing."""
    return cast(BackupRecord, {key: plain.get(key) for key in BackupRecord.__annotations__})


class Watermark(msgspec.Struct, frozen=True):
    """Up to where the full backups of a plan have been announced.

    ``end_time``: the latest end among them, or when the watch began. ``seen``: those that ended in the 48 h before
    ``end_time``, by backup set id, with their ends.
    """

    end_time: Aware
    seen: dict[str, Aware]

    def including(self, backups: Iterable[FullBackup]) -> Watermark:
        """With these announced too; what has become too old to be listed late is dropped."""
        ends = {full.backup_set_id: full.completed_time for full in backups}
        return _watermark(self.end_time, {**self.seen, **{name: end for name, end in ends.items() if end}})

    def merged(self, other: Watermark) -> Watermark:
        """What either of two watermarks knows."""
        return _watermark(max(self.end_time, other.end_time), {**other.seen, **self.seen})

    def is_past(self, full: FullBackup) -> bool:
        """Whether the backup was announced, or ended too long before those that were."""
        end = full.completed_time
        return full.backup_set_id in self.seen or (end is not None and end < self.end_time - LATEST_LISTING)

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_json(cls, plain: Any) -> Watermark:
        """Raises msgspec.ValidationError for anything but what ``to_json`` gives."""
        return msgspec.convert(plain, cls)


def _watermark(end_time: datetime, seen: dict[str, datetime]) -> Watermark:
    end_time = max([end_time, *seen.values()])
    return Watermark(end_time, {name: end for name, end in seen.items() if end >= end_time - LATEST_LISTING})


def finished_backups(backups: Iterable[FullBackup], as_of: datetime) -> list[FullBackup]:
    """The full backups that can be announced, in the order in which they ended.

    These are the usable ones (see usable.py). A row that says ``finish`` with an end in the future, without a size or
    with impossible times is not believed; it is announced once a later listing puts that right.
    """
    usable_now = [full for full in distinct_full_backups(backups) if usable(full, at=as_of, as_of=as_of)]
    return sorted(usable_now, key=lambda full: (full.completed_time, full.backup_set_id))


def watch_from(backups: Iterable[FullBackup], as_of: datetime) -> Watermark:
    """The watermark of a watch that begins now: what has finished by now is not announced."""
    return Watermark(as_of, {}).including(finished_backups(backups, as_of))


def news(backups: Iterable[FullBackup], mark: Watermark, as_of: datetime) -> list[FullBackup]:
    """The full backups to announce, in the order in which they ended."""
    return [full for full in finished_backups(backups, as_of) if not mark.is_past(full)]


def not_believed(backups: Iterable[FullBackup], mark: Watermark, as_of: datetime) -> dict[str, str]:
    """Why backups that say ``finish`` are not news, by backup set id; sets that are past are left out."""
    rows = [full for full in distinct_full_backups(backups) if full.backup_status.is_success and not mark.is_past(full)]
    return {full.backup_set_id: because for full in rows if (because := defect(full, as_of=as_of))}
