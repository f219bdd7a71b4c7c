# SPDX-License-Identifier: Apache-2.0
"""Builders of rows: each gives a sound row, and a test changes only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_dbs.models import (
    BackupPlan,
    BackupPlanStatus,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
)

MIDNIGHT = datetime(2026, 11, 20, tzinfo=timezone.utc)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


@pytest.fixture(scope="session")
def t() -> Callable[..., datetime]:
    """``t(2, 30)`` is half past two in the night of 20 November 2026, UTC; hours may go beyond the day."""

    def build(hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        return MIDNIGHT + timedelta(hours=hours, minutes=minutes, seconds=seconds)

    return build


@pytest.fixture(scope="session")
def full(t: Callable[..., datetime]) -> Callable[..., FullBackup]:
    """A full backup that ran from ``start`` to ``end``; one without an end is unfinished, if no status is given."""

    def build(
        backup_set_id: str = "full-1",
        start: datetime | None = None,
        end: datetime | None = None,
        status: str | None = None,
        *,
        created: datetime | None = None,
        finish: datetime | None = None,
        expires: datetime | None = None,
        **fields: Any,
    ) -> FullBackup:
        values: dict[str, Any] = {"backup_size": 1000, "storage_method": "Standard", **fields}
        return FullBackup(
            backup_set_id=backup_set_id,
            backup_status=FullBackupStatus(status or ("finish" if end else "running")),
            create_time_ms=_ms(created or start),
            start_time_ms=_ms(start),
            end_time_ms=_ms(end),
            finish_time_ms=_ms(finish),
            backup_set_expired_time_ms=_ms(expires),
            **values,
        )

    return build


@pytest.fixture(scope="session")
def log() -> Callable[..., IncrementalBackup]:
    """A log segment from ``start`` to ``end``; an int as its name is a binlog's number."""

    def build(
        name: str | int,
        start: datetime | None,
        end: datetime | None,
        status: str = "COMPLETED",
        *,
        job: str = "job-1",
        endpoint: str | None = "10.0.0.1:3306",
        base_name: str = "mysql-bin",
        expires: datetime | None = None,
    ) -> IncrementalBackup:
        return IncrementalBackup(
            backup_set_id=f"{base_name}.{name:06d}" if isinstance(name, int) else name,
            backup_set_job_id=job,
            backup_status=IncrementalBackupStatus(status),
            start_time_ms=_ms(start),
            end_time_ms=_ms(end),
            backup_set_expired_time_ms=_ms(expires),
            source_endpoint_ip_port=endpoint,
        )

    return build


@pytest.fixture(scope="session")
def plan() -> Callable[..., BackupPlan]:
    """A running plan of physical backups."""

    def build(status: str = "running", **fields: Any) -> BackupPlan:
        values: dict[str, Any] = {"backup_method": "physical", "enable_backup_log": True, **fields}
        return BackupPlan(backup_plan_id="dbs1", backup_plan_status=BackupPlanStatus(status), **values)

    return build
