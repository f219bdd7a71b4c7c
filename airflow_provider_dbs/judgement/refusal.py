# SPDX-License-Identifier: Apache-2.0
"""The words of a full-backup gate that waits with nothing in flight or refuses: what a person reads at 2 a.m.

A refusal names the window and its source, the sets that were looked at, the nearest usable set on each side with its
distance, what the plan says, and the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_dbs.judgement.full_backup_goal import FullBackupGoal
from airflow_provider_dbs.judgement.plan import PlanNotFound, PlanTrouble
from airflow_provider_dbs.judgement.usable import unusable_because, usable
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.words import ITEM_LIMIT, clean, duration, listed
from airflow_provider_dbs.models import BackupPlan, FullBackup, iso

# With no row of the window in the list, the plan's own trouble explains it and becomes the reason.
_WITHOUT_ROWS = ("not_yet", "window_closed")
_PLAN_MAY_EXPLAIN = (*_WITHOUT_ROWS, "failed_so_far", "evidence_expired")


class Scene:
    """All that a gate saw when it could neither pass nor wait for a backup in flight."""

    def __init__(
        self,
        goal: FullBackupGoal,
        rows: Sequence[FullBackup],
        inside: Sequence[FullBackup],
        *,
        as_of: datetime,
        expiry_at: datetime,
        plan: BackupPlan | PlanNotFound | None,
        trouble: PlanTrouble | None,
    ) -> None:
        """``rows``: all sets, newest first. ``inside``: those that belong to the window. ``plan`` None: not asked."""
        self.goal = goal
        self.rows = rows
        self.inside = inside
        self.as_of = as_of
        self.expiry_at = expiry_at
        self.plan = plan
        self.trouble = trouble

    def wait(self, reason: str, because: str) -> Verdict:
        window, grace = self.goal.window, self.goal.grace
        until = f"; judged for good at {iso(window.end + grace + self.goal.settle)}" if window.end else ""
        sentences = [
            f"Plan {self.goal.backup_plan_id} has {because} in {self.goal.stretch}{until}.",
            self._looked_at(),
            self._plan_words(),
        ]
        return self._verdict(Outcome.WAIT, reason, sentences, {})

    def fail(self, reason: str, because: str) -> Verdict:
        before, after = self._neighbours()
        sentences = [
            f"No usable full backup of plan {self.goal.backup_plan_id} in {self.goal.stretch}: {because}.",
            self._looked_at(),
            self._nearest(before, after),
            self._plan_words(),
            self._way_out(reason, before, after),
        ]
        evidence = {
            "looked_at": [clean(full.backup_set_id, 64) for full in self.inside[:ITEM_LIMIT]],
            "nearest_before": before and clean(before.backup_set_id, 64),
            "nearest_after": after and clean(after.backup_set_id, 64),
        }
        return self._verdict(Outcome.FAIL, reason, sentences, evidence)

    def _verdict(self, outcome: Outcome, reason: str, sentences: Sequence[str], evidence: dict[str, Any]) -> Verdict:
        if self.trouble and reason in _WITHOUT_ROWS:
            reason = self.trouble.reason
        return self.goal.verdict(
            outcome,
            reason,
            " ".join(filter(None, sentences)),
            evidence=evidence,
            needs_plan=self.plan is None and reason in _PLAN_MAY_EXPLAIN,
        )

    def _looked_at(self) -> str:
        if self.inside:
            return f"Looked at: {listed([self._described(full) for full in self.inside])}."
        if not self.rows:
            return "DBS lists no full backup of this plan."
        if len(self.rows) == 1:
            return "DBS lists one full backup of this plan, and not there."
        return f"DBS lists {len(self.rows)} full backups of this plan, none of them there."

    def _described(self, full: FullBackup) -> str:
        placed = full.placed_time
        parts = [f"{'started' if full.start_time else 'created'} {iso(placed)}" if placed else "no start time"]
        flaw = unusable_because(full, at=self.expiry_at, as_of=self.as_of, min_size=self.goal.min_size)
        if full.backup_status.is_success and flaw and flaw not in parts:
            parts.append(flaw)
        if full.err_message:
            parts.append(clean(full.err_message))
        return f"{clean(full.backup_set_id)} {clean(full.backup_status, 40)} ({', '.join(parts)})"

    def _neighbours(self) -> tuple[FullBackup | None, FullBackup | None]:
        """The usable sets nearest to the window on its left and on its right."""
        good = [
            full
            for full in self.rows
            if usable(full, at=self.as_of, as_of=self.as_of, min_size=self.goal.min_size) and not self.goal.holds(full)
        ]
        before = [full for full in good if self._left(full) < self.goal.window.start]
        after = [full for full in good if self._left(full) >= self.goal.window.start]
        return max(before, key=self._left, default=None), min(after, key=self._right, default=None)

    def _left(self, full: FullBackup) -> datetime:
        moment = full.completed_time if self.goal.anchor == "end" else full.start_time
        assert moment
        return moment

    def _right(self, full: FullBackup) -> datetime:
        moment = full.start_time if self.goal.anchor == "start" else full.completed_time
        assert moment
        return moment

    def _nearest(self, before: FullBackup | None, after: FullBackup | None) -> str:
        word = {"start": ("started", "started"), "end": ("ended", "ended"), "contained": ("started", "ended")}
        left, right = word[self.goal.anchor]
        sides = []
        if before:
            moment = self._left(before)
            distance = duration(self.goal.window.start - moment)
            sides.append(f"set {clean(before.backup_set_id)} {left} {iso(moment)}, {distance} before the window")
        if after and self.goal.window.end:
            moment = self._right(after)
            distance = duration(moment - self.goal.window.end)
            sides.append(f"set {clean(after.backup_set_id)} {right} {iso(moment)}, {distance} after the window")
        return f"Nearest usable: {'; '.join(sides)}." if sides else "No usable set is listed on either side."

    def _plan_words(self) -> str:
        if self.trouble:
            return self.trouble.message
        if isinstance(self.plan, BackupPlan) and self.plan.backup_period and self.plan.backup_start_time:
            period, time = clean(self.plan.backup_period), clean(self.plan.backup_start_time)
            return f"The plan backs up on {period} at {time} UTC."
        return ""

    def _way_out(self, reason: str, before: FullBackup | None, after: FullBackup | None) -> str:
        ways = []
        if after and self.goal.window.end:
            minutes = int((self._right(after) - self.goal.window.end) / timedelta(minutes=1)) + 1
            ways.append(f"grace=timedelta(minutes={minutes})")
        if before:
            ways.append("an earlier window_start or a longer lookback")
        if reason == "expired" and self.goal.usable_at == "now":
            ways.append('usable_at="window_end"')
        if reason == "unusable" and any(full.backup_size is not None for full in self.inside):
            ways.append("a smaller min_size if so small a backup is right")
        ways += ["a new backup with accept_later=True or open_end=True", "a new run of the DAG"]
        return f"Way out: {', '.join(ways[:-1])}, or {ways[-1]}."
