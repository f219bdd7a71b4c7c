# SPDX-License-Identifier: Apache-2.0
"""A gate asks the service and judges the answer: the one path from a goal to a verdict, for sensors and triggers.

What it asks goes through a ``Reader``: a task reads for itself (``ClientReader``), the triggers of a triggerer share
what one of them has read (``hooks/shared.py``). Either way an answer carries the instant at which it was asked for, and
the gate judges as of that instant, so that a window closes only on a list that was read after its end.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from airflow_provider_dbs.client.errors import DbsError, DbsSettingsError, DbsTimeoutError
from airflow_provider_dbs.judgement.full_backup_goal import FullBackupGoal
from airflow_provider_dbs.judgement.gate import judge_full_backups
from airflow_provider_dbs.judgement.goal import Goal, api_error_verdict, call_failed_verdict
from airflow_provider_dbs.judgement.incremental_gate import IncrementalGoal, judge_incremental_backups
from airflow_provider_dbs.judgement.plan import PlanNotFound
from airflow_provider_dbs.judgement.recovery_gate import RecoveryPointGoal, judge_recovery_point
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup, RestoreRange

if TYPE_CHECKING:
    from airflow_provider_dbs.client.client import DbsClient

# A log segment may begin this long before the time that is asked for and still hold it.
_REACH = timedelta(days=1)
# The service wants a stretch around the instant, not the instant.
_BEYOND = timedelta(minutes=1)

# Seconds. A look this short is allowed even past the deadline, so that a short timeout still ends with a reason.
_SHORTEST_LOOK = 5.0

T = TypeVar("T")
GoalT = TypeVar("GoalT", bound=Goal)


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What the service said, and the instant before it was asked."""

    answer: T
    as_of: datetime


class Reader(Protocol):
    """What a gate can ask. Every question raises DbsError."""

    async def region_id(self) -> str | None: ...
    async def full_backups(self, backup_plan_id: str) -> Reading[list[FullBackup]]: ...
    async def incremental_backups(
        self, backup_plan_id: str, start: datetime | None
    ) -> Reading[list[IncrementalBackup]]: ...
    async def backup_plan(self, backup_plan_id: str) -> Reading[BackupPlan | PlanNotFound]: ...
    async def restore_ranges(
        self, backup_plan_id: str, start: datetime, end: datetime
    ) -> Reading[list[RestoreRange]]: ...


class ClientReader:
    """Asks the service anew each time."""

    def __init__(self, client: DbsClient) -> None:
        self._client = client

    async def region_id(self) -> str | None:
        return self._client.settings.region_id

    async def full_backups(self, backup_plan_id: str) -> Reading[list[FullBackup]]:
        as_of = utc_now()
        return Reading(await self._client.list_full_backups(backup_plan_id), as_of)

    async def incremental_backups(
        self, backup_plan_id: str, start: datetime | None
    ) -> Reading[list[IncrementalBackup]]:
        as_of = utc_now()
        return Reading(await self._client.list_incremental_backups(backup_plan_id, start=start), as_of)

    async def backup_plan(self, backup_plan_id: str) -> Reading[BackupPlan | PlanNotFound]:
        as_of = utc_now()
        plans = await self._client.list_backup_plans(backup_plan_ids=[backup_plan_id])
        return Reading(plans[0] if plans else PlanNotFound(), as_of)

    async def restore_ranges(self, backup_plan_id: str, start: datetime, end: datetime) -> Reading[list[RestoreRange]]:
        as_of = utc_now()
        return Reading(await self._client.get_restore_ranges(backup_plan_id, start, end), as_of)


class Gate(ABC, Generic[GoalT]):
    """What one waiting task wants, and what it has learned about its plan while it waits."""

    kind: ClassVar[str]
    goal_type: ClassVar[type[Goal]]

    def __init__(self, goal: GoalT) -> None:
        self.goal = goal
        self._plan: BackupPlan | PlanNotFound | None = None
        self._plan_was_read = False

    async def evaluate(self, reader: Reader, deadline: datetime | None = None) -> Verdict:
        """One look at the service, which must not outlast ``deadline``: a slow one is WAIT, like one that failed."""
        left = max((deadline - utc_now()).total_seconds(), _SHORTEST_LOOK) if deadline else None
        try:
            return await asyncio.wait_for(self._look(reader), left)
        except asyncio.TimeoutError:
            return self.verdict_on(DbsTimeoutError("the look was not over when the gate's timeout came"))
        except DbsError as error:
            return self.verdict_on(error)

    def verdict_on(self, error: DbsError) -> Verdict:
        """WAIT when the same question may be answered later, else FAIL; code and request id are in the message."""
        if isinstance(error, DbsSettingsError):
            return self.goal.verdict(Outcome.FAIL, "bad_settings", str(error))
        return (api_error_verdict if error.retryable else call_failed_verdict)(self.goal, str(error))

    def verdict_on_crash(self, error: Exception) -> Verdict:
        """WAIT after an error that nobody foresaw, for a task that is told to look again (``silent_fail``)."""
        words = clean(f"{type(error).__name__}: {error}", 500)
        return self.goal.verdict(Outcome.WAIT, "look_failed", f"The look failed, the next one tries again: {words}")

    @abstractmethod
    async def _look(self, reader: Reader) -> Verdict: ...

    async def _plan_for(self, verdict: Verdict, reader: Reader) -> BackupPlan | PlanNotFound | None:
        """The plan as it is before a FAIL, as it was at first for a WAIT; None when the service does not tell."""
        if verdict.outcome is Outcome.FAIL or not self._plan_was_read:
            self._plan_was_read = True
            with suppress(DbsError):  # the plan only adds words
                self._plan = (await reader.backup_plan(self.goal.backup_plan_id)).answer
        return self._plan


class FullBackupGate(Gate[FullBackupGoal]):
    """Waits for a usable full backup of a window."""

    kind = "full_backup"
    goal_type = FullBackupGoal

    async def _look(self, reader: Reader) -> Verdict:
        backups = await reader.full_backups(self.goal.backup_plan_id)
        verdict = judge_full_backups(backups.answer, self.goal, backups.as_of)
        if not verdict.needs_plan:
            return verdict
        plan = await self._plan_for(verdict, reader)
        return judge_full_backups(backups.answer, self.goal, backups.as_of, plan, await reader.region_id())


class IncrementalGate(Gate[IncrementalGoal]):
    """Waits for sealed logs over a window."""

    kind = "incremental"
    goal_type = IncrementalGoal

    async def _look(self, reader: Reader) -> Verdict:
        # Most looks need only the window's logs; nothing is refused before all of them have been seen.
        for since in (_well_before(self.goal.window.start), None):
            verdict = await self._judge(reader, await reader.incremental_backups(self.goal.backup_plan_id, since))
            if verdict.outcome is not Outcome.FAIL:
                break
        return verdict

    async def _judge(self, reader: Reader, logs: Reading[list[IncrementalBackup]]) -> Verdict:
        verdict = judge_incremental_backups(logs.answer, self.goal, logs.as_of)
        if not verdict.needs_plan:
            return verdict
        plan = await self._plan_for(verdict, reader)
        return judge_incremental_backups(logs.answer, self.goal, logs.as_of, plan, await reader.region_id())


class RecoveryPointGate(Gate[RecoveryPointGoal]):
    """Waits until the database can be restored to an instant."""

    kind = "recovery_point"
    goal_type = RecoveryPointGoal

    async def _look(self, reader: Reader) -> Verdict:
        now = Reading[list[FullBackup]]([], utc_now())
        if self.goal.recovery_time > now.as_of:
            return judge_recovery_point((), (), self.goal, now.as_of)
        if self.goal.authority == "service":
            return await self._judge(reader, now, Reading([], now.as_of))
        if self.goal.backup_method is None and self._plan is None:
            self._plan = (await reader.backup_plan(self.goal.backup_plan_id)).answer
        fulls = await reader.full_backups(self.goal.backup_plan_id)
        # The newest full backup before the instant needs the fewest logs; older ones and theirs decide a refusal.
        for since in (_well_before(self._newest_start(fulls.answer)), None):
            logs = await reader.incremental_backups(self.goal.backup_plan_id, since)
            verdict = await self._judge(reader, fulls, logs)
            if verdict.outcome is not Outcome.FAIL:
                break
        return verdict

    def _newest_start(self, fulls: list[FullBackup]) -> datetime:
        time = self.goal.recovery_time
        ready = [full.start_time for full in fulls if full.completed_time and full.completed_time <= time]
        return max((start for start in ready if start), default=time)

    async def _judge(
        self, reader: Reader, fulls: Reading[list[FullBackup]], logs: Reading[list[IncrementalBackup]]
    ) -> Verdict:
        judge = partial(judge_recovery_point, fulls.answer, logs.answer, self.goal, min(fulls.as_of, logs.as_of))
        ranges = None
        verdict = judge(ranges, self._plan)
        if verdict.needs_restore_ranges:
            time = self.goal.recovery_time
            ranges = (await reader.restore_ranges(self.goal.backup_plan_id, time - _REACH, time + _BEYOND)).answer
            verdict = judge(ranges, self._plan)
        if verdict.needs_plan:
            plan = await self._plan_for(verdict, reader)
            verdict = judge(ranges, plan, await reader.region_id())
        return verdict


_GATES: tuple[type[Gate[Any]], ...] = (FullBackupGate, IncrementalGate, RecoveryPointGate)


def open_gate(kind: str, goal: dict[str, Any]) -> Gate[Any]:
    """The gate that a deferred task carries: its ``kind`` and ``goal.to_json()``."""
    gate = next(gate for gate in _GATES if gate.kind == kind)
    return gate(gate.goal_type.from_json(goal))


def _well_before(moment: datetime) -> datetime:
    """Midnight, so that gates of one day ask the same question and share its answer."""
    return (moment - _REACH).replace(hour=0, minute=0, second=0, microsecond=0)


def utc_now() -> datetime:
    return datetime.now(timezone.utc)
