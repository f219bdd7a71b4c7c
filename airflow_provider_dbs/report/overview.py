# SPDX-License-Identifier: Apache-2.0
"""What an operator reads first: the verdict line, what changed, and the plans in the order of their trouble."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from airflow_provider_dbs.judgement.audit.findings import Audit, Finding, PlanAudit, Severity
from airflow_provider_dbs.report.words import NONE, SEVERITY_LABELS, count, duration, instant, plain

LIMITATION = (
    "This report proves what the backup catalogue says can be recovered. "
    "It does not prove that a restore works: only a restore test does."
)

_VERDICTS = {
    Severity.ERROR: ("is in error", "are in error"),
    Severity.UNKNOWN: ("could not be judged", "could not be judged"),
    Severity.WARN: ("has a warning", "have warnings"),
}

_JUDGED = (Severity.OK, Severity.INFO, Severity.WARN, Severity.ERROR)


def worst_first(plans: tuple[PlanAudit, ...]) -> list[PlanAudit]:
    """By severity, then by how far the newest full backup is past its allowed age, then by id."""
    return sorted(plans, key=lambda plan: (-plan.severity.rank, -_staleness(plan), plan.backup_plan_id))


def _staleness(plan: PlanAudit) -> float:
    age, allowed = plan.summary.full_age, plan.summary.full_age_allowed
    if age is None:
        return math.inf if plan.severity.is_open else 0.0
    return age / allowed if allowed else 0.0


def plan_name(plan: PlanAudit, longest: int = 120) -> str:
    """The plan's name, or its id when it has none."""
    return plain(plan.name or "", longest) or plain(plan.backup_plan_id, longest)


def last_full(plan: PlanAudit) -> str:
    """The age of the newest usable full backup; "none" only when it is known that there is none."""
    if plan.summary.full_age is not None:
        return duration(plan.summary.full_age)
    judged = any(finding.check_id == "full.age" and finding.severity in _JUDGED for finding in plan.findings)
    return "none" if judged else NONE


def why(plan: PlanAudit, longest: int = 120) -> str:
    """The reasons in a few words; where nothing could be judged, what the worst finding says."""
    if plan.summary.reasons:
        return plain(", ".join(plan.summary.reasons), longest)
    still_open = [finding for finding in plan.findings if finding.severity.is_open]
    return plain(max(still_open, key=lambda finding: finding.severity.rank).summary, longest) if still_open else ""


def severity_counts(audit: Audit) -> list[tuple[Severity, int]]:
    """How many plans have each severity, worst first, without those that none has; info counts as ok."""
    counts = Counter(Severity.OK if plan.severity is Severity.INFO else plan.severity for plan in audit.plans)
    return sorted(counts.items(), key=lambda pair: -pair[0].rank)


def headline(audit: Audit) -> str:
    """``3 of 12 backup plans are in error``."""
    total = len(audit.plans)
    if not total:
        return "No backup plan was audited"
    severity, affected = severity_counts(audit)[0]
    if severity is Severity.NOT_EVALUATED:
        return "Nothing was evaluated" if affected == total else f"{affected} of {total} plans were not evaluated"
    if severity not in _VERDICTS:
        return "The backup plan is ok" if total == 1 else f"All {total:,} backup plans are ok"
    one, many = _VERDICTS[severity]
    if total == 1:
        return f"The backup plan {one}"
    return f"{affected:,} of {total:,} backup plans {one if affected == 1 else many}"


def worst_finding(audit: Audit) -> tuple[PlanAudit, Finding] | None:
    """The plan that comes first and its worst open finding; None when all is well."""
    for plan in worst_first(audit.plans):
        still_open = [finding for finding in plan.findings if finding.severity.is_open]
        if still_open:
            return plan, max(still_open, key=lambda finding: finding.severity.rank)
    return None


def changes_line(audit: Audit) -> str | None:
    """``Since 2026-11-20 02:00 UTC: 3 new, 1 worse, 5 ongoing, 2 resolved.``; None without an earlier audit."""
    changes = audit.changes
    if changes is None:
        return None
    parts = [
        f"{len(group)} {word}"
        for word, group in (
            ("new", changes.new),
            ("worse", changes.worsened),
            ("ongoing", changes.ongoing),
            ("resolved", changes.resolved),
            ("not judged this time", changes.unjudged),
        )
        if group
    ]
    return f"Since {instant(changes.since)} UTC: {', '.join(parts) or 'no open finding, then or now'}."


def change_words(audit: Audit) -> dict[str, str]:
    """What is new about a finding, by its fingerprint."""
    changes = audit.changes
    if changes is None:
        return {}
    groups = (("ongoing", changes.ongoing), ("new", changes.new), ("worse", changes.worsened))
    return {fingerprint: word for word, group in groups for fingerprint in group}


def incompleteness(audit: Audit) -> str | None:
    """What to say when not everything was read."""
    if audit.complete:
        return None
    return "The evidence is incomplete: not every list was read to its end. What is missing is unknown, not lost."


@dataclass(frozen=True)
class Unevaluated:
    """A check that could not be made, over the plans of an audit."""

    check_id: str
    plans: int
    reason: str


def unevaluated(audit: Audit) -> list[Unevaluated]:
    """The checks that were not evaluated, most plans first, each with the reason given most often."""
    reasons: dict[str, Counter[str]] = {}
    for finding in _findings(audit):
        if finding.severity is Severity.NOT_EVALUATED:
            reasons.setdefault(finding.check_id, Counter())[plain(finding.summary)] += 1
    listed = [Unevaluated(check, sum(c.values()), c.most_common(1)[0][0]) for check, c in reasons.items()]
    return sorted(listed, key=lambda item: (-item.plans, item.check_id))


def _findings(audit: Audit) -> list[Finding]:
    return [finding for plan in audit.plans for finding in plan.findings]


def plans_line(audit: Audit) -> str:
    """``12 plans: 3 error, 2 warning, 7 ok``."""
    parts = ", ".join(f"{amount:,} {SEVERITY_LABELS[severity]}" for severity, amount in severity_counts(audit))
    return f"{count(len(audit.plans), 'plan')}: {parts}" if parts else count(0, "plan")
