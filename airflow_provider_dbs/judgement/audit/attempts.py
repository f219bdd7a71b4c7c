# SPDX-License-Identifier: Apache-2.0
"""Do full backups succeed, and do those that run come to an end?"""

from __future__ import annotations

from datetime import timedelta
from itertools import takewhile
from statistics import median

import msgspec

from airflow_provider_dbs.judgement.audit.answer import (
    Answer,
    above,
    below,
    evidence_of,
    in_seconds,
    named,
    not_evaluated,
)
from airflow_provider_dbs.judgement.audit.findings import Basis, FullState, Severity, Threshold
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.audit.normalise import Full
from airflow_provider_dbs.judgement.words import clean, duration


def success_ratio(history: History) -> Answer:
    limits = history.settings.checks.success_ratio
    attempts = history.attempts_since(history.as_of - history.settings.history)
    recent = [full for full in attempts if full.stands > history.as_of - limits.period]
    attempts = recent if len(recent) >= limits.attempts else attempts[-limits.attempts :]
    if len(attempts) < limits.min_attempts:
        return not_evaluated(
            f"{len(attempts)} finished attempts are listed; {limits.min_attempts} are needed", Basis.HISTORY
        )
    failed = [full for full in attempts if full.state is FullState.FAILED]
    ratio = 1 - len(failed) / len(attempts)
    threshold = Threshold(warn=limits.warn, error=limits.error)
    return Answer(
        severity=below(ratio, threshold),
        summary=f"{len(attempts) - len(failed)} of the last {len(attempts)} attempts succeeded"
        + (f"; failed: {named([full.id for full in reversed(failed)])}" if failed else ""),
        measured=round(ratio, 4),
        unit="ratio",
        threshold=threshold,
        evidence=evidence_of(reversed(failed)),
    )


def failures_consecutive(history: History) -> Answer:
    limits = history.settings.checks.failures_consecutive
    if not history.attempts:
        return not_evaluated("no attempt has finished", Basis.HISTORY)
    failed = list(takewhile(lambda full: full.state is FullState.FAILED, reversed(history.attempts)))
    # A limit is a count that is already bad, the others are bad above their limit.
    severity = above(len(failed) + 0.5, Threshold(warn=limits.warn, error=limits.error))
    summary = "the newest attempt succeeded"
    if failed:
        said = failed[0].row.err_message
        summary = f"the newest {len(failed)} attempt(s) failed: {named([full.id for full in failed])}"
        summary += f"; the service says: {clean(said)}" if said else ""
    return Answer(
        severity=severity,
        summary=summary,
        measured=len(failed),
        unit="count",
        threshold=Threshold(warn=limits.warn, error=limits.error),
        evidence=evidence_of(failed),
    )


def run_stuck(history: History) -> Answer:
    judged = [_run(history, full) for full in history.fulls if full.state is not FullState.SUCCESS]
    runs = [run for run in judged if run is not None]
    if not runs:
        return Answer(severity=Severity.OK, summary="no full backup is in flight", measured=0, unit="seconds")
    worst = max(runs, key=lambda run: (run.severity.rank, run.measured))
    also = [run for run in runs if run.severity.is_open and run is not worst]
    if not also:
        return worst
    return msgspec.structs.replace(
        worst,
        summary=f"{worst.summary}; {len(also)} more in flight for too long",
        evidence=(*worst.evidence, *(item for run in also for item in run.evidence)),
    )


def _run(history: History, full: Full) -> Answer | None:
    if full.state is FullState.FAILED:
        return None
    pending = full.state is FullState.PENDING
    since = full.created or full.start if pending else full.placed
    if since is None:
        return Answer(
            severity=Severity.UNKNOWN,
            summary=f"{clean(full.id, 60)} has status {clean(full.row.backup_status, 40)} and no time at all",
            measured=0,
            unit="seconds",
            evidence=(full.evidence,),
        )
    threshold, basis = _run_limits(history, pending)
    lasted = max(history.as_of - since, timedelta(0))
    severity = above(lasted.total_seconds(), threshold)
    summary = f"{clean(full.id, 60)} has been {clean(full.row.backup_status, 40)} for {duration(lasted)}"
    if full.state is FullState.RUNNING and history.schedule is not None and since < history.as_of:
        # The tick that started it may come up to a moment after it.
        tick = history.schedule.next(since + history.settings.checks.schedule_missed.early)
        if history.as_of > tick:
            severity, summary = Severity.ERROR, f"{summary}, past the next scheduled start, which the service skips"
    elif severity is Severity.ERROR and full.state in (FullState.PAUSED, FullState.UNKNOWN):
        severity = Severity.WARN  # a person may have meant it
    return Answer(
        severity=severity,
        summary=summary,
        measured=lasted.total_seconds(),
        unit="seconds",
        threshold=threshold,
        basis=basis,
        evidence=(full.evidence,),
    )


def _run_limits(history: History, pending: bool) -> tuple[Threshold, Basis]:
    limits, usual = history.settings.checks.run_stuck, history.durations
    if pending:
        return in_seconds(limits.pending_warn, limits.pending_error), Basis.POLICY
    if len(usual) < limits.min_runs:
        return in_seconds(limits.few_warn, limits.few_error), Basis.POLICY
    middle = timedelta(seconds=median(usual))
    return in_seconds(max(limits.floor, limits.warn * middle), max(limits.floor, limits.error * middle)), Basis.HISTORY
