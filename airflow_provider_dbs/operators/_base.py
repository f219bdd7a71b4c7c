# SPDX-License-Identifier: Apache-2.0
"""What every operator does: ask DBS, turn its errors into Airflow's, and keep the XCom small."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, BaseOperator

from airflow_provider_dbs.client.errors import DbsError
from airflow_provider_dbs.hooks.dbs import DbsHook
from airflow_provider_dbs.judgement.goal import as_duration
from airflow_provider_dbs.judgement.plan import PlanNotFound, PlanTrouble, plan_trouble
from airflow_provider_dbs.judgement.window import Window, resolve_window
from airflow_provider_dbs.models import FullBackup, IncrementalBackup
from airflow_provider_dbs.operators.rows import JsonRow, status_counts
from airflow_provider_dbs.run_dates import run_dates

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_dbs.client.client import DbsClient

T = TypeVar("T")
BackupT = TypeVar("BackupT", FullBackup, IncrementalBackup)

# Below the 1,024 tasks that Airflow maps over one list unless [core] max_map_length says otherwise.
MAX_ROWS = 1000


class DbsListOperator(BaseOperator):
    """An operator that lists something: complete, or an error.

    A DbsError becomes AirflowException, so that Airflow's retries apply, when the same question may be answered later;
    otherwise AirflowFailException, as for a setting that makes no sense and for more than ``max_rows`` rows.
    """

    template_fields: Sequence[str] = ("dbs_conn_id", "region_id")

    def __init__(
        self,
        *,
        dbs_conn_id: str = DbsHook.default_conn_name,
        region_id: str | None = None,
        max_rows: int = MAX_ROWS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(max_rows, int) or isinstance(max_rows, bool) or max_rows < 1:
            raise ValueError(f"max_rows={max_rows!r} must be a whole number from 1 on")
        self.dbs_conn_id = dbs_conn_id
        self.region_id = region_id
        self.max_rows = max_rows

    def ask(self, question: Callable[[DbsClient], Awaitable[T]]) -> T:
        """The answer to ``question`` through the operator's connection."""
        try:
            return DbsHook(self.dbs_conn_id, self.region_id).ask(question)
        except DbsError as error:
            kind = AirflowException if error.retryable else AirflowFailException
            raise kind(f"DBS gave no list: {error}") from error

    def check_size(self, found: int, what: str, ways_out: str) -> None:
        if found > self.max_rows:
            raise AirflowFailException(
                f"Found {found} {what}, more than max_rows={self.max_rows} allows into XCom, and handed on none of "
                f"them. Way out: {ways_out}, or a higher max_rows."
            )


class DbsListBackupsOperator(DbsListOperator, Generic[BackupT]):
    """Lists a plan's backups: all of them, or those of the same window that a sensor would look at."""

    template_fields: Sequence[str] = (*DbsListOperator.template_fields, "backup_plan_id", "window_start", "window_end")

    noun: ClassVar[str]

    def __init__(
        self,
        *,
        backup_plan_id: str,
        window_start: str | datetime | None = None,
        window_end: str | datetime | None = None,
        lookback: timedelta | float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backup_plan_id = backup_plan_id
        self.window_start = window_start
        self.window_end = window_end
        self.lookback = None if lookback is None else as_duration("lookback", lookback)

    @abstractmethod
    async def list_backups(self, client: DbsClient, start: datetime | None, end: datetime | None) -> list[BackupT]: ...

    @abstractmethod
    def row(self, backup: BackupT) -> JsonRow: ...

    def execute(self, context: Context) -> list[JsonRow]:
        try:
            if not self.backup_plan_id:
                raise ValueError("backup_plan_id is empty: give the id of a backup plan, such as dbsr179qz0001")
            window = self._window(context)
        except ValueError as error:
            raise AirflowFailException(f"Bad argument: {error}") from None

        backups, trouble = self.ask(lambda client: self._look(client, window))
        what = f"{self.noun} of plan {self.backup_plan_id}"
        stretch = f"in {window} ({window.source})" if window else "in all"
        if trouble and trouble.reason in ("plan_not_found", "plan_in_other_region"):
            raise AirflowFailException(f"Found no {what} {stretch}: {trouble.message}")
        self.check_size(len(backups), f"{what} {stretch}", "a narrower window (window_start, window_end, lookback)")
        self.log.info("Found %d %s %s%s", len(backups), what, stretch, status_counts(b.backup_status for b in backups))
        if trouble:
            self.log.warning(trouble.message)
        return [self.row(backup) for backup in backups]

    def _window(self, context: Context) -> Window | None:
        """None without a window setting; a template that renders to nothing is none."""
        bounds = [bound.strip() if isinstance(bound, str) else bound for bound in (self.window_start, self.window_end)]
        if self.lookback is None and not any(bounds):
            return None
        return resolve_window(
            as_of=datetime.now(timezone.utc),
            window_start=self.window_start,
            window_end=self.window_end,
            lookback=self.lookback,
            **run_dates(context),
        )

    async def _look(self, client: DbsClient, window: Window | None) -> tuple[list[BackupT], PlanTrouble | None]:
        """The backups; with none, what the plan says about it: an unknown plan has an empty list as well."""
        start, end = (window.start, window.end) if window else (None, None)
        backups = await self.list_backups(client, start, end)
        if backups:
            return backups, None
        try:
            plans = await client.list_backup_plans(backup_plan_ids=[self.backup_plan_id])
        except DbsError as error:  # the plan only adds words, and may be out of the policy's reach
            self.log.info("Could not ask about plan %s: %s", self.backup_plan_id, error)
            return backups, None
        plan = plans[0] if plans else PlanNotFound()
        return backups, plan_trouble(self.backup_plan_id, plan, client.settings.region_id)
