# SPDX-License-Identifier: Apache-2.0
"""Do the log segments follow each other without a hole up to now, and what can be recovered with them?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from airflow_provider_dbs.judgement.audit.answer import Answer, above, at, below, in_seconds, named, not_evaluated
from airflow_provider_dbs.judgement.audit.findings import (
    Basis,
    CoverageGap,
    Evidence,
    FullState,
    LogState,
    Severity,
    Threshold,
)
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.recovery import BreakCause, Kind, LogBreak
from airflow_provider_dbs.judgement.words import clean, duration, listed
from airflow_provider_dbs.models import iso

_CAUSES = {
    BreakCause.SEQUENCE_GAP: "log segments are missing",
    BreakCause.EPOCH_BREAK: "the logs started anew",
    BreakCause.BROKEN: "a log segment is not complete",
    BreakCause.EXPIRED: "log segments have expired",
    BreakCause.TIME_GAP: "the logs have a gap in time",
    BreakCause.NOT_SEALED: "the next log segment is not sealed",
}
_NO_LOGS = "the plan takes no log backups"


def log_sequence_gap(history: History) -> Answer:
    if not history.logs:
        return (
            not_evaluated("there are no log segments", Basis.HISTORY) if history.takes_logs else not_evaluated(_NO_LOGS)
        )
    chains = history.coverage.chains
    if not any([*(run.base_name for run in chains.runs), *(found.base_name for found in chains.breaks)]):
        return not_evaluated("the log segments' names carry no numbers", Basis.SERVICE)
    # Beside what is missing a segment may have expired or be broken, which is then the cause of the break.
    gaps = [found for found in chains.breaks if found.missing_count]
    epochs = [found for found in chains.breaks if found.cause is BreakCause.EPOCH_BREAK]
    recent = [found for found in gaps if _matters_now(history, found)]
    severity = Severity.OK
    if recent:
        severity = Severity.ERROR
    elif gaps or any(_matters_now(history, found) for found in epochs):
        severity = Severity.WARN
    elif epochs:
        severity = Severity.INFO
    missing = sum(found.missing_count for found in gaps)
    parts = [_gap_in_words(found) for found in reversed(gaps)]
    parts += [f"numbering starts anew {_between(found)}" for found in reversed(epochs)]
    if recent or any(_matters_now(history, found) for found in epochs):
        parts.append("what came after cannot be replayed until a new full backup")
    return Answer(
        severity=severity,
        summary=listed(parts) if parts else "no log segment is missing",
        measured=missing,
        unit="count",
        threshold=Threshold(error=0),
        basis=Basis.SERVICE,
        evidence=tuple(_gap_evidence(found) for found in reversed((*epochs, *gaps))),
    )


def log_lag_limits(history: History) -> tuple[Threshold, Basis]:
    limits, span = history.settings.checks.log_lag, history.usual_span
    basis = Basis.POLICY
    warn, error = limits.floor_warn, limits.floor_error
    if span is not None and (limits.spans_warn * span > warn or limits.spans_error * span > error):
        warn, error, basis = max(warn, limits.spans_warn * span), max(error, limits.spans_error * span), Basis.HISTORY
    if limits.warn is not None:
        warn, basis = limits.warn, Basis.POLICY
    if limits.error is not None:
        error, basis = limits.error, Basis.POLICY
    return in_seconds(warn, error), basis


def log_lag(history: History) -> Answer:
    if not history.takes_logs:
        return not_evaluated(_NO_LOGS)
    threshold, basis = log_lag_limits(history)
    newest = max(history.coverage.chains.runs, key=lambda run: run.end, default=None)
    if newest is None:
        severity = Severity.INFO if history.new_plan else Severity.ERROR
        summary = "there is no sealed log segment" + ("; the plan is new" if history.new_plan else "")
        return Answer(severity=severity, summary=summary, unit="seconds", threshold=threshold, basis=basis)
    lag = max(history.as_of - newest.end, timedelta(0))
    filling = any(log.state is LogState.OPEN for log in history.logs)
    return Answer(
        severity=above(lag.total_seconds(), threshold),
        summary=f"the newest sealed log segment {clean(newest.last_segment, 60)} ended {duration(lag)} ago, at"
        f" {at(newest.end)}; {duration(timedelta(seconds=threshold.warn or 0))} are allowed"
        f" ({'another is being filled' if filling else 'none is being filled'})",
        measured=lag.total_seconds(),
        unit="seconds",
        threshold=threshold,
        basis=basis,
        evidence=(Evidence(kind="log", id=newest.last_segment, end=newest.end),),
    )


def log_broken(history: History) -> Answer:
    """UNCOMPLETED segments, and such as have been FILLING for too long."""
    if not history.logs:
        return (
            not_evaluated("there are no log segments", Basis.HISTORY) if history.takes_logs else not_evaluated(_NO_LOGS)
        )
    broken = [found for found in history.coverage.chains.breaks if found.cause is BreakCause.BROKEN]
    needed = [found for found in broken if _matters_now(history, found) or _in_recovery_window(history, found)]
    limits, span = history.settings.checks.log_broken, history.usual_span
    allowed = max(limits.floor, limits.filling * (span or timedelta(0)))
    filling = [
        log for log in history.logs if log.state is LogState.OPEN and log.start and history.as_of - log.start > allowed
    ]
    parts = [f"not complete: {named([log.backup_set_id for log in found.segments])}" for found in reversed(broken)]
    if filling:
        parts.append(f"being filled for more than {duration(allowed)}: {named([log.id for log in filling])}")
    severity = Severity.INFO if broken else Severity.OK
    severity = Severity.ERROR if needed else Severity.WARN if filling else severity
    return Answer(
        severity=severity,
        summary=listed(parts) if parts else "every log segment is complete or being filled",
        measured=sum(len(found.segments) for found in broken) + len(filling),
        unit="count",
        threshold=Threshold(error=0),
        basis=Basis.SERVICE,
        evidence=(
            *(
                Evidence(kind="log", id=log.backup_set_id, start=log.start_time, end=log.end_time)
                for found in reversed(broken)
                for log in found.segments
            ),
            *(log.evidence for log in filling),
        ),
    )


def coverage(history: History) -> Answer:
    """How much of the recovery window can be recovered; the tail not sealed yet is C15's matter until it warns."""
    window = history.settings.recovery_window
    if not history.fulls and history.new_plan:
        return not_evaluated("the plan is new and has no full backup yet")
    start, end = coverage_bounds(history, window or history.settings.history)
    fraction = history.coverage.fraction(start, end)
    gaps = coverage_gaps(history, start, end)
    limits = history.settings.checks.coverage
    threshold = Threshold() if window is None else Threshold(warn=limits.warn, error=limits.error)
    summary = f"{_percent(fraction)} % of [{at(start)}, {at(end)}) can be recovered to any instant"
    if window is None:
        summary += "; no recovery_window is set"
    elif gaps:
        worst = sorted(gaps, key=lambda gap: gap.start - gap.end)
        summary += "; not: " + listed(
            [f"{at(gap.start)} to {at(gap.end)} ({duration(gap.end - gap.start)}: {gap.cause})" for gap in worst]
        )
    return Answer(
        severity=below(fraction, threshold),
        summary=summary,
        measured=fraction,
        unit="ratio",
        threshold=threshold,
        evidence=()
        if window is None
        else tuple(
            Evidence(kind="gap", id=f"{iso(gap.start)}/{iso(gap.end)}", start=gap.start, end=gap.end)
            for gap in reversed(gaps)
        ),
    )


def coverage_bounds(history: History, window: timedelta) -> tuple[datetime, datetime]:
    """The stretch that is measured. It ends with the last sealed log under a full while the logs do not lag by C15."""
    start, end = history.as_of - window, history.as_of
    sealed = [covered.end for covered in history.coverage.ranges if covered.kind is Kind.RANGE]
    threshold, _ = log_lag_limits(history)
    if sealed and above((end - max(sealed)).total_seconds(), threshold) is Severity.OK:
        end = min(max(sealed), end)
    return start, max(end, start + timedelta(microseconds=1))


def coverage_gaps(history: History, start: datetime, end: datetime) -> list[CoverageGap]:
    first_end = min((full.ended for full in history.usable), default=None)
    failed = [full for full in history.fulls if full.state is FullState.FAILED and full.placed is not None]
    return [
        CoverageGap(
            start=gap.start,
            end=gap.end,
            cause=_cause(
                history,
                gap.cause,
                before_first=first_end is None or gap.end <= first_end,
                failed=[full.id for full in failed if gap.start <= full.stands < gap.end],
            ),
        )
        for gap in history.coverage.gaps(start, end)
    ]


def _cause(history: History, found: LogBreak | None, *, before_first: bool, failed: Sequence[str]) -> str:
    if before_first:
        cause = "before the oldest usable full backup"
    elif found is not None:
        cause = _CAUSES[found.cause]
    elif not history.takes_logs:
        cause = "log backup is off"
    else:
        cause = "no sealed log segments"
    return f"{cause}; failed full backup {named(failed)}" if failed else cause


def _matters_now(history: History, found: LogBreak) -> bool:
    """Whether it lies after the newest usable full backup, so that nothing heals it."""
    newest = history.newest_usable
    return newest is None or found.end is None or found.end > newest.began


def _in_recovery_window(history: History, found: LogBreak) -> bool:
    window = history.settings.recovery_window
    return window is not None and (found.end is None or found.end > history.as_of - window)


def _gap_in_words(found: LogBreak) -> str:
    more = found.missing_count - len(found.missing)
    names = f": {named(found.missing)}" if found.missing else ""
    return f"{found.missing_count} log segment(s) missing {_between(found)}{names}" + (" and more" if more > 0 else "")


def _between(found: LogBreak) -> str:
    after = found.after.last_segment if found.after else "the start"
    before = found.before.first_segment if found.before else "the end"
    return f"between {clean(after, 60)} and {clean(before, 60)} ({at(found.start)})"


def _gap_evidence(found: LogBreak) -> Evidence:
    after = found.after.last_segment if found.after else ""
    before = found.before.first_segment if found.before else ""
    return Evidence(kind="gap", id=f"{after}/{before}", start=found.start, end=found.end)


def _percent(fraction: float) -> str:
    """Never rounded up to 100."""
    return f"{int(fraction * 10_000) / 100:g}"
