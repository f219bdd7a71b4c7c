# SPDX-License-Identifier: Apache-2.0
"""Rows read after ``as_of`` as they were at ``as_of``, and gaps whose bounds move with it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from airflow_provider_dbs.judgement.audit import Policy, audit_plan, compare, roll_up
from airflow_provider_dbs.judgement.audit.hindsight import fulls_as_of, logs_as_of, plan_as_of
from airflow_provider_dbs.models import (
    BackupPlan,
    BackupPlanStatus,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
)

AS_OF = datetime(2026, 11, 21, 10, 0, tzinfo=timezone.utc)
READ_AT = AS_OF + timedelta(hours=1)


def ms(minutes: float | None) -> int | None:
    """Minutes after AS_OF."""
    return None if minutes is None else round((AS_OF + timedelta(minutes=minutes)).timestamp() * 1000)


def full(start: float | None, end: float | None = None, created: float | None = None, **more: Any) -> FullBackup:
    return FullBackup(
        backup_set_id="f",
        backup_status=FullBackupStatus.FINISH,
        create_time_ms=ms(created),
        start_time_ms=ms(start),
        end_time_ms=ms(end),
        finish_time_ms=ms(end),
        backup_set_expired_time_ms=ms(10_000),
        backup_size=5,
        **more,
    )


def log(start: float | None, end: float | None = None) -> IncrementalBackup:
    return IncrementalBackup(
        backup_set_id="l",
        backup_set_job_id="j",
        backup_status=IncrementalBackupStatus.COMPLETED,
        start_time_ms=ms(start),
        end_time_ms=ms(end),
    )


@pytest.mark.parametrize(
    "row",
    [
        full(-60, -20),
        full(-60, 4),  # clocks differ that much
        full(-60, 66),  # and this one is of the future
        full(66, 90),
        full(None),
    ],
)
def test_a_full_that_is_left_as_it_is(row: FullBackup) -> None:
    assert fulls_as_of([row], AS_OF, READ_AT) == [row]


def test_a_full_that_ended_in_between_was_running() -> None:
    (row,) = fulls_as_of([full(-60, 30, err_message="e")], AS_OF, READ_AT)
    assert row == msgspec.structs.replace(
        full(-60), backup_status=FullBackupStatus.RUNNING, backup_set_expired_time_ms=None, backup_size=None
    )


def test_what_started_or_was_created_in_between_was_not_there() -> None:
    assert fulls_as_of([full(30, 50), full(None, created=30)], AS_OF, READ_AT) == []
    assert logs_as_of([log(30, 50)], AS_OF, READ_AT) == []


def test_a_segment_that_was_sealed_in_between_was_being_filled() -> None:
    for start, end in ((-60.0, 0.0), (3.0, 3.0)):
        (row,) = logs_as_of([log(start, 30)], AS_OF, READ_AT)
        assert (row.backup_status, row.end_time_ms) == (IncrementalBackupStatus.FILLING, ms(end))
    kept = [log(-60, -30), log(-60, 66), log(None)]
    assert logs_as_of(kept, AS_OF, READ_AT) == kept


def test_a_plan_that_was_created_in_between_is_new() -> None:
    for created, kept in ((-60.0, -60.0), (30, 0.0), (66, 66), (None, None)):
        plan = BackupPlan(
            backup_plan_id="dbs1", backup_plan_status=BackupPlanStatus.RUNNING, backup_plan_create_time_ms=ms(created)
        )
        assert plan_as_of(plan, AS_OF, READ_AT).backup_plan_create_time_ms == ms(kept)


def test_a_gap_that_moves_with_the_window_is_an_old_matter() -> None:
    plan = BackupPlan(
        backup_plan_id="dbs1",
        backup_plan_status=BackupPlanStatus.RUNNING,
        backup_method="physical",
        enable_backup_log=False,
    )
    policy = Policy.from_mapping({"recovery_window": "3d"})
    audits = [
        roll_up([audit_plan(plan, [], [], policy, as_of)], as_of=as_of, policy=policy)
        for as_of in (AS_OF, AS_OF + timedelta(days=1), AS_OF + timedelta(days=9))
    ]

    def coverage(place: int) -> str:
        return next(f.fingerprint for f in audits[place].plans[0].findings if f.check_id == "coverage")

    assert coverage(1) in compare(audits[0], audits[1]).ongoing
    # Nine days on nothing says that it is the same three days.
    assert coverage(2) in compare(audits[0], audits[2]).new
