# SPDX-License-Identifier: Apache-2.0
"""A full backup as evidence: what every XCom and every asset event says of it."""

from __future__ import annotations

from typing import Any

from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.models import FullBackup, iso


def full_backup_evidence(full: FullBackup) -> dict[str, Any]:
    """The keys of a full backup in XComs and in asset events."""
    start, end, expires = full.start_time, full.completed_time, full.backup_set_expired_time
    return {
        "backup_set_id": clean(full.backup_set_id),
        "start_time": iso(start) if start else None,
        "end_time": iso(end) if end else None,
        "backup_set_expired_time": iso(expires) if expires else None,
        "backup_size": full.backup_size,
        "storage_method": full.storage_method and clean(full.storage_method, 40),
        "backup_status": str(full.backup_status),
    }
