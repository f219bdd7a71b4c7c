# SPDX-License-Identifier: Apache-2.0
"""Operators that list full backups, incremental backups and backup plans; those that audit are in ``audit.py``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_dbs.links import DbsApiPageLink, DbsConsoleLink
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup
from airflow_provider_dbs.operators._base import DbsListBackupsOperator, DbsListOperator
from airflow_provider_dbs.operators.audit import DbsBackupAuditOperator, DbsMergeAuditsOperator
from airflow_provider_dbs.operators.plan_filters import PlanFilters
from airflow_provider_dbs.operators.rows import (
    JsonRow,
    backup_plan_row,
    full_backup_row,
    incremental_backup_row,
    status_counts,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_dbs.client.client import DbsClient

__all__ = [
    "DbsBackupAuditOperator",
    "DbsListBackupPlansOperator",
    "DbsListFullBackupsOperator",
    "DbsListIncrementalBackupsOperator",
    "DbsMergeAuditsOperator",
]


class DbsListFullBackupsOperator(DbsListBackupsOperator[FullBackup]):
    """Lists the full backups of a backup plan, newest first.

    Without a window setting that is every backup the service lists. With one it is those whose StartTime (CreateTime
    while there is none) lies in ``[start, end)`` of the window that DbsFullBackupSensor would take; a backup that has
    neither time yet is in every window. Times are ISO 8601 or datetimes, naive ones in Airflow's default time zone.

    :param backup_plan_id: the plan, e.g. ``dbsr179qz0001`` (templated, as are the next four).
    :param dbs_conn_id: the Airflow connection.
    :param region_id: the plan's region when it is not the connection's.
    :param window_start: where the window begins.
    :param window_end: where it ends; the end itself is outside. Alone it means the day before it.
    :param lookback: the window's length when it has no ``window_start``; a timedelta or seconds.
    :param max_rows: more backups than this fail the task instead of filling XCom; none is ever left out silently.

    Returns a list of dicts: ``backup_plan_id``, ``backup_set_id``, ``backup_status``, ``create_time``, ``start_time``,
    ``end_time``, ``finish_time``, ``backup_set_expired_time``, ``backup_size``, ``storage_method``, ``err_message``;
    times as ISO 8601 in UTC, None for what the service has not (yet) told. An empty list means that the plan exists
    and has none, and fails the task when DBS does not know the plan in this region.
    """

    operator_extra_links = (DbsConsoleLink(), DbsApiPageLink("DescribeFullBackupList"))
    noun = "full backups"

    async def list_backups(self, client: DbsClient, start: datetime | None, end: datetime | None) -> list[FullBackup]:
        return await client.list_full_backups(self.backup_plan_id, start=start, end=end)

    def row(self, backup: FullBackup) -> JsonRow:
        return full_backup_row(self.backup_plan_id, backup)


class DbsListIncrementalBackupsOperator(DbsListBackupsOperator[IncrementalBackup]):
    """Lists the log segments of a backup plan, newest first.

    Parameters as DbsListFullBackupsOperator; a segment is placed by its StartTime, and one that began before the
    window is not in it even if it reaches into it.

    Returns a list of dicts: ``backup_plan_id``, ``backup_set_id`` (the log file's name, which may repeat),
    ``backup_set_job_id``, ``backup_status``, ``start_time``, ``end_time`` (still moving while FILLING),
    ``backup_set_expired_time``, ``backup_size``, ``storage_method``; times as ISO 8601 in UTC, None for what the
    service has not (yet) told.
    """

    operator_extra_links = (DbsConsoleLink(), DbsApiPageLink("DescribeIncrementBackupList"))
    noun = "incremental backups"

    async def list_backups(
        self, client: DbsClient, start: datetime | None, end: datetime | None
    ) -> list[IncrementalBackup]:
        return await client.list_incremental_backups(self.backup_plan_id, start=start, end=end)

    def row(self, backup: IncrementalBackup) -> JsonRow:
        return incremental_backup_row(self.backup_plan_id, backup)


class FoundPlans(NamedTuple):
    listed: list[BackupPlan]
    unknown: list[str]
    """Ids that were asked for and that DBS does not know."""
    region_id: str | None
    """The region that was asked."""


class DbsListBackupPlansOperator(DbsListOperator):
    """Lists the ids of backup plans, made for one mapped task per plan.

    .. code-block:: python

        plans = DbsListBackupPlansOperator(task_id="plans", status="running")
        DbsFullBackupSensor.partial(task_id="gate").expand(backup_plan_id=plans.output)

    A task that is mapped over an empty list is skipped, and a gate that is skipped has not looked. So an empty list
    fails this task unless ``allow_empty``, and an id that DBS does not know always does.

    :param backup_plan_ids: only these plans: a list, or their ids in one string, separated by commas (templated, as
        are the next four). None means all plans of the account.
    :param status: only plans in this BackupPlanStatus: wait, init, running, stop, pause, locked or check_pass.
    :param region: only plans of this region; ``region_id`` is the region whose endpoint is asked.
    :param dbs_conn_id: the Airflow connection.
    :param region_id: the region to ask when it is not the connection's.
    :param allow_empty: return an empty list when no plan is left, and so skip what is mapped over it.
    :param max_rows: more plans than this fail the task; none is ever left out silently. Airflow itself maps over at
        most ``[core] max_map_length`` (1,024).

    Returns the ids, sorted. A second XCom, ``backup_plans``, holds a dict for each of them in the same order:
    ``backup_plan_id``, ``backup_plan_name``, ``backup_plan_status``, ``backup_plan_region``, ``database_type``,
    ``backup_method``, ``backup_period``, ``backup_start_time`` (UTC), ``backup_retention_period`` (days),
    ``enable_backup_log``, ``begin_timestamp_for_restore``, ``end_timestamp_for_restore``, ``err_message``.
    """

    template_fields: Sequence[str] = (*DbsListOperator.template_fields, "backup_plan_ids", "status", "region")
    operator_extra_links = (DbsConsoleLink(), DbsApiPageLink("DescribeBackupPlanList"))

    def __init__(
        self,
        *,
        backup_plan_ids: Collection[str] | str | None = None,
        status: str | None = None,
        region: str | None = None,
        allow_empty: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backup_plan_ids = backup_plan_ids
        self.status = status
        self.region = region
        self.allow_empty = allow_empty

    def execute(self, context: Context) -> list[str]:
        try:
            filters = PlanFilters.read(self.backup_plan_ids, self.status, self.region)
        except ValueError as error:
            raise AirflowFailException(f"Bad argument: {error}") from None

        found = self.ask(lambda client: _find(client, filters))
        asked = f"connection {self.dbs_conn_id}, region {found.region_id or 'not set'}"
        if found.unknown:
            raise AirflowFailException(
                f"DBS does not know plans {', '.join(found.unknown)} ({asked}): "
                "check backup_plan_ids, region_id and the account."
            )
        plans = [plan for plan in found.listed if filters.keep(plan)]
        seen = f"{len(found.listed)} plans{status_counts(plan.backup_plan_status for plan in found.listed)}"
        if not plans and not self.allow_empty:
            raise AirflowFailException(
                f"No backup plan matches {filters} ({asked}; DBS listed {seen}). A task mapped over an empty list is "
                "skipped, so nothing would be checked. Way out: other filters, region_id, or allow_empty=True."
            )
        self.check_size(len(plans), f"backup plans for {filters}", "filters (backup_plan_ids, status, region)")
        self.log.info("Found %d backup plans for %s (%s; DBS listed %s)", len(plans), filters, asked, seen)
        if self.do_xcom_push:
            context["ti"].xcom_push(key="backup_plans", value=[backup_plan_row(plan) for plan in plans])
        return [plan.backup_plan_id for plan in plans]


async def _find(client: DbsClient, filters: PlanFilters) -> FoundPlans:
    """The plans before the status is looked at, which is done here so that no status can hide an unknown id."""
    listed = await client.list_backup_plans(backup_plan_ids=filters.backup_plan_ids, region=filters.region)
    unknown = filters.missing_from(listed)
    if unknown and filters.region:
        elsewhere = await client.list_backup_plans(backup_plan_ids=unknown)
        unknown = filters.missing_from([*listed, *elsewhere])
    return FoundPlans(listed, unknown, client.settings.region_id)
