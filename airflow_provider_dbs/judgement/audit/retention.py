# SPDX-License-Identifier: Apache-2.0
"""Are there enough usable full backups, do they live long enough, and are they kept where they should be?"""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_dbs.judgement.audit.answer import Answer, at, below, evidence_of, named, not_evaluated
from airflow_provider_dbs.judgement.audit.findings import Basis, Severity, Threshold
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.audit.normalise import Full
from airflow_provider_dbs.judgement.usable import unusable_because
from airflow_provider_dbs.judgement.words import clean, duration

_DAY = timedelta(days=1)


def retention_expiry(history: History) -> Answer:
    """Will a usable full still be kept when the next one should have ended?"""
    limits = history.settings.checks.retention_expiry
    if not history.usable:
        return not_evaluated("there is no usable full backup to expire", Basis.HISTORY)
    lasting = max(history.usable, key=lambda full: (full.expires is None, full.expires or full.ended, full.id))
    next_end = history.next_tick + history.usual_duration + limits.margin
    threshold = Threshold(warn=(limits.warn * history.cadence).total_seconds(), error=0)
    if lasting.expires is None:
        return Answer(
            severity=Severity.OK,
            summary=f"{clean(lasting.id, 60)} has no expiry",
            unit="seconds",
            threshold=threshold,
            basis=Basis.PLAN,
            evidence=(lasting.evidence,),
        )
    margin = (lasting.expires - next_end).total_seconds()
    left = f"{duration(timedelta(seconds=margin))} {'after' if margin >= 0 else 'before'}"
    return Answer(
        severity=below(margin, threshold),
        summary=f"the last usable full backup to expire, {clean(lasting.id, 60)}, does so at {at(lasting.expires)},"
        f" {left} the next one should have ended at the latest ({at(next_end)})",
        measured=margin,
        unit="seconds",
        threshold=threshold,
        basis=Basis.PLAN,
        evidence=(lasting.evidence,),
    )


def redundancy(history: History) -> Answer:
    wanted, limits = history.settings.min_redundancy, history.settings.checks
    count = len(history.usable)
    threshold = Threshold(warn=wanted, error=limits.redundancy.error)
    severity = below(count, threshold)
    summary = f"{count} usable full backup(s); {wanted} are wanted"
    if severity.is_open:
        if history.is_new(wanted * history.cadence + limits.full_age.new_plan):
            severity, summary = Severity.INFO, f"{summary}; the plan is too new to have more"
        elif newest := next((full for full in reversed(history.fulls) if not full.usable), None):
            because = unusable_because(
                newest.row, at=history.as_of, as_of=history.as_of, min_size=history.settings.min_size
            )
            summary += f"; the newest that is not usable: {clean(newest.id, 60)}, {because}"
    return Answer(
        severity=severity,
        summary=summary,
        measured=count,
        unit="count",
        threshold=threshold,
        evidence=evidence_of(reversed(history.usable)),
    )


def retention_min(history: History) -> Answer:
    """Counted from the start, as the service does: a retention of 7 days expires 7 days after StartTime."""
    wanted = history.settings.min_retention
    if wanted is None:
        return not_evaluated("the policy sets no min_retention", Basis.POLICY)
    if not history.usable:
        return not_evaluated("there is no usable full backup", Basis.HISTORY)
    kept = [(full.expires - full.began, full) for full in reversed(history.usable) if full.expires is not None]
    short = [full for lifetime, full in kept if lifetime < wanted]
    least = min((lifetime for lifetime, _ in kept), default=None)
    severity = Severity.OK
    if short:
        severity = Severity.ERROR if short[0] is history.newest_usable else Severity.WARN
    summary = f"every usable full backup is kept for {duration(wanted)} or longer"
    if short and least is not None:
        summary = f"kept for less than {duration(wanted)} (the shortest {duration(least)}):"
        summary += f" {named([full.id for full in short])}"
    return Answer(
        severity=severity,
        summary=summary,
        measured=None if least is None else round(least / _DAY, 4),
        unit="days",
        threshold=Threshold(error=wanted / _DAY),
        evidence=evidence_of(short),
    )


def storage_class(history: History) -> Answer:
    """Archive storage must be thawed for hours before a restore can start."""
    allowed = history.settings.allowed_storage
    newest = history.usable[: -history.settings.checks.storage_class.newest - 1 : -1]
    if not newest:
        return not_evaluated("there is no usable full backup", Basis.HISTORY)
    if len(history.usable) == 1 and _word(newest[0].row.storage_method) == "archive":
        answer = _stored(newest, newest, Severity.WARN, "the only usable full backup lies in Archive storage")
        return (
            answer
            if allowed is None
            else max(answer, _class_allowed(newest, allowed), key=lambda each: each.severity.rank)
        )
    if allowed is None:
        return not_evaluated("the policy sets no allowed_storage", Basis.POLICY)
    return _class_allowed(newest, allowed)


def _class_allowed(newest: tuple[Full, ...], allowed: tuple[str, ...]) -> Answer:
    classes = {_word(each) for each in allowed}
    unsaid = [full for full in newest if _word(full.row.storage_method) in ("", "unknown")]
    wrong = [full for full in newest if full not in unsaid and _word(full.row.storage_method) not in classes]
    if wrong:
        return _stored(
            newest, wrong, Severity.ERROR, f"not in {', '.join(allowed)}: {named([full.id for full in wrong])}"
        )
    if unsaid:
        return _stored(
            newest,
            unsaid,
            Severity.WARN,
            f"finished, but the service says no storage: {named([full.id for full in unsaid])}",
        )
    return _stored(
        newest, newest, Severity.OK, f"the newest {len(newest)} usable full backup(s) lie in {', '.join(allowed)}"
    )


def _stored(newest: tuple[Full, ...], evidence: object, severity: Severity, summary: str) -> Answer:
    return Answer(
        severity=severity,
        summary=summary,
        measured=clean(newest[0].row.storage_method or "", 40),
        unit="storage",
        evidence=evidence_of(evidence),  # type: ignore[arg-type]
    )


def encryption(history: History) -> Answer:
    allowed = history.settings.allowed_encryption
    newest = history.usable[: -history.settings.checks.encryption.newest - 1 : -1]
    if allowed is None:
        return not_evaluated("the policy sets no allowed_encryption", Basis.POLICY)
    if not newest:
        return not_evaluated("there is no usable full backup", Basis.HISTORY)
    methods = {_word(each) for each in allowed}
    unsaid = [full for full in newest if not _word(full.row.storage_encrypt_method)]
    wrong = [full for full in newest if full not in unsaid and _word(full.row.storage_encrypt_method) not in methods]
    if wrong:
        severity, summary = Severity.ERROR, f"not in {', '.join(allowed)}: {named([full.id for full in wrong])}"
    elif unsaid:
        severity = Severity.UNKNOWN
        summary = f"the service does not say how these are encrypted: {named([full.id for full in unsaid])}"
    else:
        severity, summary = Severity.OK, f"the newest {len(newest)} usable full backup(s) are encrypted as allowed"
    return Answer(
        severity=severity,
        summary=summary,
        measured=clean(newest[0].row.storage_encrypt_method or "", 40),
        unit="encryption",
        evidence=evidence_of(wrong or unsaid or newest),
    )


def region(history: History) -> Answer:
    if not history.settings.require_other_region:
        return not_evaluated("the policy does not set require_other_region", Basis.POLICY)
    stored = _word(history.plan.oss_bucket_region or history.plan.backup_plan_region).removeprefix("oss-")
    source = _word(history.plan.source_endpoint_region)
    if not stored or not source:
        missing = "where the backups lie" if not stored else "where the database lies"
        return Answer(severity=Severity.UNKNOWN, summary=f"the service does not say {missing}", unit="region")
    same = stored == source
    return Answer(
        severity=Severity.ERROR if same else Severity.OK,
        summary=f"backups lie in {clean(stored, 40)}, the database in {clean(source, 40)}",
        measured=clean(stored, 40),
        unit="region",
    )


def _word(text: str | None) -> str:
    return (text or "").strip().lower()
