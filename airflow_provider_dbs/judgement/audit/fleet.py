# SPDX-License-Identifier: Apache-2.0
"""Many plans' audits as one, and what changed since the last one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from airflow_provider_dbs.judgement.audit.findings import (
    SCHEMA_VERSION,
    Audit,
    Changes,
    Finding,
    PlanAudit,
    Severity,
    Window,
)
from airflow_provider_dbs.judgement.audit.policy import Policy


def roll_up(
    plans: Iterable[PlanAudit],
    *,
    as_of: datetime,
    policy: Policy,
    api_calls: int | None = None,
    versions: Mapping[str, str] | None = None,
    previous: Audit | None = None,
) -> Audit:
    """One audit of all plans, worst first; ``previous``: the audit that the changes are counted from."""
    audit = Audit(
        schema_version=SCHEMA_VERSION,
        as_of=as_of,
        window=Window(start=as_of - policy.history, end=as_of),
        severity=Severity.UNKNOWN,
        plans=(),
        complete=False,
        api_calls=api_calls,
        versions=dict(versions or {}),
        policy_digest=policy.digest,
    )
    return _with_plans(audit, plans, previous)


def merge(parts: Sequence[Audit], *, previous: Audit | None = None) -> Audit:
    """One audit of several, such as those of a mapped task; ``as_of`` is the oldest of theirs.

    Of a plan that several parts judge, the newest judgement counts, and of those of one instant the worst. Raises
    ``ValueError`` without any part.
    """
    if not parts:
        raise ValueError("there is no audit to merge")
    judged = [(part.as_of, plan) for part in parts for plan in part.plans]
    judged.sort(key=lambda each: (each[0], each[1].severity.rank))
    latest = {plan.backup_plan_id: plan for _, plan in judged}
    calls = [part.api_calls for part in parts]
    digests = {part.policy_digest for part in parts}
    audit = Audit(
        schema_version=SCHEMA_VERSION,
        as_of=min(part.as_of for part in parts),
        window=Window(start=min(part.window.start for part in parts), end=max(part.window.end for part in parts)),
        severity=Severity.UNKNOWN,
        plans=(),
        complete=False,
        api_calls=None if None in calls else sum(call or 0 for call in calls),
        versions={name: version for part in parts for name, version in part.versions.items()},
        policy_digest=digests.pop() if len(digests) == 1 else None,
    )
    return _with_plans(audit, latest.values(), previous)


def compare(previous: Audit, current: Audit) -> Changes:
    """What is new, worsened, ongoing, resolved, and what can no longer be told.

    A check has one finding per plan. The same matter shares evidence with the earlier finding (an ever longer row of
    failures is one matter, another missed backup next week is a new one), and its fingerprint names it.
    """
    now = {(finding.plan_id, finding.check_id): finding for plan in current.plans for finding in plan.findings}
    before = {
        (finding.plan_id, finding.check_id): finding
        for plan in previous.plans
        for finding in plan.findings
        if finding.severity.is_open
    }
    groups: dict[str, list[str]] = {"new": [], "worsened": [], "ongoing": []}
    for key, finding in now.items():
        if finding.severity.is_open:
            groups[_progress(before.get(key), finding)].append(finding.fingerprint)
    gone = {key: (old, now.get(key)) for key, old in before.items()}
    return Changes(
        since=previous.as_of,
        new=tuple(groups["new"]),
        worsened=tuple(groups["worsened"]),
        ongoing=tuple(groups["ongoing"]),
        resolved=tuple(old for old, new in gone.values() if new and new.severity in (Severity.OK, Severity.INFO)),
        unjudged=tuple(old for old, new in gone.values() if _lost_sight(old, new)),
    )


def _with_plans(audit: Audit, plans: Iterable[PlanAudit], previous: Audit | None) -> Audit:
    ordered = tuple(sorted(plans, key=lambda plan: (-plan.severity.rank, -_open(plan), plan.backup_plan_id)))
    severity = Severity.worst(plan.severity for plan in ordered)
    audit = msgspec.structs.replace(
        audit,
        plans=ordered,
        severity=Severity.UNKNOWN if severity is Severity.NOT_EVALUATED else severity,
        complete=bool(ordered) and not any(_unread(plan) for plan in ordered),
    )
    return audit if previous is None else msgspec.structs.replace(audit, changes=compare(previous, audit))


def _open(plan: PlanAudit) -> int:
    return sum(finding.severity.is_open for finding in plan.findings)


def _unread(plan: PlanAudit) -> bool:
    return any(finding.check_id == "evidence" and finding.severity.is_open for finding in plan.findings)


def _progress(old: Finding | None, new: Finding) -> str:
    """Between "not known" and a judgement there is no better or worse: each is news."""
    if old is None or (old.severity is Severity.UNKNOWN) != (new.severity is Severity.UNKNOWN):
        return "new"
    if new.severity.rank > old.severity.rank:
        return "worsened"
    if old.fingerprint == new.fingerprint or _ids(old) & _ids(new) or _same_gap(old, new):
        return "ongoing"
    return "new"


def _ids(finding: Finding) -> set[tuple[str, str]]:
    return {(item.kind, item.id) for item in finding.evidence}


def _same_gap(old: Finding, new: Finding) -> bool:
    """A gap that reaches to the edge of the window has other bounds, and so another id, in every audit."""
    return any(
        before.start < now.end and now.start < before.end
        for before in old.evidence
        for now in new.evidence
        if before.kind == now.kind == "gap" and before.start and before.end and now.start and now.end
    )


def _lost_sight(old: Finding, new: Finding | None) -> bool:
    if new is None or new.severity is Severity.NOT_EVALUATED:
        return True
    return new.severity is Severity.UNKNOWN and old.severity is not Severity.UNKNOWN
