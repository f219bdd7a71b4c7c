# SPDX-License-Identifier: Apache-2.0
"""The incremental gate: does one unbroken run of sealed logs cover the window?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow_provider_dbs.judgement.chains import LogBreak, LogRun, log_chains, prospects
from airflow_provider_dbs.judgement.goal import Goal
from airflow_provider_dbs.judgement.log_words import (
    break_after,
    break_evidence,
    break_words,
    replay_evidence,
    run_words,
    unfinished_words,
)
from airflow_provider_dbs.judgement.plan import PlanNotFound, log_trouble
from airflow_provider_dbs.judgement.segments import BreakCause
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.window import Window
from airflow_provider_dbs.models import BackupPlan, IncrementalBackup, iso


class IncrementalGoal(Goal, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sealed logs over the whole of ``window``, which has an end. ``count_open_tail``: the FILLING tail counts.

    Raises ValueError for a window with an open end, and as every goal does.
    """

    window: Window
    count_open_tail: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window.end is None:
            raise ValueError("the window has no end, and logs can cover only one that has: do not give open_end=True")

    def subject(self) -> dict[str, Any]:
        return {"backup_plan_id": self.backup_plan_id, **self.window.as_dict()}


def judge_incremental_backups(
    logs: Sequence[IncrementalBackup],
    goal: IncrementalGoal,
    as_of: datetime,
    plan: BackupPlan | PlanNotFound | None = None,
    region_id: str | None = None,
) -> Verdict:
    """The verdict at ``as_of`` on all incremental backups that the plan lists, in any order.

    PASS ``covered``. WAIT ``not_yet``, ``not_reached``. FAIL: a break for good inside the window (its cause is the
    reason) at once; once the window is over and the list has settled: ``time_gap``, ``logs_start_late``,
    ``evidence_expired``, ``no_logs``. ``needs_plan`` and ``plan``: as in ``judge_full_backups``.
    """
    start, end = goal.window.start, goal.window.end
    assert end is not None
    chains = log_chains(logs, at=as_of, as_of=as_of, count_open_tail=goal.count_open_tail)
    run = max((each for each in chains.runs if each.start <= start), key=lambda each: each.end, default=None)
    if run and run.end >= end and as_of >= end:
        return _pass(goal, run, end)
    if any(hope.start <= start and hope.end >= end for hope in prospects(logs, at=as_of)):
        return _wait(goal, "not_yet" if as_of < end else "not_reached", logs, run, plan, region_id)
    found = break_after(chains, run, start)
    if found and found.is_final:
        return _fail_for(goal, found, run)
    if as_of < end + goal.settle:
        return _wait(goal, "not_yet", logs, run, plan, region_id)
    if found:
        return _fail_for(goal, found, run)
    return _fail_for_want(goal, logs, run, plan, region_id)


def _pass(goal: IncrementalGoal, run: LogRun, end: datetime) -> Verdict:
    evidence = replay_evidence(run, goal.window.start, end)
    return goal.verdict(
        Outcome.PASS,
        "covered",
        f"Unbroken {run_words(run)} and so cover {_asked(goal)} of plan {goal.backup_plan_id}, "
        f"by {evidence['first_segment']} to {evidence['last_segment']}.",
        evidence={**evidence, "start_time": iso(run.start), "end_time": iso(run.end), "open_tail": run.open_tail},
    )


def _wait(
    goal: IncrementalGoal,
    reason: str,
    logs: Sequence[IncrementalBackup],
    run: LogRun | None,
    plan: BackupPlan | PlanNotFound | None,
    region_id: str | None,
) -> Verdict:
    trouble = log_trouble(goal.backup_plan_id, plan, region_id)
    so_far = f"{run_words(run)} so far" if run else "no sealed logs hold its beginning so far"
    sentences = [
        f"Plan {goal.backup_plan_id} has not yet sealed logs over {_asked(goal)}: {so_far}.",
        unfinished_words(logs, goal.count_open_tail),
        trouble.message if trouble else "",
    ]
    in_flight = any(not log.backup_status.is_terminal for log in logs)
    return goal.verdict(
        Outcome.WAIT,
        trouble.reason if trouble and not in_flight else reason,
        " ".join(filter(None, sentences)),
        needs_plan=plan is None and not in_flight,
        evidence={"end_time": iso(run.end)} if run else {},
    )


def _fail_for(goal: IncrementalGoal, found: LogBreak, run: LogRun | None) -> Verdict:
    before = f" Before it {run_words(run)}." if run else ""
    return goal.verdict(
        Outcome.FAIL,
        found.cause.value,
        f"The logs of plan {goal.backup_plan_id} do not cover {_asked(goal)}: {break_words(found)}.{before} "
        f"Way out: a window on one side of the break, or a new run after the next full backup.",
        evidence=break_evidence(found),
    )


def _fail_for_want(
    goal: IncrementalGoal,
    logs: Sequence[IncrementalBackup],
    run: LogRun | None,
    plan: BackupPlan | PlanNotFound | None,
    region_id: str | None,
) -> Verdict:
    """The window is over, no listed segment breaks the logs, and yet they do not cover it."""
    trouble = log_trouble(goal.backup_plan_id, plan, region_id)
    oldest = min((log.start_time for log in logs if log.start_time), default=None)
    if oldest is None:
        reason, because = (trouble.reason if trouble else "no_logs"), "DBS lists no incremental backups of this plan"
    elif run:
        reason, because = BreakCause.EPOCH_BREAK.value, f"{run_words(run)}, and the later ones are of another endpoint"
    elif goal.window.end and oldest >= goal.window.end:
        reason = "evidence_expired"
        because = f"the oldest log listed is of {iso(oldest)}; older ones are no longer listed, or there were none yet"
    else:
        reason, because = "logs_start_late", f"the oldest log listed begins only at {iso(oldest)}"
    words = f" {trouble.message}" if trouble else ""
    return goal.verdict(
        Outcome.FAIL,
        reason,
        f"The logs of plan {goal.backup_plan_id} do not cover {_asked(goal)}: {because}.{words} "
        f"Way out: incremental backup switched on in the plan, a later window, or a new run of the DAG.",
        evidence={"oldest_log": iso(oldest) if oldest else None},
        needs_plan=plan is None,
    )


def _asked(goal: IncrementalGoal) -> str:
    return f"{goal.window} ({goal.window.source})"
