# SPDX-License-Identifier: Apache-2.0
"""How old are the newest usable full backup, and the newest data that could be restored?"""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_dbs.judgement.audit.answer import Answer, above, at, in_seconds
from airflow_provider_dbs.judgement.audit.findings import Basis, Severity, Threshold
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.usable import unusable_because
from airflow_provider_dbs.judgement.words import clean, duration

# Of ``max_age``: time to act before it is reached.
_WARN_PART = 0.8


def full_age_limits(history: History) -> tuple[Threshold, Basis]:
    """The limits of C1: those set by hand, else ``max_age``, else what the schedule and the usual duration allow."""
    limits, max_age = history.settings.checks.full_age, history.settings.max_age
    basis = Basis.POLICY
    if max_age is not None:
        warn, error = _WARN_PART * max_age, max_age
    elif history.schedule is not None:
        warn = history.cadence + history.usual_duration + limits.margin
        error = 2 * history.cadence + history.usual_duration
        basis = Basis.PLAN
    else:
        warn, error = limits.unscheduled_warn, limits.unscheduled_error
    if limits.warn is not None:
        warn, basis = limits.warn, Basis.POLICY
    if limits.error is not None:
        error, basis = limits.error, Basis.POLICY
    return in_seconds(warn, error), basis


def full_age(history: History) -> Answer:
    threshold, basis = full_age_limits(history)
    newest = history.newest_usable
    if newest is None:
        return _no_usable_full(history, threshold, basis)
    age = max(history.as_of - newest.ended, timedelta(0))
    by_hand = "" if history.is_scheduled(newest) else "; it did not start at a scheduled time"
    return Answer(
        severity=above(age.total_seconds(), threshold),
        summary=f"the newest usable full backup {clean(newest.id, 60)} ended {duration(age)} ago,"
        f" at {at(newest.ended)}; {duration(timedelta(seconds=threshold.warn or 0))} are allowed{by_hand}",
        measured=age.total_seconds(),
        unit="seconds",
        threshold=threshold,
        basis=basis,
        evidence=(newest.evidence,),
    )


def _no_usable_full(history: History, threshold: Threshold, basis: Basis) -> Answer:
    listed = history.fulls[-1:]
    summary = (
        "no full backup is usable" if listed else f"no full backup of the last {duration(history.settings.history)}"
    )
    for full in listed:
        because = unusable_because(full.row, at=history.as_of, as_of=history.as_of, min_size=history.settings.min_size)
        summary += f"; the newest, {clean(full.id, 60)}: {because}"
    if history.new_plan:
        summary += "; the plan is new and its first backup not yet overdue"
    return Answer(
        severity=Severity.INFO if history.new_plan else Severity.ERROR,
        summary=summary,
        unit="seconds",
        threshold=threshold,
        basis=basis,
        evidence=tuple(full.evidence for full in listed),
    )


def content_age(history: History) -> Answer:
    rpo, point = history.settings.rpo, history.content_point
    threshold = in_seconds(None if rpo is None else rpo * history.settings.checks.content_age.warn, rpo)
    if point is None:
        return _no_content(history, threshold)
    moment, evidence = point
    age = max(history.as_of - moment, timedelta(0))
    resting_on = " and ".join(f"{item.kind} {clean(item.id, 60)}" for item in evidence)
    allowed = "no rpo is set" if rpo is None else f"the rpo is {duration(rpo)}"
    return Answer(
        severity=above(age.total_seconds(), threshold),
        summary=f"data committed up to {at(moment)}, {duration(age)} ago, can be restored from {resting_on}; {allowed}",
        measured=age.total_seconds(),
        unit="seconds",
        threshold=threshold,
        evidence=evidence,
    )


def _no_content(history: History, threshold: Threshold) -> Answer:
    severity, remedy = Severity.ERROR, None
    if history.newest_usable is None:
        summary = "nothing can be restored: there is no usable full backup"
        if threshold.error is None or history.new_plan:
            severity = Severity.INFO
    else:
        method = clean(history.plan.backup_method or "logical", 40)
        summary = (
            f"no consistent state can be restored: a {method} full backup is consistent only together with"
            " the sealed logs of the time in which it was taken, and none cover it"
        )
        remedy = "enable log backup, or leave content.age out if the dumps are consistent in themselves"
    return Answer(
        severity=severity,
        summary=summary,
        unit="seconds",
        threshold=threshold,
        evidence=tuple(full.evidence for full in (history.newest_usable,) if full is not None),
        remedy=remedy,
    )
