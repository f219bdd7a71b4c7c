# SPDX-License-Identifier: Apache-2.0
"""An audit asks the service and judges the answer, plan by plan: many lists at once, few of them in memory.

A plan is judged as soon as its lists have come, and its rows are dropped. What could not be read makes that plan
UNKNOWN as far as it matters, and no other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_dbs.client.errors import (
    DbsAuthenticationError,
    DbsError,
    DbsListingError,
    DbsSignatureError,
)
from airflow_provider_dbs.gates import utc_now
from airflow_provider_dbs.judgement.audit import (
    PlanAudit,
    Policy,
    audit_plan,
    audit_unavailable,
    logs_since,
    required_inputs,
)
from airflow_provider_dbs.judgement.audit.hindsight import fulls_as_of, logs_as_of, plan_as_of
from airflow_provider_dbs.judgement.plan import PlanNotFound, plan_trouble
from airflow_provider_dbs.judgement.schedule import Schedule, ScheduleError
from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.models import BackupPlan

if TYPE_CHECKING:
    from airflow_provider_dbs.client.client import DbsClient

RowT = TypeVar("RowT")

log = logging.getLogger(__name__)

# Rows of so many plans are in memory at a time, and their lists are on their way together.
PLANS_AT_ONCE = 8
# After so many plans in a row for which DBS gave no answer at all, it is taken to be out of reach.
SILENT_PLANS = 20

# Only for the estimate: DBS tells how long a list is when it is read.
_PAGE_SIZE = 100
_SEGMENT = timedelta(minutes=30)
_RETENTION_DAYS = 30
_LONGEST_RETENTION_DAYS = 3650
_CALL_SECONDS = 0.2
_JUDGEMENT_SECONDS = 0.1


@dataclass(frozen=True)
class Workload:
    """What an audit is about to cost: an estimate by schedules, retentions and a log segment every half hour."""

    calls: int
    time: timedelta


@dataclass(frozen=True)
class Progress:
    """How far an audit is. ``worst``: the worst plan so far. ``left``: by the pace so far, None while there is none."""

    judged: int
    plans: int
    calls: int
    worst: PlanAudit
    left: timedelta | None


class FleetAudit:
    """Judges plans at one ``as_of``; ``on_progress`` is called after each of them.

    Whatever happens to one plan becomes an UNKNOWN finding of that plan.
    """

    def __init__(
        self,
        client: DbsClient,
        policy: Policy,
        as_of: datetime,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._client = client
        self._policy = policy
        self._as_of = as_of
        self._on_progress = on_progress
        self._outage = _Outage()

    def estimate(self, plans: Sequence[BackupPlan]) -> Workload:
        """What judging these plans will cost. Raises ``PolicyError`` when the policy contradicts itself for one."""
        calls = sum(self._calls_for(plan) for plan in plans)
        pace, limit = PLANS_AT_ONCE / _CALL_SECONDS, self._client.settings.max_calls_per_second
        seconds = calls / (min(limit, pace) if limit else pace) + len(plans) * _JUDGEMENT_SECONDS
        return Workload(calls, timedelta(seconds=round(max(1.0, seconds))))

    async def judge(self, plans: Sequence[BackupPlan]) -> list[PlanAudit]:
        """The audits of the plans, in their order."""
        turns = asyncio.Semaphore(PLANS_AT_ONCE)
        started, calls_before = time.monotonic(), self._client.calls_made
        done = 0
        worst: PlanAudit | None = None

        async def judge_in_turn(plan: BackupPlan) -> PlanAudit:
            nonlocal done, worst
            async with turns:
                audit = await self._judge(plan)
            done, spent = done + 1, time.monotonic() - started
            worst = audit if worst is None or audit.severity.rank > worst.severity.rank else worst
            self._on_progress(
                Progress(
                    judged=done,
                    plans=len(plans),
                    calls=self._client.calls_made - calls_before,
                    worst=worst,
                    left=timedelta(seconds=spent / done * (len(plans) - done)) if done > PLANS_AT_ONCE else None,
                )
            )
            return audit

        return list(await asyncio.gather(*(judge_in_turn(plan) for plan in plans)))

    def _calls_for(self, plan: BackupPlan) -> int:
        inputs = required_inputs(self._policy, plan, as_of=self._as_of)
        now = utc_now()
        days = min(plan.backup_retention_period or _RETENTION_DAYS, _LONGEST_RETENTION_DAYS)
        try:
            schedule = Schedule.of(plan.backup_period, plan.backup_start_time)
        except ScheduleError:
            schedule = None
        fulls = len(schedule.between(now - timedelta(days=days), now)) if schedule else days
        # The service is asked for a day more than is needed.
        segments = (now - inputs.logs_since + timedelta(days=1)) // _SEGMENT
        return _pages(fulls) * inputs.fulls + _pages(segments) * inputs.logs

    async def _judge(self, plan: BackupPlan) -> PlanAudit:
        try:
            return await self._read_and_judge(plan)
        except Exception as error:  # a row that breaks a check must not cost the other plans their audit
            log.exception("Plan %s could not be judged", clean(plan.backup_plan_id, 60))
            return audit_unavailable(
                plan.backup_plan_id,
                f"{type(error).__name__}: {error}",
                as_of=self._as_of,
                name=plan.backup_plan_name,
                call="The judgement",
            )

    async def _read_and_judge(self, plan: BackupPlan) -> PlanAudit:
        plan_id = plan.backup_plan_id
        inputs = required_inputs(self._policy, plan, as_of=self._as_of)
        unread: dict[str, str] = {}

        async def read(
            name: str, is_needed: bool, ask: Callable[..., Coroutine[Any, Any, list[RowT]]], since: datetime
        ) -> list[RowT]:
            if not is_needed:
                return []
            if self._outage.lasts:
                unread[name] = f"not asked for, since {self._outage.words}"
                return []
            try:
                rows = await ask(plan_id, start=since)
            except DbsError as error:
                unread[name] = str(error)
                self._outage.note(plan_id, error)
                return []
            self._outage.end()
            return rows

        fulls = await read("fulls", inputs.fulls, self._client.list_full_backups, inputs.fulls_since)
        since = logs_since(inputs, self._policy, plan, fulls, as_of=self._as_of)
        logs = await read("logs", inputs.logs, self._client.list_incremental_backups, since)
        read_at = utc_now()
        return audit_plan(
            plan_as_of(plan, self._as_of, read_at),
            fulls_as_of(fulls, self._as_of, read_at),
            logs_as_of(logs, self._as_of, read_at),
            self._policy,
            self._as_of,
            incomplete=unread,
        )


def plans_not_found(plan_ids: Sequence[str], region_id: str | None, as_of: datetime) -> list[PlanAudit]:
    """Plans that were asked for and that DBS does not know: nobody can say that they are backed up."""
    found = [(plan_id, plan_trouble(plan_id, PlanNotFound(), region_id)) for plan_id in plan_ids]
    return [audit_unavailable(plan_id, trouble.message, as_of=as_of) for plan_id, trouble in found if trouble]


class _Outage:
    """Plans in a row that met only trouble of DBS itself or of the account. Each costs a call's whole patience, and a
    thousand of them would keep a worker for hours.
    """

    def __init__(self) -> None:
        self._plans: set[str] = set()
        self._last: DbsError | None = None

    @property
    def lasts(self) -> bool:
        return len(self._plans) >= SILENT_PLANS

    @property
    def words(self) -> str:
        return f"{len(self._plans)} plans in a row got no answer; the last one: {self._last}"

    def note(self, plan_id: str, error: DbsError) -> None:
        """A list that keeps moving, or a plan that we may not read, is that plan's own trouble."""
        of_account = isinstance(error, (DbsAuthenticationError, DbsSignatureError))
        if of_account or (error.retryable and not isinstance(error, DbsListingError)):
            self._plans.add(plan_id)
            self._last = error
        else:
            self.end()

    def end(self) -> None:
        if not self.lasts:
            self._plans.clear()


def _pages(rows: int) -> int:
    """Calls for a list: its pages, and the first one again when there are several."""
    pages = max(1, -(-rows // _PAGE_SIZE))
    return pages if pages == 1 else pages + 1
