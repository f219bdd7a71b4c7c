# SPDX-License-Identifier: Apache-2.0
"""Why the lists do not cover a recovery point: could they yet, and if not, what is in the way and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow_provider_dbs.judgement.chains import LogBreak, LogRun, prospects
from airflow_provider_dbs.judgement.log_words import (
    break_after,
    break_evidence,
    break_words,
    run_words,
    unfinished_words,
)
from airflow_provider_dbs.judgement.plan import PlanNotFound, PlanTrouble, log_trouble
from airflow_provider_dbs.judgement.recovery import Coverage, is_logical
from airflow_provider_dbs.judgement.recovery_point_goal import RecoveryPointGoal
from airflow_provider_dbs.judgement.segments import BreakCause
from airflow_provider_dbs.judgement.usable import defect, distinct_full_backups, expired, unusable_because, usable
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.words import clean, listed
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup, iso


class Shortfall:
    """What a recovery-point gate saw when the lists did not cover its instant."""

    def __init__(
        self,
        goal: RecoveryPointGoal,
        fulls: Sequence[FullBackup],
        logs: Sequence[IncrementalBackup],
        covered: Coverage,
        *,
        as_of: datetime,
        method: str | None,
        plan: BackupPlan | PlanNotFound | None,
        region_id: str | None,
    ) -> None:
        """``covered``: what the lists do cover. ``plan`` None: not asked."""
        self.goal = goal
        self.fulls = distinct_full_backups(fulls)
        self.logs = logs
        self.covered = covered
        self.as_of = as_of
        self.logical = is_logical(method)
        self.plan = plan
        self.region_id = region_id
        # Only then is what is not listed missing: the lists may lag.
        self.settled = as_of >= goal.recovery_time + goal.settle

    def verdict(self) -> Verdict:
        ended = [full for full in self.fulls if self._ended(full) and usable(full, at=self.as_of, as_of=self.as_of)]
        if not ended:
            return self._without_full()
        newest = max(ended, key=lambda full: (full.completed_time or self.as_of, full.backup_set_id))
        hopes = [hope.start for hope in prospects(self.logs, at=self.as_of) if hope.end >= self.goal.recovery_time]
        need = self._need(newest)
        run = max((run for run in self.covered.chains.runs if run.start <= need), key=_end, default=None)
        if hopes and any(self._need(full) >= min(hopes) for full in ended):
            return self._wait("not_reached", self._reached(newest, run))
        found = break_after(self.covered.chains, run, need)
        if found and (found.is_final or self.settled):
            return self._fail_for(found, newest, run)
        if not self.settled:
            return self._wait("not_yet", self._reached(newest, run))
        return self._fail_for_want(newest, run)

    def _ended(self, full: FullBackup) -> bool:
        end = full.completed_time
        return end is not None and end <= self.goal.recovery_time

    def _need(self, full: FullBackup) -> datetime:
        """From here on the logs must be unbroken."""
        need = full.start_time if self.logical else full.completed_time
        assert need
        return need

    def _without_full(self) -> Verdict:
        moment = self.goal.recovery_time
        running = [
            full
            for full in self.fulls
            if not full.backup_status.is_terminal and full.placed_time and full.placed_time <= moment
        ]
        if not self.settled:
            if running:
                return self._wait("full_running", f"full backup {clean(running[0].backup_set_id)} is not finished")
            return self._wait("not_yet", "no usable full backup had ended by then, and the list may lag")
        ended = [full for full in self.fulls if self._ended(full)]
        placed = [full.placed_time for full in self.fulls] + [log.start_time for log in self.logs]
        oldest = min(filter(None, placed), default=None)
        flaws = [f"{clean(full.backup_set_id)} ({self._flaw(full)})" for full in ended]
        if any(expired(full, at=self.as_of) and not defect(full, as_of=self.as_of) for full in ended):
            return self._fail("expired", f"the full backups that ended by then are of no use: {listed(flaws)}")
        if oldest and oldest > moment:
            because = f"DBS lists no backup from before {iso(oldest)}: older ones are gone, or there were none yet"
            return self._fail("evidence_expired", because, for_want=True)
        because = f"no usable full backup had ended by then{': ' if flaws else ''}{listed(flaws)}"
        return self._fail("no_full_backup", because, for_want=True)

    def _flaw(self, full: FullBackup) -> str | None:
        return unusable_because(full, at=self.as_of, as_of=self.as_of)

    def _fail_for(self, found: LogBreak, full: FullBackup, run: LogRun | None) -> Verdict:
        because = f"{self._reached(full, run)}; {break_words(found)}"
        return self._fail(found.cause.value, because, full=full, **break_evidence(found))

    def _fail_for_want(self, full: FullBackup, run: LogRun | None) -> Verdict:
        """The list has settled, no listed segment breaks the logs, and yet they do not reach."""
        if run:
            because = f"{self._reached(full, run)}, and the later logs are of another endpoint"
            return self._fail(BreakCause.EPOCH_BREAK.value, because, full=full)
        oldest = min((log.start_time for log in self.logs if log.start_time), default=None)
        if oldest is None:
            return self._fail("no_logs", f"{self._reached(full, run)}, and DBS lists no logs", full=full, for_want=True)
        because = f"{self._reached(full, run)}: the oldest log listed begins at {iso(oldest)}"
        return self._fail("logs_start_late", because, full=full)

    def _reached(self, full: FullBackup, run: LogRun | None) -> str:
        """How far the newest full backup before the recovery point and its logs go."""
        end = full.completed_time
        assert end
        logs = run_words(run) if run else f"no sealed logs hold {iso(self._need(full))}"
        return f"full backup {clean(full.backup_set_id)} ended {iso(end)}, and {logs}"

    def _wait(self, reason: str, because: str) -> Verdict:
        in_flight = reason == "full_running" or any(not log.backup_status.is_terminal for log in self.logs)
        trouble = self._trouble()
        sentences = [
            f"Plan {self.goal.backup_plan_id} cannot be restored to {self.goal} yet: {because}.",
            unfinished_words(self.logs, self.goal.count_open_tail),
            trouble.message if trouble else "",
        ]
        return self.goal.verdict(
            Outcome.WAIT,
            trouble.reason if trouble and not in_flight else reason,
            " ".join(filter(None, sentences)),
            needs_plan=self.plan is None and not in_flight,
        )

    def _fail(
        self, reason: str, because: str, *, full: FullBackup | None = None, for_want: bool = False, **evidence: Any
    ) -> Verdict:
        before, after = self._neighbours()
        trouble = self._trouble() if for_want else None
        near = [
            f"restorable before it up to {iso(before)}" if before else "nothing restorable before it",
            f"after it from {iso(after)}" if after else "nothing after it",
        ]
        sentences = [
            f"Plan {self.goal.backup_plan_id} cannot be restored to {self.goal}: {because}.",
            f"Nearest: {'; '.join(near)}.",
            trouble.message if trouble else "",
            "Way out: a recovery_time that can be restored, or a new run after the next full backup.",
        ]
        return self.goal.verdict(
            Outcome.FAIL,
            trouble.reason if trouble and reason != "evidence_expired" else reason,
            " ".join(filter(None, sentences)),
            needs_plan=self.plan is None and for_want,
            evidence={
                "backup_set_id": full and clean(full.backup_set_id),
                "restorable_before": before and iso(before),
                "restorable_after": after and iso(after),
                **evidence,
            },
        )

    def _neighbours(self) -> tuple[datetime | None, datetime | None]:
        """The nearest instants on both sides that can be restored."""
        moment = self.goal.recovery_time
        before = [covered.end for covered in self.covered.ranges if covered.end < moment]
        after = [covered.start for covered in self.covered.ranges if covered.start > moment]
        return max(before, default=None), min(after, default=None)

    def _trouble(self) -> PlanTrouble | None:
        return log_trouble(self.goal.backup_plan_id, self.plan, self.region_id)


def _end(run: LogRun) -> datetime:
    return run.end
