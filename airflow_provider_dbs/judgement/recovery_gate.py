# SPDX-License-Identifier: Apache-2.0
"""The recovery-point gate: can the database be restored to this instant?

What a wait or a refusal of the lists says is in ``shortfall.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow_provider_dbs.judgement.log_words import replay_evidence
from airflow_provider_dbs.judgement.plan import PlanNotFound
from airflow_provider_dbs.judgement.recovery import Covered, Kind, coverage
from airflow_provider_dbs.judgement.recovery_point_goal import AUTHORITIES, RecoveryPointGoal
from airflow_provider_dbs.judgement.shortfall import Shortfall
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.words import clean, duration, listed
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup, RestoreRange, iso

__all__ = ["AUTHORITIES", "RecoveryPointGoal", "judge_recovery_point"]


def judge_recovery_point(
    fulls: Sequence[FullBackup],
    logs: Sequence[IncrementalBackup],
    goal: RecoveryPointGoal,
    as_of: datetime,
    restore_ranges: Sequence[RestoreRange] | None = None,
    plan: BackupPlan | PlanNotFound | None = None,
    region_id: str | None = None,
) -> Verdict:
    """The verdict at ``as_of`` on all backups that the plan lists, in any order.

    PASS ``recoverable``.
    WAIT ``not_yet``, ``full_running``, ``not_reached``, ``service_disagrees``, ``service_not_yet``.
    FAIL ``expired``, ``evidence_expired``, ``no_full_backup``, ``no_logs``, ``logs_start_late`` or what broke the logs.
    ``needs_plan``: judge again with the plan (its method is needed, or it explains what is missing).
    ``needs_restore_ranges``: judge again with what DescribeRestoreRangeInfo says of a stretch around ``recovery_time``.
    """
    if goal.recovery_time > as_of:
        ahead = duration(goal.recovery_time - as_of)
        return goal.verdict(Outcome.WAIT, "not_yet", f"The recovery point {goal} lies {ahead} ahead.")
    if goal.authority == "service":
        return _service_verdict(goal, restore_ranges, None)
    method = goal.backup_method or (plan.backup_method if isinstance(plan, BackupPlan) else None)
    if method is None and plan is None:
        return goal.verdict(
            Outcome.WAIT,
            "backup_method_unknown",
            f"The backup method of plan {goal.backup_plan_id} is to be read from the plan, or given as backup_method.",
            needs_plan=True,
        )
    covered = coverage(fulls, logs, method=method, at=as_of, as_of=as_of, count_open_tail=goal.count_open_tail)
    best = covered.best_full(goal.recovery_time)
    if best and goal.authority == "both":
        return _service_verdict(goal, restore_ranges, best)
    if best:
        return _pass(goal, best)
    return Shortfall(goal, fulls, logs, covered, as_of=as_of, method=method, plan=plan, region_id=region_id).verdict()


def _pass(goal: RecoveryPointGoal, best: Covered) -> Verdict:
    start, end = best.full.start_time, best.full.completed_time
    assert start
    assert end
    set_id = clean(best.backup_set_id)
    evidence: dict[str, Any] = {
        "backup_set_id": set_id,
        "start_time": iso(start),
        "end_time": iso(end),
        "kind": best.kind.value,
        "covered_until": iso(best.end),
        "authority": goal.authority,
    }
    replay = "and needs no logs"
    if best.run:
        names = replay_evidence(best.run, end, goal.recovery_time)
        evidence.update(names)
        replay = f"with the logs {names['first_segment']} to {names['last_segment']}"
    agreed = "; DBS agrees" if goal.authority == "both" else ""
    return goal.verdict(
        Outcome.PASS,
        "recoverable",
        f"Plan {goal.backup_plan_id} can be restored to {goal}: full backup {set_id}, {iso(start)} to {iso(end)}, "
        f"{replay}{agreed}.",
        evidence=evidence,
    )


def _service_verdict(
    goal: RecoveryPointGoal, restore_ranges: Sequence[RestoreRange] | None, best: Covered | None
) -> Verdict:
    """What DescribeRestoreRangeInfo says; ``best`` is what the lists say where both must agree."""
    if restore_ranges is None:
        return goal.verdict(
            Outcome.WAIT,
            "service_not_asked",
            f"DBS has not been asked yet whether plan {goal.backup_plan_id} can be restored to {goal}.",
            needs_restore_ranges=True,
        )
    promise = next((each for each in restore_ranges if _promises(each, goal.recovery_time)), None)
    told = listed([_range_words(each) for each in restore_ranges]) or "none"
    if promise is None:
        lists = f", though full backup {clean(best.backup_set_id)} and the logs do" if best else ""
        return goal.verdict(
            Outcome.WAIT,
            "service_disagrees" if best else "service_not_yet",
            f"What DBS can restore of plan {goal.backup_plan_id} does not hold {goal}{lists}. Its ranges: {told}.",
        )
    if best:
        return _pass(goal, best)
    return goal.verdict(
        Outcome.PASS,
        "recoverable",
        f"DBS can restore plan {goal.backup_plan_id} to {goal}: {_range_words(promise)}.",
        evidence={"kind": clean(promise.range_type, 40), "authority": goal.authority},
    )


def _promises(promised: RestoreRange, moment: datetime) -> bool:
    begin, end = promised.begin_timestamp_for_restore, promised.end_timestamp_for_restore
    kind = promised.range_type.strip().lower()
    if kind == Kind.RANGE.value:
        return begin is not None and end is not None and begin <= moment <= end
    if kind == Kind.POINT.value:
        instants = [full.end_time for full in promised.full_backup_list] or [begin, end]
        return moment in instants
    return False


def _range_words(promised: RestoreRange) -> str:
    begin, end = promised.begin_timestamp_for_restore, promised.end_timestamp_for_restore
    return f"{clean(promised.range_type, 40)} {iso(begin) if begin else '?'} to {iso(end) if end else '?'}"
