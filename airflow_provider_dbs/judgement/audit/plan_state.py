# SPDX-License-Identifier: Apache-2.0
"""Does the plan itself run, and was everything about it read?"""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_dbs.judgement.audit.answer import Answer, at
from airflow_provider_dbs.judgement.audit.findings import Basis, Evidence, Severity
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.plan import plan_trouble
from airflow_provider_dbs.judgement.words import clean, duration
from airflow_provider_dbs.models import BackupPlanStatus

_STOPPED = (BackupPlanStatus.STOP, BackupPlanStatus.LOCKED, BackupPlanStatus.INIT)


def plan_state(history: History) -> Answer:
    status = history.plan.backup_plan_status
    trouble = plan_trouble(clean(history.plan.backup_plan_id, 60), history.plan)
    summary = trouble.message.rstrip(".") if trouble else "the plan runs"
    if status.is_success:
        severity = Severity.OK
    elif status in _STOPPED:
        severity = Severity.ERROR
    elif status is BackupPlanStatus.PAUSE:
        severity, since = _paused(history)
        summary += since
    elif not status.is_known:
        severity = Severity.UNKNOWN
    else:
        new = history.is_new(history.settings.checks.plan_state.new_plan)
        severity = Severity.INFO if new else Severity.ERROR
    return Answer(
        severity=severity,
        summary=summary,
        measured=clean(status, 40),
        unit="status",
        basis=Basis.SERVICE,
        evidence=(Evidence(kind="plan", id=history.plan.backup_plan_id),) if severity.is_open else (),
    )


def _paused(history: History) -> tuple[Severity, str]:
    """A pause that has cost a backup is worse; the service does not say when it began."""
    tolerated = history.settings.checks.plan_state.paused
    newest = next((full.placed for full in reversed(history.fulls) if full.placed is not None), None)
    newest = newest or history.created
    if history.schedule is None or newest is None or newest > history.as_of or "fulls" in history.incomplete:
        return Severity.WARN, ""
    lost = history.schedule.next(newest + history.settings.checks.schedule_missed.early)
    overdue = history.as_of - lost
    if overdue <= timedelta(0):
        return Severity.WARN, f"; the first backup that it would cost is due at {at(lost)}"
    severity = Severity.ERROR if overdue > tolerated else Severity.WARN
    return severity, f"; it has cost the backup of {at(lost)}, {duration(overdue)} ago"


def evidence(history: History) -> Answer:
    """What was not read never counts as missing: it makes the answers that rest on it UNKNOWN."""
    if not history.incomplete:
        return Answer(
            severity=Severity.OK,
            summary=f"all lists were read to their end: {len(history.fulls)} full backups,"
            f" {len(history.logs)} log segments",
            measured=0,
            unit="count",
            basis=Basis.SERVICE,
        )
    reasons = [f"{_LISTS.get(name, name)}: {clean(reason)}" for name, reason in sorted(history.incomplete.items())]
    return Answer(
        severity=Severity.UNKNOWN,
        summary=f"not everything could be read: {'; '.join(reasons)}",
        measured=len(reasons),
        unit="count",
        basis=Basis.SERVICE,
        evidence=tuple(Evidence(kind="call", id=_CALLS.get(name, name)) for name in sorted(history.incomplete)),
    )


_LISTS = {"fulls": "the full backups", "logs": "the log segments"}
_CALLS = {"fulls": "DescribeFullBackupList", "logs": "DescribeIncrementBackupList"}
