# SPDX-License-Identifier: Apache-2.0
"""The gates: sensors that let a DAG go on when a backup can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_dbs.gates import FullBackupGate, IncrementalGate, RecoveryPointGate
from airflow_provider_dbs.judgement.full_backup_goal import ANCHORS, USABLE_AT, Anchor, FullBackupGoal, UsableAt
from airflow_provider_dbs.judgement.goal import SETTLE, as_duration, check_choice
from airflow_provider_dbs.judgement.incremental_gate import IncrementalGoal
from airflow_provider_dbs.judgement.recovery_point_goal import AUTHORITIES, Authority, RecoveryPointGoal
from airflow_provider_dbs.judgement.window import resolve_recovery_time, resolve_window
from airflow_provider_dbs.links import DbsApiPageLink, DbsConsoleLink
from airflow_provider_dbs.run_dates import run_dates
from airflow_provider_dbs.sensors._base import DbsGateSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class DbsFullBackupSensor(DbsGateSensor):
    """Waits for a usable full backup of a backup plan, and refuses when the window closed without one.

    The window is ``[window_start, window_end)``, or ``lookback`` before the run's end, or the run's data interval, or
    the day before the run; ``open_end`` drops its right edge and waits for the next backup. Times are ISO 8601 or
    datetimes, naive ones in Airflow's default time zone; durations are timedeltas or seconds.

    :param backup_plan_id: the plan, e.g. ``dbsr179qz0001`` (templated, as are the next four).
    :param dbs_conn_id: the Airflow connection.
    :param region_id: the plan's region when it is not the connection's.
    :param window_start: where the window begins.
    :param window_end: where it ends; the end itself is outside.
    :param lookback: the window's length when it has no ``window_start``.
    :param anchor: which of the backup's times must lie in the window: ``start``, ``end``, or both (``contained``).
    :param grace: how long after the window's end a backup still counts.
    :param settle: how long after that nothing counts as missing yet, because the service's list may lag.
    :param open_end: wait for a later backup until the sensor's ``timeout``.
    :param accept_later: take a backup from after the window too, however late; of several the newest counts.
    :param usable_at: whether the backup must be unexpired ``now`` or at the ``window_end``.
    :param min_size: smallest BackupSize that counts.
    :param fail_on_stopped: refuse at once when the backup of the window has failed.

    Returns the verdict, the window and the backup set: ``backup_set_id``, ``start_time``, ``end_time``,
    ``backup_set_expired_time``, ``backup_size``, ``storage_method``, ``backup_status``; times as ISO 8601 in UTC.
    """

    template_fields: Sequence[str] = (*DbsGateSensor.template_fields, "window_start", "window_end")
    operator_extra_links = (DbsConsoleLink(), DbsApiPageLink("DescribeFullBackupList"))

    def __init__(
        self,
        *,
        window_start: str | datetime | None = None,
        window_end: str | datetime | None = None,
        lookback: timedelta | float | None = None,
        anchor: Anchor = "start",
        grace: timedelta | float = 0,
        settle: timedelta | float = SETTLE,
        open_end: bool = False,
        accept_later: bool = False,
        usable_at: UsableAt = "now",
        min_size: int = 1,
        fail_on_stopped: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("anchor", anchor, ANCHORS)
        check_choice("usable_at", usable_at, USABLE_AT)
        self.window_start = window_start
        self.window_end = window_end
        self.lookback = None if lookback is None else as_duration("lookback", lookback)
        self.anchor = anchor
        self.grace = as_duration("grace", grace)
        self.settle = as_duration("settle", settle)
        self.open_end = open_end
        self.accept_later = accept_later
        self.usable_at = usable_at
        self.min_size = min_size
        self.fail_on_stopped = fail_on_stopped

    def make_gate(self, context: Context, as_of: datetime) -> FullBackupGate:
        window = resolve_window(
            as_of=as_of,
            window_start=self.window_start,
            window_end=self.window_end,
            lookback=self.lookback,
            open_end=self.open_end,
            **run_dates(context),
        )
        goal = FullBackupGoal(
            backup_plan_id=self.backup_plan_id,
            window=window,
            anchor=self.anchor,
            grace=self.grace,
            settle=self.settle,
            accept_later=self.accept_later,
            usable_at=self.usable_at,
            min_size=self.min_size,
            fail_on_stopped=self.fail_on_stopped,
        )
        return FullBackupGate(goal)


class DbsIncrementalBackupSensor(DbsGateSensor):
    """Waits until sealed logs cover a window without a gap, and refuses when a gap in it is there to stay.

    The window is found as by ``DbsFullBackupSensor``.

    :param backup_plan_id: the plan, e.g. ``dbsr179qz0001`` (templated, as are the next four).
    :param dbs_conn_id: the Airflow connection.
    :param region_id: the plan's region when it is not the connection's.
    :param window_start: where the window begins.
    :param window_end: where it ends.
    :param lookback: the window's length when it has no ``window_start``.
    :param settle: how long after the window's end no log counts as missing yet.
    :param count_open_tail: take the segment that is still being filled as done: quiet databases seal theirs rarely.

    Returns the verdict, the window and the logs: ``first_segment``, ``last_segment``, ``segments`` (how many),
    ``start_time`` and ``end_time`` of the run, ``open_tail``; times as ISO 8601 in UTC.
    """

    template_fields: Sequence[str] = (*DbsGateSensor.template_fields, "window_start", "window_end")
    operator_extra_links = (DbsConsoleLink(), DbsApiPageLink("DescribeIncrementBackupList"))

    def __init__(
        self,
        *,
        window_start: str | datetime | None = None,
        window_end: str | datetime | None = None,
        lookback: timedelta | float | None = None,
        settle: timedelta | float = SETTLE,
        count_open_tail: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.window_start = window_start
        self.window_end = window_end
        self.lookback = None if lookback is None else as_duration("lookback", lookback)
        self.settle = as_duration("settle", settle)
        self.count_open_tail = count_open_tail

    def make_gate(self, context: Context, as_of: datetime) -> IncrementalGate:
        window = resolve_window(
            as_of=as_of,
            window_start=self.window_start,
            window_end=self.window_end,
            lookback=self.lookback,
            **run_dates(context),
        )
        goal = IncrementalGoal(
            backup_plan_id=self.backup_plan_id,
            window=window,
            settle=self.settle,
            count_open_tail=self.count_open_tail,
        )
        return IncrementalGate(goal)


class DbsRecoveryPointSensor(DbsGateSensor):
    """Waits until the database can be restored to an instant, and refuses when it never will be.

    It proves what the service's catalogue promises, not that a restore works.

    :param backup_plan_id: the plan, e.g. ``dbsr179qz0001`` (templated, as are the next three).
    :param dbs_conn_id: the Airflow connection.
    :param region_id: the plan's region when it is not the connection's.
    :param recovery_time: the instant; the end of the run's data interval, else ``run_after``, when not given.
    :param backup_method: ``logical``, ``physical`` or ``duplication``; read from the plan when not given.
    :param authority: who decides: the lists of backups (``computed``), the service's own restore ranges
        (``service``), or ``both``, which must agree.
    :param settle: how long after the instant nothing counts as missing yet.
    :param count_open_tail: take the segment that is still being filled as done.

    Returns the verdict, ``recovery_time`` and the evidence: ``backup_set_id``, ``start_time``, ``end_time``, ``kind``
    (``range`` or ``point``), ``covered_until``, ``authority``, ``first_segment``, ``last_segment``.
    """

    template_fields: Sequence[str] = (*DbsGateSensor.template_fields, "recovery_time")
    operator_extra_links = (DbsConsoleLink(), DbsApiPageLink("DescribeRestoreRangeInfo"))

    def __init__(
        self,
        *,
        recovery_time: str | datetime | None = None,
        backup_method: str | None = None,
        authority: Authority = "both",
        settle: timedelta | float = SETTLE,
        count_open_tail: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("authority", authority, AUTHORITIES)
        self.recovery_time = recovery_time
        self.backup_method = backup_method
        self.authority = authority
        self.settle = as_duration("settle", settle)
        self.count_open_tail = count_open_tail

    def make_gate(self, context: Context, as_of: datetime) -> RecoveryPointGate:
        dates = run_dates(context)
        del dates["data_interval_start"]  # an instant is at the interval's end
        recovery_time, source = resolve_recovery_time(as_of=as_of, recovery_time=self.recovery_time, **dates)
        goal = RecoveryPointGoal(
            backup_plan_id=self.backup_plan_id,
            recovery_time=recovery_time,
            source=source,
            backup_method=self.backup_method,
            authority=self.authority,
            settle=self.settle,
            count_open_tail=self.count_open_tail,
        )
        return RecoveryPointGate(goal)
