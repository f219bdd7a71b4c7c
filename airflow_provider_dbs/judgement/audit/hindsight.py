# SPDX-License-Identifier: Apache-2.0
"""Rows that were read after ``as_of``, as they were at ``as_of``.

An audit has one ``as_of`` but reads for minutes. A backup that starts or ends meanwhile is neither unknown to the
service nor dated in the future: it had not started, or was still running. Only a time beyond the reading itself is one
that no clock explains, and is left for ``data.time`` to find.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from airflow_provider_dbs.judgement.usable import CLOCK_SKEW
from airflow_provider_dbs.models import (
    BackupPlan,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
)


def plan_as_of(plan: BackupPlan, as_of: datetime, read_at: datetime) -> BackupPlan:
    """A plan that was created in between is as new as can be."""
    if not _in_between(plan.backup_plan_create_time, as_of, read_at):
        return plan
    return msgspec.structs.replace(plan, backup_plan_create_time_ms=_ms(as_of))


def fulls_as_of(rows: Sequence[FullBackup], as_of: datetime, read_at: datetime) -> list[FullBackup]:
    """``read_at``: when the reading ended. A full that ended in between is running again, without what came later."""
    return [
        msgspec.structs.replace(
            row,
            backup_status=FullBackupStatus.RUNNING,
            end_time_ms=None,
            finish_time_ms=None,
            backup_set_expired_time_ms=None,
            backup_size=None,
            err_message=None,
        )
        if _in_between(row.completed_time, as_of, read_at)
        else row
        for row in rows
        if not _in_between(row.placed_time, as_of, read_at)
    ]


def logs_as_of(rows: Sequence[IncrementalBackup], as_of: datetime, read_at: datetime) -> list[IncrementalBackup]:
    """A segment that was sealed in between was being filled, up to ``as_of``."""
    filled_to = _ms(as_of)
    return [
        msgspec.structs.replace(
            row,
            backup_status=IncrementalBackupStatus.FILLING,
            end_time_ms=max(filled_to, row.start_time_ms or 0),
        )
        if _in_between(row.end_time, as_of, read_at)
        else row
        for row in rows
        if not _in_between(row.placed_time, as_of, read_at)
    ]


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _in_between(moment: datetime | None, as_of: datetime, read_at: datetime) -> bool:
    """The service's clock may be ahead of ours by the skew that every judgement allows it."""
    return moment is not None and as_of + CLOCK_SKEW < moment <= read_at + CLOCK_SKEW
