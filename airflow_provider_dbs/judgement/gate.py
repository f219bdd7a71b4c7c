# SPDX-License-Identifier: Apache-2.0
"""The full-backup gate: is there a full backup of the window, good enough that the DAG may go on?

``judge_full_backups`` tries the situations from the top, as the README's table of verdicts lists them; what it asks for
is in ``full_backup_goal.py``, and the words of a wait and a refusal are in ``refusal.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from airflow_provider_dbs.judgement.evidence import full_backup_evidence
from airflow_provider_dbs.judgement.full_backup_goal import ANCHORS, USABLE_AT, FullBackupGoal
from airflow_provider_dbs.judgement.goal import api_error_verdict, call_failed_verdict
from airflow_provider_dbs.judgement.plan import PlanNotFound, plan_trouble
from airflow_provider_dbs.judgement.refusal import Scene
from airflow_provider_dbs.judgement.usable import distinct_full_backups, expired, usable
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.words import clean, duration
from airflow_provider_dbs.models import BackupPlan, FullBackup, FullBackupStatus, iso

__all__ = [
    "ANCHORS",
    "USABLE_AT",
    "FullBackupGoal",
    "PlanNotFound",
    "api_error_verdict",
    "call_failed_verdict",
    "judge_full_backups",
]

LONG_AGO = timedelta(days=1)


def judge_full_backups(
    backups: Iterable[FullBackup],
    goal: FullBackupGoal,
    as_of: datetime,
    plan: BackupPlan | PlanNotFound | None = None,
    region_id: str | None = None,
) -> Verdict:
    """The verdict at ``as_of`` on all full backups that the plan lists, in any order.

    A verdict with ``needs_plan`` says more when it is judged again with the plan (None: not asked, or the call failed)
    and the region that was asked; the plan never turns it into a PASS.
    """
    rows = distinct_full_backups(backups)
    expiry_at = goal.window.end if goal.usable_at == "window_end" and goal.window.end else as_of

    inside = [full for full in rows if goal.holds(full)]
    for place, full in enumerate(inside):
        if goal.matches(full) and usable(full, at=expiry_at, as_of=as_of, min_size=goal.min_size):
            return _pass(goal, full, [newer for newer in inside[:place] if _failed(newer)], as_of)

    in_flight = [full for full in rows if goal.awaits(full, as_of)]
    if in_flight:
        return _wait_for(goal, in_flight, as_of)

    trouble = plan_trouble(goal.backup_plan_id, plan, region_id)
    scene = Scene(goal, rows, inside, as_of=as_of, expiry_at=expiry_at, plan=plan, trouble=trouble)
    only_failed = bool(inside) and all(map(_failed, inside))
    if goal.closed(as_of):
        return _refuse(scene, only_failed)
    if not only_failed:
        return scene.wait("not_yet", "no full backup yet")
    if goal.fail_on_stopped:
        return scene.fail("failed_so_far", "the backup has failed, and fail_on_stopped=True")
    return scene.wait("failed_so_far", "only failed full backups so far")


def _refuse(scene: Scene, only_failed: bool) -> Verdict:
    """The window is closed without a usable match and with nothing in flight: why."""
    goal = scene.goal
    assert goal.window.end is not None
    limit = goal.window.end + goal.grace
    finished = [full for full in scene.inside if full.backup_status.is_success]
    if any(expired(full, at=scene.expiry_at) for full in finished):
        return scene.fail("expired", "the backup has expired")
    if finished:
        return scene.fail("unusable", "the backup finished but cannot be used")
    if only_failed:
        return scene.fail("all_failed", "every backup has failed")
    for full in scene.rows:
        if full.create_time and full.start_time and goal.window.start <= full.create_time < limit <= full.start_time:
            late = duration(full.start_time - goal.window.end)
            return scene.fail(
                "started_after_window",
                f"set {clean(full.backup_set_id)} was created in time ({iso(full.create_time)}) but started only at "
                f"{iso(full.start_time)}, {late} after the window's end",
            )
    oldest = min((full.placed_time for full in scene.rows if full.placed_time), default=None)
    if oldest and limit <= oldest:
        return scene.fail(
            "evidence_expired",
            f"DBS no longer lists backups of that time (the oldest one listed is of {iso(oldest)}), "
            f"or the plan had none yet",
        )
    return scene.fail("window_closed", f"no full backup came before the window closed at {iso(limit + goal.settle)}")


def _failed(full: FullBackup) -> bool:
    return full.backup_status is FullBackupStatus.STOP


def _pass(goal: FullBackupGoal, full: FullBackup, later_failures: Sequence[FullBackup], as_of: datetime) -> Verdict:
    start, end = full.start_time, full.completed_time
    assert start
    assert end
    set_id = clean(full.backup_set_id)
    message = f"Full backup {set_id} of plan {goal.backup_plan_id}, {iso(start)} to {iso(end)}, is in {goal.stretch}."
    if later_failures:
        newest = later_failures[0]
        because = f": {clean(newest.err_message)}" if newest.err_message else ""
        message += f" A later one, {clean(newest.backup_set_id)}, has failed{because}."
    if as_of - start > LONG_AGO:
        message += f" Mind its age: it started {duration(as_of - start)} ago."
    reason = "fresh_but_later_failure" if later_failures else "fresh"
    return goal.verdict(Outcome.PASS, reason, message, evidence=full_backup_evidence(full))


def _wait_for(goal: FullBackupGoal, in_flight: Sequence[FullBackup], as_of: datetime) -> Verdict:
    """Waits for the backup that is likeliest to end by itself, the newest of its kind."""

    def likelihood(full: FullBackup) -> int:
        kinds = (FullBackupStatus.RUNNING, FullBackupStatus.SCHEDULE, FullBackupStatus.PAUSE)
        return kinds.index(full.backup_status) if full.backup_status in kinds else len(kinds)

    full = min(in_flight, key=likelihood)
    status = full.backup_status
    if status is FullBackupStatus.PAUSE:
        reason, words = "paused", "is paused and goes on only when a person resumes it"
    elif not status.is_known:
        reason, words = "unknown_status", f"has the status {clean(status, 40)!r}, which no page of DBS names"
    elif full.start_time:
        reason, words = "running", "is running"
    else:
        reason, words = "running", "is scheduled and has not started"
    placed = full.placed_time
    assert placed
    since = f"{'started' if full.start_time else 'created'} {iso(placed)}, {duration(as_of - placed)} ago"
    progress = full.logical_full_backup_progress
    done = f", {progress} % done" if progress is not None else ""
    others = f" {len(in_flight) - 1} more in flight." if len(in_flight) > 1 else ""
    return goal.verdict(
        Outcome.WAIT,
        reason,
        f"Full backup {clean(full.backup_set_id)} of plan {goal.backup_plan_id} {words} ({since}{done}); "
        f"it may yet satisfy {goal.stretch}.{others}",
        evidence={"backup_set_id": clean(full.backup_set_id), "backup_status": clean(status, 40)},
    )
