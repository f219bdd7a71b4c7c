# SPDX-License-Identifier: Apache-2.0
"""What an audit says: the records behind ``audit.json``, which is the contract with every reader of an audit.

``Audit`` holds a ``PlanAudit`` per backup plan, and each of these its ``Finding``s and what a report needs to draw
the plan: its facts, its backups, its expected ticks, its coverage. All of it is plain data that msgspec writes to JSON
and reads back unchanged (``Audit.to_json``, ``Audit.from_json``). Times are aware UTC, durations are seconds,
sizes are the service's ``BackupSize`` (bytes by every sign; no page states the unit). Ids and messages of the service
stand here as delivered: whoever renders them escapes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import Enum

import msgspec

SCHEMA_VERSION = 1


class Severity(str, Enum):
    """How bad a finding is. ``NOT_EVALUATED`` is listed with its reason and never makes anything better or worse."""

    NOT_EVALUATED = "not_evaluated"
    OK = "ok"
    INFO = "info"
    WARN = "warn"
    UNKNOWN = "unknown"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Its place in the roll-up: not_evaluated < ok < info < warn < unknown < error."""
        return _RANKS[self]

    @property
    def is_open(self) -> bool:
        """Whether somebody should look at it: warn, unknown or error."""
        return self.rank >= _RANKS[Severity.WARN]

    @classmethod
    def worst(cls, severities: Iterable[Severity]) -> Severity:
        """The worst of them; ``NOT_EVALUATED`` when there is none: nothing judged is not "ok"."""
        return max(severities, key=_RANKS.__getitem__, default=cls.NOT_EVALUATED)


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Basis(str, Enum):
    """Where a threshold comes from."""

    POLICY = "policy"
    PLAN = "plan"
    HISTORY = "history"
    SERVICE = "service"


class FullState(str, Enum):
    """A full backup's state: the service's schedule, running, finish, stop, pause, and anything else."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    PAUSED = "paused"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        return self in (FullState.SUCCESS, FullState.FAILED)


class LogState(str, Enum):
    """A log segment's state: the service's INIT, FILLING, COMPLETED, UNCOMPLETED, and anything else."""

    PENDING = "pending"
    OPEN = "open"
    SEALED = "sealed"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class TickOutcome(str, Enum):
    """What became of an instant at which the plan's schedule expected a full backup.

    ``DUE``: still inside the grace, or its backup runs. ``UNKNOWN``: the evidence of that time is incomplete.
    """

    OK = "ok"
    LATE = "late"
    MISSED = "missed"
    FAILED = "failed"
    DUE = "due"
    UNKNOWN = "unknown"


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record whose every field is written, also when it is null."""


class _Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of many small things to draw: fields that have their default are left out of the JSON."""


class Evidence(_Record, frozen=True, kw_only=True):
    """What a finding rests on. ``kind``: full, log, gap, tick, plan, range or call; ``id`` is the service's own id."""

    kind: str
    id: str
    start: datetime | None = None
    end: datetime | None = None


class Threshold(_Record, frozen=True, kw_only=True):
    """The limits in force, in the finding's unit; None = this check has no such limit."""

    warn: float | None = None
    error: float | None = None


class Finding(_Record, frozen=True, kw_only=True):
    """The answer of one check about one plan; there is one also when all is well.

    ``measured`` is in ``unit``: seconds, ratio, count, size, days, or a word such as a status (unit "status").
    ``evidence`` holds at most 20 items; ``fingerprint`` is made from all of them, the plan and the check.
    """

    check_id: str
    plan_id: str
    severity: Severity
    measured: int | float | str | None
    unit: str | None
    threshold: Threshold
    basis: Basis
    summary: str
    remediation: str
    evidence: tuple[Evidence, ...]
    as_of: datetime
    fingerprint: str


def fingerprint(plan_id: str, check_id: str, evidence: Iterable[Evidence]) -> str:
    """The name of a matter across audits: the same plan, check and evidence ids give the same 16 hex digits."""
    ids = sorted({f"{item.kind}:{item.id}" for item in evidence})
    return hashlib.sha256("\n".join([plan_id, check_id, *ids]).encode("utf-8", "replace")).hexdigest()[:16]


class PlanFacts(_Record, frozen=True, kw_only=True):
    """The plan as the service describes it; ``schedule_timezone`` is the policy's."""

    database_type: str | None = None
    backup_method: str | None = None
    backup_plan_status: str | None = None
    region: str | None = None
    backup_period: str | None = None
    backup_start_time: str | None = None
    schedule_timezone: str = "UTC"
    enable_backup_log: bool | None = None
    backup_retention_period: int | None = None
    created: datetime | None = None
    err_message: str | None = None


class FullMark(_Mark, frozen=True, kw_only=True, omit_defaults=True):
    """A full backup to draw, of the audit's window; oldest first. ``usable``: judged at ``as_of``."""

    backup_set_id: str
    state: FullState
    usable: bool = False
    created: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    expires: datetime | None = None
    size: int | None = None
    storage_method: str | None = None
    err_message: str | None = None


class LogBand(_Mark, frozen=True, kw_only=True, omit_defaults=True):
    """An unbroken run of log segments, coalesced; ``open`` = its end is a segment still being filled (draw hatched)."""

    start: datetime
    end: datetime
    segments: int
    first_id: str
    last_id: str
    open: bool = False


class LogGap(_Mark, frozen=True, kw_only=True, omit_defaults=True):
    """A break in the logs. ``cause``: as ``judgement/recovery.py`` names it; ids are the segments on both sides."""

    start: datetime
    end: datetime
    cause: str
    after_id: str | None = None
    before_id: str | None = None


class TickMark(_Mark, frozen=True, kw_only=True, omit_defaults=True):
    """An instant at which the schedule expected a full backup, and the backup that belongs to it; oldest first."""

    at: datetime
    outcome: TickOutcome
    backup_set_id: str | None = None


class CoverageMark(_Mark, frozen=True, kw_only=True, omit_defaults=True):
    """What can be recovered. ``kind``: range (any instant), point (``start == end``), open (if the tail counts)."""

    start: datetime
    end: datetime
    kind: str
    backup_set_id: str | None = None


class CoverageGap(_Mark, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch that cannot be recovered, and why."""

    start: datetime
    end: datetime
    cause: str


class SeriesPoint(_Mark, frozen=True, kw_only=True, omit_defaults=True):
    """One successful full backup's value, at its start."""

    at: datetime
    value: float
    backup_set_id: str
    outlier: bool = False


class Series(_Record, frozen=True, kw_only=True):
    """Sizes or durations (``unit``: size or seconds) of successful fulls, oldest first, with what is usual.

    ``low`` and ``high`` bound what C9 and C10 take for usual; None while there are too few points to say.
    """

    unit: str
    points: tuple[SeriesPoint, ...] = ()
    median: float | None = None
    low: float | None = None
    high: float | None = None


class PlanSummary(_Record, frozen=True, kw_only=True):
    """A plan's line in the table of an audit, and its metrics. Ages are seconds at ``as_of``; None = there is none.

    ``full_age_allowed``: the warning limit of C1. ``recoverable_to``: the latest instant that can be recovered.
    ``coverage_ratio``: 0 to 1 of the recovery window, None when the policy sets none. ``missed_ticks``: last 14 days.
    ``reasons``: two or three words for each open finding, worst first.
    """

    last_full_id: str | None = None
    last_full_end: datetime | None = None
    full_age: float | None = None
    full_age_allowed: float | None = None
    content_age: float | None = None
    recoverable_to: datetime | None = None
    coverage_ratio: float | None = None
    last_attempt: datetime | None = None
    last_attempt_state: FullState | None = None
    missed_ticks: int | None = None
    redundancy: int | None = None
    expires_first: datetime | None = None
    reasons: tuple[str, ...] = ()


class PlanAudit(_Record, frozen=True, kw_only=True):
    """One plan judged. ``findings``: worst first. A plan whose calls failed has one UNKNOWN ``evidence`` finding.

    ``retention_horizon``: backups older than this have expired by the plan's own retention; None if it says none.
    """

    backup_plan_id: str
    name: str | None
    severity: Severity
    findings: tuple[Finding, ...]
    summary: PlanSummary = PlanSummary()
    facts: PlanFacts = PlanFacts()
    fulls: tuple[FullMark, ...] = ()
    logs: tuple[LogBand, ...] = ()
    log_gaps: tuple[LogGap, ...] = ()
    ticks: tuple[TickMark, ...] = ()
    coverage: tuple[CoverageMark, ...] = ()
    coverage_gaps: tuple[CoverageGap, ...] = ()
    retention_horizon: datetime | None = None
    sizes: Series = Series(unit="size")
    durations: Series = Series(unit="seconds")


class Window(_Record, frozen=True, kw_only=True):
    """The history that was looked at: ``[start, end)``, ``end`` being ``as_of``."""

    start: datetime
    end: datetime


class Changes(_Record, frozen=True, kw_only=True):
    """What changed since the audit of ``since``, over findings that are warn, unknown or error.

    ``new``, ``worsened``, ``ongoing``: fingerprints of findings of this audit. ``resolved``: findings of the earlier
    one whose check is fine now. ``unjudged``: findings of the earlier one that nothing can be said of now, because
    the plan or the check was not judged; they are not resolved.
    """

    since: datetime
    new: tuple[str, ...] = ()
    worsened: tuple[str, ...] = ()
    ongoing: tuple[str, ...] = ()
    resolved: tuple[Finding, ...] = ()
    unjudged: tuple[Finding, ...] = ()


class Audit(_Record, frozen=True, kw_only=True):
    """A whole audit: ``audit.json``. ``plans``: worst first. No plan at all is UNKNOWN, never ok.

    ``complete``: every list that the policy's checks need was read to its end. ``api_calls``: calls made to DBS.
    ``versions``: package name → version. ``policy_digest``: the same policy gives the same 16 hex digits.
    """

    schema_version: int
    as_of: datetime
    window: Window
    severity: Severity
    plans: tuple[PlanAudit, ...]
    complete: bool
    api_calls: int | None = None
    versions: dict[str, str] = {}
    policy_digest: str | None = None
    changes: Changes | None = None

    def to_json(self) -> bytes:
        """UTF-8, keys in the order of the records: the same bytes for the same audit."""
        return msgspec.json.encode(self, order="deterministic")

    @classmethod
    def from_json(cls, text: bytes | str) -> Audit:
        """Read ``audit.json``; a text of another shape or schema version raises ``ValueError`` saying where."""
        version = msgspec.json.decode(text, type=_Versioned).schema_version
        if version != SCHEMA_VERSION:
            raise ValueError(f"audit.json has schema_version {version}, not {SCHEMA_VERSION}")
        return msgspec.json.decode(text, type=cls)


class _Versioned(msgspec.Struct, frozen=True):
    """The one field that every version of ``audit.json`` has."""

    schema_version: int
