# SPDX-License-Identifier: Apache-2.0
"""How an audit task speaks: its progress in the log, its summary in XCom, its reason when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_dbs.audits import Progress
from airflow_provider_dbs.judgement.audit import Audit, PlanAudit, Severity
from airflow_provider_dbs.judgement.words import clean, duration
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.report import overview
from airflow_provider_dbs.report.words import SEVERITY_LABELS, plain

if TYPE_CHECKING:
    from airflow_provider_dbs.operators.audit_files import Paths

_PROGRESS_SECONDS = 10.0
_MOST_WORST = 10
_MOST_NAMED = 5


class ProgressLog:
    """A line now and then, at once when it gets worse, and one at the end."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said_at = time.monotonic()
        self._worst: Severity | None = None

    def __call__(self, progress: Progress) -> None:
        worst = progress.worst
        is_worse = worst.severity.is_open and worst.severity is not self._worst
        if not is_worse and progress.judged < progress.plans and time.monotonic() - self._said_at < _PROGRESS_SECONDS:
            return
        self._said_at, self._worst = time.monotonic(), worst.severity
        so_far = (
            f"{SEVERITY_LABELS[worst.severity]}, {overview.plan_name(worst, 60)} ({clean(worst.backup_plan_id, 60)})"
        )
        reasons = overview.why(worst)
        left = f", about {duration(progress.left)} left" if progress.left else ""
        self._say(
            f"{progress.judged:,} of {progress.plans:,} plans judged, {progress.calls:,} calls{left}; "
            f"worst so far: {so_far}{': ' if reasons else ''}{reasons}"
        )


def say(audit: Audit, tell: Callable[[str], None]) -> None:
    """The verdict and what changed."""
    for line in (
        f"{overview.headline(audit)}. {overview.plans_line(audit)}",
        overview.changes_line(audit),
        overview.incompleteness(audit),
    ):
        if line:
            tell(line)


def summarise(audit: Audit, paths: Paths) -> dict[str, Any]:
    """What goes to XCom: a few KB, however many plans there are."""
    changes = audit.changes
    worst = [plan for plan in overview.worst_first(audit.plans) if plan.severity.is_open]
    return {
        "as_of": iso(audit.as_of),
        "severity": audit.severity.value,
        "headline": overview.headline(audit),
        "plans": len(audit.plans),
        "by_severity": {severity.value: amount for severity, amount in overview.severity_counts(audit)},
        "complete": audit.complete,
        "api_calls": audit.api_calls,
        "worst": [_worst_row(plan) for plan in worst[:_MOST_WORST]],
        "changes": changes
        and {
            "since": iso(changes.since),
            **{name: len(getattr(changes, name)) for name in ("new", "worsened", "ongoing", "resolved", "unjudged")},
        },
        "audit_json": paths.json,
        "audit_markdown": paths.markdown,
        "audit_html": paths.html,
        "report_url": paths.url,
    }


def _worst_row(plan: PlanAudit) -> dict[str, str]:
    return {
        "backup_plan_id": plain(plan.backup_plan_id, 60),
        "backup_plan_name": overview.plan_name(plan, 60),
        "severity": plan.severity.value,
        "why": overview.why(plan, 120),
    }


def failure_reason(audit: Audit, paths: Paths, fail_on: str) -> str:
    """The verdict, the worst plans and why, and where the rest stands."""
    worst = [plan for plan in overview.worst_first(audit.plans) if plan.severity.is_open]
    named = [
        f"{overview.plan_name(plan, 60)} ({plain(plan.backup_plan_id, 60)}) "
        f"{SEVERITY_LABELS[plan.severity]}: {overview.why(plan, 160)}"
        for plan in worst[:_MOST_NAMED]
    ]
    more = [f"+{len(worst) - _MOST_NAMED} more"] if len(worst) > _MOST_NAMED else []
    return (
        f"{overview.headline(audit)} (fail_on={fail_on!r}). {'; '.join([*named, *more])}"
        f"{'. ' if named else ''}Report: {paths.url or paths.html}"
    )
