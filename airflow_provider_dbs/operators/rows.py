# SPDX-License-Identifier: Apache-2.0
"""Rows of DBS as they go to XCom: plain JSON values under the API's names in snake case.

Every row of a kind has the same keys; what the service left open is None. Times are ISO 8601 in UTC. Nothing about the
source database (address, user, account) is in them, since everybody who may see a DAG reads its XComs, nor the backup
objects, which can be long: both are the hook's to give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup, Row

JsonRow = dict[str, Any]

_FULL_BACKUP = (
    "backup_set_id",
    "backup_status",
    "create_time",
    "start_time",
    "end_time",
    "finish_time",
    "backup_set_expired_time",
    "backup_size",
    "storage_method",
    "err_message",
)
_INCREMENTAL_BACKUP = (
    "backup_set_id",
    "backup_set_job_id",
    "backup_status",
    "start_time",
    "end_time",
    "backup_set_expired_time",
    "backup_size",
    "storage_method",
)
_BACKUP_PLAN = (
    "backup_plan_id",
    "backup_plan_name",
    "backup_plan_status",
    "backup_plan_region",
    "database_type",
    "backup_method",
    "backup_period",
    "backup_start_time",
    "backup_retention_period",
    "enable_backup_log",
    "begin_timestamp_for_restore",
    "end_timestamp_for_restore",
    "err_message",
)

# Texts of the service have no limit of their own; XCom has.
_TEXT_LIMIT = 500


def full_backup_row(backup_plan_id: str, backup: FullBackup) -> JsonRow:
    """A full backup, with the plan that it belongs to; the fields are described in models.FullBackup."""
    return {"backup_plan_id": backup_plan_id, **_picked(backup, _FULL_BACKUP)}


def incremental_backup_row(backup_plan_id: str, backup: IncrementalBackup) -> JsonRow:
    """A log segment, with the plan that it belongs to; the fields are described in models.IncrementalBackup."""
    return {"backup_plan_id": backup_plan_id, **_picked(backup, _INCREMENTAL_BACKUP)}


def backup_plan_row(plan: BackupPlan) -> JsonRow:
    """A backup plan; the fields are described in models.BackupPlan."""
    return _picked(plan, _BACKUP_PLAN)


def _picked(row: Row, names: tuple[str, ...]) -> JsonRow:
    plain = row.as_dict()
    return {name: clean(plain[name], _TEXT_LIMIT) if isinstance(plain[name], str) else plain[name] for name in names}


def status_counts(statuses: Iterable[str]) -> str:
    """For a log line, the most frequent first: ``: finish 3, running 1``; empty for no rows."""
    counts = Counter(clean(status, 40) for status in statuses)
    return ": " + ", ".join(f"{status} {count}" for status, count in counts.most_common()) if counts else ""
