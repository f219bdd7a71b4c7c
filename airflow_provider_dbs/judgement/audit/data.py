# SPDX-License-Identifier: Apache-2.0
"""Do the rows themselves make sense: times in order, no contradicting copies, one unit?"""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_dbs.judgement.audit.answer import Answer, above, in_seconds, named
from airflow_provider_dbs.judgement.audit.findings import Basis, Evidence, Severity
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.audit.normalise import Full, Log
from airflow_provider_dbs.judgement.words import clean, duration, listed


def data_time(history: History) -> Answer:
    """A clock that runs ahead makes a stale backup look fresh."""
    limits = history.settings.checks.data_time
    threshold = in_seconds(limits.warn, limits.error)
    odd: list[tuple[Severity, Evidence, str]] = []
    ahead = timedelta(0)
    items: list[Full | Log] = [*history.fulls, *history.logs]
    for item in items:
        if item.start and item.end and item.start <= item.end <= history.as_of and isinstance(item, Log):
            continue  # nearly every row: worth not looking further
        finished = item.finished if isinstance(item, Full) else None
        created = item.created if isinstance(item, Full) else None
        latest = max((moment for moment in (created, item.start, item.end, finished) if moment), default=None)
        found: list[tuple[Severity, str]] = []
        if latest is None:
            if not isinstance(item, Full) or item.state.is_terminal:
                found.append((Severity.WARN, "has no time at all"))
        elif latest > history.as_of:
            future = latest - history.as_of
            ahead = max(ahead, future)
            found.append((above(future.total_seconds(), threshold), f"is {duration(future)} in the future"))
        if item.start and item.end and item.end < item.start:
            found.append((Severity.WARN, "ends before it starts"))
        if item.end and finished and abs(finished - item.end) > limits.finish:
            found.append((Severity.WARN, f"has an EndTime and a FinishTime {duration(finished - item.end)} apart"))
        said = [text for severity, text in found if severity.is_open]
        if said:
            worst = Severity.worst(severity for severity, _ in found)
            odd.append((worst, item.evidence, f"{clean(item.id, 60)} {', '.join(said)}"))
    odd.sort(key=lambda each: -each[0].rank)
    return Answer(
        severity=Severity.worst([Severity.OK, *(severity for severity, _, _ in odd)]),
        summary=listed([text for _, _, text in odd]) if odd else "all times are in order",
        measured=ahead.total_seconds(),
        unit="seconds",
        threshold=threshold,
        basis=Basis.SERVICE,
        evidence=tuple(evidence for _, evidence, _ in odd),
    )


def data_duplicate(history: History) -> Answer:
    conflicts = history.rows.conflicts
    return Answer(
        severity=Severity.WARN if conflicts else Severity.OK,
        summary=f"listed twice with different outcomes: {named([item.id for item in conflicts])}"
        if conflicts
        else "no backup is listed twice with different outcomes",
        measured=len(conflicts),
        unit="count",
        basis=Basis.SERVICE,
        evidence=conflicts,
    )


def data_unit(history: History) -> Answer:
    odd = history.rows.in_seconds
    return Answer(
        severity=Severity.WARN if odd else Severity.OK,
        summary=f"times given in seconds instead of milliseconds, read as seconds:"
        f" {listed([f'{clean(item.id, 60)} {field}' for item, field in odd])}"
        if odd
        else "all times are given in milliseconds",
        measured=len(odd),
        unit="count",
        basis=Basis.SERVICE,
        evidence=tuple(dict.fromkeys(item for item, _ in odd)),
    )
