# SPDX-License-Identifier: Apache-2.0
"""What became of each instant at which the schedule expected a full backup, and whether backups were missed."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from airflow_provider_dbs.judgement.audit.answer import Answer, at, named, not_evaluated
from airflow_provider_dbs.judgement.audit.findings import (
    Basis,
    Evidence,
    FullState,
    Severity,
    Threshold,
    TickMark,
    TickOutcome,
)
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.audit.normalise import Full
from airflow_provider_dbs.judgement.usable import CLOCK_SKEW
from airflow_provider_dbs.judgement.words import listed
from airflow_provider_dbs.models import iso


def tick_marks(history: History, period: timedelta) -> tuple[TickMark, ...]:
    """The ticks of the last ``period``, oldest first; none for a plan without a schedule.

    A full belongs to the last tick that is not more than ``early`` after its start.
    """
    if history.schedule is None:
        return ()
    since = history.as_of - period
    ticks = history.schedule.between(max(since, history.created or since), history.as_of)
    early = history.settings.checks.schedule_missed.early
    belonging: list[list[Full]] = [[] for _ in ticks]
    for full in history.fulls:
        # One of the future is not believed: C21 says so.
        if full.placed is None or full.placed > history.as_of + CLOCK_SKEW:
            continue
        if number := bisect_right(ticks, full.placed + early):
            belonging[number - 1].append(full)
    judged_from = _judged_from(history)
    return tuple(_mark(history, tick, fulls, judged_from) for tick, fulls in zip(ticks, belonging, strict=True))


def _judged_from(history: History) -> datetime | None:
    """Before this, a tick without a backup says nothing: DBS no longer lists, or did not yet make, backups."""
    placed = next((full.placed for full in history.fulls if full.placed is not None), None)
    bounds = [bound for bound in (placed, history.listed_since) if bound is not None]
    return max(bounds, default=None)


def _mark(history: History, tick: datetime, fulls: Sequence[Full], judged_from: datetime | None) -> TickMark:
    grace = history.settings.checks.schedule_missed.grace
    if not fulls:
        if history.as_of <= tick + grace:
            outcome = TickOutcome.DUE
        elif "fulls" in history.incomplete or (judged_from is not None and tick < judged_from):
            outcome = TickOutcome.UNKNOWN
        else:
            outcome = TickOutcome.MISSED
        return TickMark(at=tick, outcome=outcome)
    success = next((full for full in reversed(fulls) if full.state is FullState.SUCCESS), None)
    if success is not None:
        late = all(full.placed is not None and full.placed > tick + grace for full in fulls)
        return TickMark(at=tick, outcome=TickOutcome.LATE if late else TickOutcome.OK, backup_set_id=success.id)
    newest = fulls[-1]
    failed = all(full.state is FullState.FAILED for full in fulls)
    return TickMark(at=tick, outcome=TickOutcome.FAILED if failed else TickOutcome.DUE, backup_set_id=newest.id)


def schedule_missed(history: History) -> Answer:
    limits = history.settings.checks.schedule_missed
    if history.schedule_error is not None:
        return Answer(
            severity=Severity.UNKNOWN,
            summary=f"the plan's schedule cannot be read: {history.schedule_error}",
            basis=Basis.PLAN,
            unit="count",
        )
    if history.schedule is None:
        return not_evaluated("the plan has no schedule (BackupPeriod is empty)")
    marks = [mark for mark in tick_marks(history, limits.period) if mark.outcome is not TickOutcome.DUE]
    judged = [mark for mark in marks if mark.outcome is not TickOutcome.UNKNOWN]
    if not judged:
        return not_evaluated("no scheduled start of a time that DBS still lists has come yet", Basis.HISTORY)
    missed = [mark for mark in judged if mark.outcome is TickOutcome.MISSED]
    late = [mark for mark in judged if mark.outcome is TickOutcome.LATE]
    newest_missed = judged[-1].outcome is TickOutcome.MISSED
    if newest_missed or len(missed) >= limits.error:
        severity = Severity.ERROR
    elif missed or len(late) > 1 or judged[-1].outcome is TickOutcome.LATE:
        severity = Severity.WARN
    else:
        severity = Severity.INFO if late else Severity.OK
    counts = Counter(mark.outcome.value for mark in marks)
    summary = f"of {len(marks)} scheduled starts " + ", ".join(f"{count} {name}" for name, count in counts.items())
    if missed:
        skipped = [mark for mark in missed if _was_busy(history, mark.at)]
        summary += f"; missed: {listed([at(mark.at) for mark in reversed(missed)])}"
        summary += f" ({len(skipped)} while another backup ran, so the service skipped it)" if skipped else ""
    if late:
        summary += f"; late: {named([mark.backup_set_id or '' for mark in reversed(late)])}"
    return Answer(
        severity=severity,
        summary=summary,
        measured=len(missed),
        unit="count",
        threshold=Threshold(warn=1, error=limits.error),
        basis=Basis.PLAN,
        evidence=tuple(
            Evidence(kind="tick", id=iso(mark.at), start=mark.at, end=mark.at + limits.grace)
            for mark in sorted((*missed, *late), key=lambda mark: mark.at, reverse=True)
        ),
    )


def _was_busy(history: History, tick: datetime) -> bool:
    """Whether a full backup ran at the tick: DBS then skips the one that was due."""
    return any(
        full.start is not None and full.start < tick and (full.end or history.as_of) > tick
        for full in history.fulls
        if full.state is not FullState.PENDING
    )
