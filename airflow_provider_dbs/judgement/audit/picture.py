# SPDX-License-Identifier: Apache-2.0
"""What a report draws of a plan, from the same history that was judged."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow_provider_dbs.judgement.audit.anomalies import duration_series, size_series
from airflow_provider_dbs.judgement.audit.findings import (
    CoverageMark,
    Finding,
    FullMark,
    LogBand,
    LogGap,
    LogState,
    PlanAudit,
    PlanFacts,
    PlanSummary,
    Severity,
)
from airflow_provider_dbs.judgement.audit.freshness import full_age_limits
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.audit.logs import coverage_bounds, coverage_gaps
from airflow_provider_dbs.judgement.audit.ticks import tick_marks
from airflow_provider_dbs.judgement.recovery import BreakCause


def draw(history: History, findings: tuple[Finding, ...], reasons: tuple[str, ...]) -> PlanAudit:
    """The plan's audit: its findings, and its picture of the policy's ``history``."""
    since = history.as_of - history.settings.history
    window = history.settings.recovery_window
    return PlanAudit(
        backup_plan_id=history.plan.backup_plan_id,
        name=history.plan.backup_plan_name,
        severity=Severity.worst(finding.severity for finding in findings),
        findings=findings,
        summary=_summary(history, findings, reasons),
        facts=_facts(history),
        fulls=_fulls(history, since),
        logs=_log_bands(history, since),
        log_gaps=_log_gaps(history, since),
        ticks=tick_marks(history, history.settings.history),
        coverage=_coverage(history, since),
        coverage_gaps=tuple(coverage_gaps(history, *coverage_bounds(history, window))) if window else (),
        retention_horizon=history.listed_since,
        sizes=size_series(history, since),
        durations=duration_series(history, since),
    )


def _summary(history: History, findings: tuple[Finding, ...], reasons: tuple[str, ...]) -> PlanSummary:
    known: dict[str, Any] = {
        finding.check_id: finding.measured for finding in findings if finding.severity is not Severity.UNKNOWN
    }
    newest, attempt = history.newest_usable, history.attempts[-1] if history.attempts else None
    threshold, _ = full_age_limits(history)
    return PlanSummary(
        last_full_id=newest.id if newest else None,
        last_full_end=newest.end if newest else None,
        full_age=known.get("full.age"),
        full_age_allowed=threshold.warn,
        content_age=known.get("content.age"),
        recoverable_to=max((covered.end for covered in history.coverage.ranges), default=None),
        coverage_ratio=known.get("coverage") if history.settings.recovery_window else None,
        last_attempt=attempt.placed if attempt else None,
        last_attempt_state=attempt.state if attempt else None,
        missed_ticks=known.get("schedule.missed"),
        redundancy=known.get("redundancy"),
        expires_first=min((full.expires for full in history.usable if full.expires), default=None),
        reasons=reasons,
    )


def _facts(history: History) -> PlanFacts:
    plan = history.plan
    return PlanFacts(
        database_type=plan.database_type,
        backup_method=plan.backup_method,
        backup_plan_status=str(plan.backup_plan_status),
        region=plan.backup_plan_region,
        backup_period=plan.backup_period,
        backup_start_time=plan.backup_start_time,
        schedule_timezone=history.schedule.timezone if history.schedule else history.settings.schedule_timezone,
        enable_backup_log=plan.enable_backup_log,
        backup_retention_period=plan.backup_retention_period,
        created=plan.backup_plan_create_time,
        err_message=plan.err_message,
    )


def _fulls(history: History, since: datetime) -> tuple[FullMark, ...]:
    return tuple(
        FullMark(
            backup_set_id=full.id,
            state=full.state,
            usable=full.usable,
            created=full.created,
            start=full.start,
            end=full.end,
            expires=full.expires,
            size=full.size,
            storage_method=full.row.storage_method,
            err_message=full.row.err_message,
        )
        for full in history.fulls
        if full.placed is not None and full.placed >= since
    )


def _log_bands(history: History, since: datetime) -> tuple[LogBand, ...]:
    bands = [
        LogBand(
            start=max(run.start, since),
            end=run.end,
            segments=len(run.segments),
            first_id=run.first_segment,
            last_id=run.last_segment,
        )
        for run in history.coverage.chains.runs
        if run.end >= since
    ]
    bands += [
        LogBand(
            start=log.start,
            end=max(log.end or log.start, log.start),
            segments=1,
            first_id=log.id,
            last_id=log.id,
            open=True,
        )
        for log in history.logs
        if log.state is LogState.OPEN and log.start is not None and log.start >= since
    ]
    return tuple(bands)


def _log_gaps(history: History, since: datetime) -> tuple[LogGap, ...]:
    """The breaks; that the newest segment is not sealed yet is none."""
    return tuple(
        LogGap(
            start=found.start,
            end=found.end or history.as_of,
            cause=str(found.cause),
            after_id=found.after.last_segment if found.after else None,
            before_id=found.before.first_segment if found.before else None,
        )
        for found in history.coverage.chains.breaks
        if (found.end or history.as_of) >= since
        and (found.cause is not BreakCause.NOT_SEALED or found.before is not None)
    )


def _coverage(history: History, since: datetime) -> tuple[CoverageMark, ...]:
    marks = [
        CoverageMark(start=covered.start, end=covered.end, kind=str(covered.kind), backup_set_id=covered.backup_set_id)
        for covered in history.coverage.ranges
        if covered.end >= since
    ]
    reached = max((covered.end for covered in history.coverage.ranges), default=None)
    tail = history.open_tail_end
    if reached is not None and tail is not None and tail > reached:
        marks.append(CoverageMark(start=reached, end=tail, kind="open"))
    return tuple(marks)
