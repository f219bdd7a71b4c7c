# SPDX-License-Identifier: Apache-2.0
"""Judges plans: rows and a policy in, findings and a picture out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from airflow_provider_dbs.judgement.audit.answer import Answer, not_evaluated
from airflow_provider_dbs.judgement.audit.catalogue import BY_ID, CHECKS, Check, IfIncomplete
from airflow_provider_dbs.judgement.audit.findings import (
    Basis,
    Evidence,
    Finding,
    PlanAudit,
    Severity,
    fingerprint,
)
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.audit.picture import draw
from airflow_provider_dbs.judgement.audit.policy import Policy, Settings
from airflow_provider_dbs.judgement.schedule import Schedule, ScheduleError
from airflow_provider_dbs.judgement.usable import usable
from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup

# Of a finding's evidence; the fingerprint is made from all of it.
EVIDENCE_LIMIT = 20

_DAY = timedelta(days=1)


class RequiredInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Which lists of a plan the policy's checks need; rows that start before ``*_since`` bear on none of them."""

    fulls: bool
    logs: bool
    fulls_since: datetime
    logs_since: datetime


def required_inputs(policy: Policy, plan: BackupPlan, *, as_of: datetime) -> RequiredInputs:
    """What has to be fetched for ``audit_plan`` to answer every check that is not left out."""
    settings = settings_for(policy, plan)
    reads = {name for check in CHECKS if check.id not in settings.leave_out for name in check.reads}
    try:
        schedule = Schedule.of(plan.backup_period, plan.backup_start_time, settings.schedule_timezone)
    except ScheduleError:
        schedule = None
    # A log chain is of use from the full backup before the window on, and the newest full may be a cadence late.
    reach = 2 * (schedule.cadence(as_of) if schedule else _DAY) + _DAY
    window = settings.recovery_window or timedelta(0)
    return RequiredInputs(
        fulls="fulls" in reads,
        logs="logs" in reads and (plan.enable_backup_log is not False or settings.recovery_window is not None),
        fulls_since=as_of - max(settings.history, window + reach),
        logs_since=as_of - window - reach,
    )


def logs_since(
    inputs: RequiredInputs, policy: Policy, plan: BackupPlan, fulls: Sequence[FullBackup], *, as_of: datetime
) -> datetime:
    """``inputs.logs_since``, or earlier: the logs are of use from the newest full backup before the recovery window on.

    While full backups fail the logs alone carry the plan, and they count only if they reach back to the last good one.
    """
    settings = settings_for(policy, plan)
    begins = as_of - (settings.recovery_window or timedelta(0))
    bases = [
        full.start_time
        for full in fulls
        if usable(full, at=as_of, as_of=as_of, min_size=settings.min_size)
        and full.start_time is not None
        and full.start_time <= begins
    ]
    return min(inputs.logs_since, max(bases, default=inputs.logs_since))


def settings_for(policy: Policy, plan: BackupPlan) -> Settings:
    return policy.for_plan(plan.backup_plan_id, plan.backup_plan_name, plan.database_type)


def audit_plan(
    plan: BackupPlan,
    fulls: Sequence[FullBackup],
    logs: Sequence[IncrementalBackup],
    policy: Policy,
    as_of: datetime,
    *,
    incomplete: Mapping[str, str] | None = None,
) -> PlanAudit:
    """Judge one plan at ``as_of`` (aware; every age counts from it).

    ``fulls``, ``logs``: all rows since ``required_inputs`` says, in any order; copies do not matter.
    ``incomplete``: "fulls" or "logs" → why that list is not the whole truth. What rests on it becomes UNKNOWN.
    Raises ``PolicyError`` when overrides that fit the plan contradict each other.
    """
    if as_of.tzinfo is None:
        raise ValueError(f"as_of={as_of.isoformat()} has no time zone: an age would be a guess")
    history = History(plan, fulls, logs, settings=settings_for(policy, plan), as_of=as_of, incomplete=incomplete or {})
    findings = sorted((_finding(check, history) for check in CHECKS), key=_worst_first)
    reasons = tuple(_reason(finding) for finding in findings if _is_reason(finding, history))
    return draw(history, tuple(findings), reasons)


def audit_unavailable(
    plan_id: str,
    reason: str,
    *,
    as_of: datetime,
    name: str | None = None,
    call: str = "DescribeBackupPlanList",
) -> PlanAudit:
    """A plan about which nothing could be read: UNKNOWN, and never "no backups". ``reason``: the call's error."""
    answer = Answer(
        severity=Severity.UNKNOWN,
        summary=f"{call} failed, so nothing is known of this plan: {clean(reason, 400)}",
        unit="count",
        basis=Basis.SERVICE,
        evidence=(Evidence(kind="call", id=call),),
    )
    finding = _as_finding(BY_ID["evidence"], answer, plan_id, as_of)
    return PlanAudit(backup_plan_id=plan_id, name=name, severity=finding.severity, findings=(finding,))


def _worst_first(finding: Finding) -> tuple[int, bool]:
    """Of all that is unknown, what could not be read comes first: the rest follows from it."""
    return -finding.severity.rank, finding.check_id != "evidence"


def _reason(finding: Finding) -> str:
    """Two or three words; that it is so is not known of a check whose answer is UNKNOWN."""
    in_doubt = finding.severity is Severity.UNKNOWN and finding.check_id != "evidence"
    return BY_ID[finding.check_id].short + ("?" if in_doubt else "")


def _is_reason(finding: Finding, history: History) -> bool:
    """Of all that is unknown because a list could not be read, the missing list alone is the reason."""
    if finding.severity is Severity.UNKNOWN and finding.check_id != "evidence":
        return not set(BY_ID[finding.check_id].reads) & set(history.incomplete)
    return finding.severity.is_open


def _finding(check: Check, history: History) -> Finding:
    if check.id in history.settings.leave_out:
        answer = not_evaluated("left out by the policy", Basis.POLICY)
    else:
        answer = _as_far_as_known(check, check.answer(history), history)
    return _as_finding(check, answer, history.plan.backup_plan_id, history.as_of)


def _as_far_as_known(check: Check, answer: Answer, history: History) -> Answer:
    """What is missing from a list counts neither as a backup nor as none."""
    missing = [name for name in check.reads if name in history.incomplete]
    if not missing or (answer.severity is Severity.NOT_EVALUATED and answer.basis is not Basis.HISTORY):
        return answer
    keep_ok, keep_bad = check.if_incomplete is IfIncomplete.KEEP_OK, check.if_incomplete is IfIncomplete.KEEP_BAD
    if (keep_ok and answer.severity is Severity.OK) or (keep_bad and answer.severity.is_open):
        return answer
    return msgspec.structs.replace(
        answer,
        severity=Severity.UNKNOWN,
        summary=f"the list of {' and '.join(missing)} is incomplete; by what was read: {answer.summary}",
    )


def _as_finding(check: Check, answer: Answer, plan_id: str, as_of: datetime) -> Finding:
    evidence = answer.evidence
    return Finding(
        check_id=check.id,
        plan_id=plan_id,
        severity=answer.severity,
        measured=answer.measured,
        unit=answer.unit,
        threshold=answer.threshold,
        basis=answer.basis,
        summary=answer.summary,
        remediation=(answer.remedy or check.remedy) if answer.severity.is_open else "",
        evidence=evidence[:EVIDENCE_LIMIT],
        as_of=as_of,
        fingerprint=fingerprint(plan_id, check.id, evidence),
    )
