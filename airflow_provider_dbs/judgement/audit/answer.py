# SPDX-License-Identifier: Apache-2.0
"""What a check answers; ``audit.py`` makes a ``Finding`` of it by adding plan, check, ``as_of`` and fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from airflow_provider_dbs.judgement.audit.findings import Basis, Evidence, Severity, Threshold
from airflow_provider_dbs.judgement.words import clean, listed
from airflow_provider_dbs.models import iso


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """``remedy``: what to do, where it is more exact than the catalogue's words. The rest as in ``Finding``."""

    severity: Severity
    summary: str
    measured: int | float | str | None = None
    unit: str | None = None
    threshold: Threshold = Threshold()
    basis: Basis = Basis.POLICY
    evidence: tuple[Evidence, ...] = ()
    remedy: str | None = None


def not_evaluated(reason: str, basis: Basis = Basis.PLAN) -> Answer:
    """The check does not apply, or there is too little to judge by."""
    return Answer(severity=Severity.NOT_EVALUATED, summary=reason, basis=basis)


def above(value: float, limits: Threshold) -> Severity:
    """For a value that is bad when it is higher than its limit."""
    if limits.error is not None and value > limits.error:
        return Severity.ERROR
    return Severity.WARN if limits.warn is not None and value > limits.warn else Severity.OK


def below(value: float, limits: Threshold) -> Severity:
    """For a value that is bad when it is lower than its limit."""
    if limits.error is not None and value < limits.error:
        return Severity.ERROR
    return Severity.WARN if limits.warn is not None and value < limits.warn else Severity.OK


def in_seconds(warn: timedelta | None, error: timedelta | None) -> Threshold:
    return Threshold(
        warn=None if warn is None else warn.total_seconds(), error=None if error is None else error.total_seconds()
    )


def evidence_of(items: Iterable[object]) -> tuple[Evidence, ...]:
    """The evidence of fulls or logs."""
    return tuple(item.evidence for item in items)  # type: ignore[attr-defined]


def named(ids: Sequence[str]) -> str:
    """Ids of the service in a sentence: cleaned, the first five and how many more."""
    return listed([clean(each, 60) for each in ids])


def at(moment: datetime) -> str:
    """An instant in a sentence; nobody reads milliseconds there."""
    return iso(moment.replace(microsecond=0))
