# SPDX-License-Identifier: Apache-2.0
"""What is expected of backup plans: one frozen record with defaults, and overrides for some plans.

``Policy.from_mapping`` and ``Policy.from_text`` (YAML or JSON) read it; a wrong key or value is a ``PolicyError`` that
names its path, such as ``policy.overrides[2].checks.size_anomaly.warn``. ``Policy.for_plan`` gives the ``Settings`` in
force for one plan. A duration is a number of seconds, ``"26h"``, ``"1d 12h"``, ``"PT26H"`` or a timedelta.

    rpo: 15m
    recovery_window: 5d
    checks: {size_anomaly: {warn: 0.8}}
    overrides:
      - backup_plan_name: "archive-*"
        rpo: 1d
        leave_out: [log.lag]
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import msgspec

from airflow_provider_dbs.judgement.audit import policy_reading as reading
from airflow_provider_dbs.judgement.audit.policy_reading import PolicyError

__all__ = ["CHECK_IDS", "Checks", "Override", "Policy", "PolicyError", "Settings"]

CHECK_IDS = (
    "full.age",
    "content.age",
    "success.ratio",
    "failures.consecutive",
    "schedule.missed",
    "run.stuck",
    "duration.anomaly",
    "size.anomaly",
    "size.zero",
    "log.sequence_gap",
    "log.lag",
    "log.broken",
    "coverage",
    "plan.state",
    "retention.expiry",
    "redundancy",
    "retention.min",
    "storage.class",
    "encryption",
    "region",
    "data.time",
    "data.duplicate",
    "data.unit",
    "evidence",
)

Count = Annotated[int, msgspec.Meta(ge=1)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Factor = Annotated[float, msgspec.Meta(gt=0, le=1000)]


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _Limits(_Record, frozen=True, kw_only=True):
    """Limits of a check whose measured value is bad when high: the warning comes first."""

    def __post_init__(self) -> None:
        names = [name for name in self.__struct_fields__ if "warn" in name]
        for name in names:
            warn, error = getattr(self, name), getattr(self, name.replace("warn", "error"))
            if warn is not None and error is not None and self._reversed(warn, error):
                raise ValueError(f"{name} ({warn}) would never be reached before its error limit ({error})")

    def _reversed(self, warn: Any, error: Any) -> bool:
        return bool(warn > error)


class FullAge(_Limits, frozen=True, kw_only=True):
    """``warn``, ``error``: unset = from the schedule; ``unscheduled_*``: for a plan without one.

    ``margin``: added to the schedule's own limit; ``new_plan``: how long past its first tick a plan counts as new.
    """

    warn: timedelta | None = None
    error: timedelta | None = None
    margin: timedelta = timedelta(hours=1)
    unscheduled_warn: timedelta = timedelta(hours=26)
    unscheduled_error: timedelta = timedelta(hours=50)
    new_plan: timedelta = timedelta(hours=24)


class ContentAge(_Record, frozen=True, kw_only=True):
    """``warn``: this part of the ``rpo`` is worth a warning."""

    warn: Ratio = 0.8


class SuccessRatio(_Limits, frozen=True, kw_only=True):
    """Over the attempts of ``period``, or the last ``attempts`` when those reach further back."""

    warn: Ratio = 0.95
    error: Ratio = 0.80
    attempts: Count = 30
    period: timedelta = timedelta(days=30)
    min_attempts: Count = 5

    def _reversed(self, warn: Any, error: Any) -> bool:
        return bool(warn < error)


class FailuresConsecutive(_Limits, frozen=True, kw_only=True):
    warn: Count = 1
    error: Count = 2


class ScheduleMissed(_Record, frozen=True, kw_only=True):
    """``grace``: a full may start that late; ``early``: or that early; ``error``: so many misses within ``period``."""

    grace: timedelta = timedelta(hours=1)
    early: timedelta = timedelta(minutes=15)
    period: timedelta = timedelta(days=14)
    error: Count = 2


class RunStuck(_Limits, frozen=True, kw_only=True):
    """``warn``, ``error``: times the median duration, at least ``floor``; ``few_*``: with fewer than ``min_runs``."""

    warn: Factor = 3.0
    error: Factor = 6.0
    floor: timedelta = timedelta(hours=1)
    pending_warn: timedelta = timedelta(hours=1)
    pending_error: timedelta = timedelta(hours=4)
    few_warn: timedelta = timedelta(hours=12)
    few_error: timedelta = timedelta(hours=24)
    min_runs: Count = 5


class DurationAnomaly(_Limits, frozen=True, kw_only=True):
    """``warn``, ``error``: times the median; each needs its robust z as well. ``points``: the history compared with."""

    warn: Factor = 1.5
    error: Factor = 2.0
    warn_z: Factor = 3.5
    error_z: Factor = 6.0
    points: Count = 28
    min_points: Count = 14


class SizeAnomaly(_Limits, frozen=True, kw_only=True):
    """``warn``, ``error``: shrunk below this part of the median; ``growth``: grown beyond this multiple (a warning)."""

    warn: Ratio = 0.7
    error: Ratio = 0.5
    growth: Factor = 2.0
    warn_z: Factor = 3.5
    error_z: Factor = 6.0
    points: Count = 28
    min_points: Count = 14

    def __post_init__(self) -> None:
        if self.warn < self.error:
            raise ValueError(f"warn ({self.warn}) would never be reached before its error limit ({self.error})")
        if self.warn_z > self.error_z:
            raise ValueError(f"warn_z ({self.warn_z}) would never be reached before its error limit ({self.error_z})")


class LogLag(_Limits, frozen=True, kw_only=True):
    """``warn``, ``error``: unset = the floor, or so many times the median span of a segment, whichever is longer."""

    warn: timedelta | None = None
    error: timedelta | None = None
    floor_warn: timedelta = timedelta(minutes=30)
    floor_error: timedelta = timedelta(hours=2)
    spans_warn: Factor = 3.0
    spans_error: Factor = 8.0


class LogBroken(_Record, frozen=True, kw_only=True):
    """``filling``: an open segment may last so many times the median span, and at least ``floor``."""

    filling: Factor = 2.0
    floor: timedelta = timedelta(minutes=30)


class CoverageLimits(_Limits, frozen=True, kw_only=True):
    """The part of the ``recovery_window`` that must be recoverable."""

    warn: Ratio = 1.0
    error: Ratio = 1.0

    def _reversed(self, warn: Any, error: Any) -> bool:
        return bool(warn < error)


class PlanState(_Record, frozen=True, kw_only=True):
    """``paused``: tolerated so long after the first tick without a backup; ``new_plan``: time to configure a plan."""

    paused: timedelta = timedelta(hours=24)
    new_plan: timedelta = timedelta(hours=24)


class RetentionExpiry(_Record, frozen=True, kw_only=True):
    """``margin``: how late the next full may be; ``warn``: so many cadences of protection should be left after it."""

    margin: timedelta = timedelta(hours=1)
    warn: Factor = 1.0


class Redundancy(_Record, frozen=True, kw_only=True):
    """``error``: fewer usable fulls than this; the warning limit is ``min_redundancy``."""

    error: Count = 1


class Newest(_Record, frozen=True, kw_only=True):
    """``newest``: so many of the newest usable fulls are looked at."""

    newest: Count = 1


class DataTime(_Limits, frozen=True, kw_only=True):
    """``warn``, ``error``: a time so far in the future; ``finish``: EndTime and FinishTime may differ by this."""

    warn: timedelta = timedelta(minutes=5)
    error: timedelta = timedelta(hours=1)
    finish: timedelta = timedelta(hours=1)


class Checks(_Record, frozen=True, kw_only=True):
    """The limits of each check; a check that has none (its limits are above, or are facts) has no entry."""

    full_age: FullAge = FullAge()
    content_age: ContentAge = ContentAge()
    success_ratio: SuccessRatio = SuccessRatio()
    failures_consecutive: FailuresConsecutive = FailuresConsecutive()
    schedule_missed: ScheduleMissed = ScheduleMissed()
    run_stuck: RunStuck = RunStuck()
    duration_anomaly: DurationAnomaly = DurationAnomaly()
    size_anomaly: SizeAnomaly = SizeAnomaly()
    log_lag: LogLag = LogLag()
    log_broken: LogBroken = LogBroken()
    coverage: CoverageLimits = CoverageLimits()
    plan_state: PlanState = PlanState()
    retention_expiry: RetentionExpiry = RetentionExpiry()
    redundancy: Redundancy = Redundancy()
    storage_class: Newest = Newest()
    encryption: Newest = Newest()
    data_time: DataTime = DataTime()


class Settings(_Record, frozen=True, kw_only=True):
    """What is expected of one plan.

    ``history``: how far back backups are looked at and drawn. ``rpo``: how much committed data may be lost.
    ``max_age``: of the newest usable full (a warning comes at 80 %). ``recovery_window``: any instant in it must be
    recoverable. ``min_redundancy``: so many usable fulls. ``min_size``: a smaller full counts as empty.
    ``min_retention``: from a full's start to its expiry. ``allowed_storage``, ``allowed_encryption``: the service's
    ``StorageMethod`` and ``StorageEncryptMethod``, in any case. ``require_other_region``: the backups must not lie in
    the database's own region. ``schedule_timezone``: the IANA zone of ``BackupPeriod`` and ``BackupStartTime``.
    ``count_open_tail``: take a log segment that is still being filled for recoverable. ``leave_out``: check ids.
    """

    history: timedelta = timedelta(days=60)
    rpo: timedelta | None = None
    max_age: timedelta | None = None
    recovery_window: timedelta | None = None
    min_redundancy: Count = 2
    min_size: Count = 1
    min_retention: timedelta | None = None
    allowed_storage: tuple[str, ...] | None = None
    allowed_encryption: tuple[str, ...] | None = None
    require_other_region: bool = False
    schedule_timezone: str = "UTC"
    count_open_tail: bool = False
    leave_out: tuple[str, ...] = ()
    checks: Checks = Checks()

    def __post_init__(self) -> None:
        for name, least, example in (("history", 1, "60d"), ("min_retention", 1, "35d"), ("recovery_window", 1, "7d")):
            value = getattr(self, name)
            if value is not None and value < timedelta(days=least):
                raise ValueError(f"{name} ({value}) is less than a day: a bare number is seconds, write {example!r}")
        reading.check_timezone(self.schedule_timezone)
        reading.check_leave_out(self.leave_out, CHECK_IDS)
        if self.min_redundancy < self.checks.redundancy.error:
            raise ValueError(
                f"min_redundancy ({self.min_redundancy}) would never be reached before its error limit"
                f" checks.redundancy.error ({self.checks.redundancy.error})"
            )


class Override(_Record, frozen=True, kw_only=True):
    """Other ``settings`` for plans that fit every selector given; ``backup_plan_name`` is a pattern (``prod-*``)."""

    backup_plan_id: tuple[str, ...] | None = None
    backup_plan_name: str | None = None
    database_type: str | None = None
    settings: dict[str, Any]

    def fits(self, backup_plan_id: str, name: str | None, database_type: str | None) -> bool:
        return (
            (self.backup_plan_id is None or backup_plan_id in self.backup_plan_id)
            and (self.backup_plan_name is None or reading.fits_pattern(name, self.backup_plan_name))
            and (self.database_type is None or reading.same_word(database_type, self.database_type))
        )


class Policy(Settings, frozen=True, kw_only=True):
    """The settings of all plans, and ``overrides`` for some: of several that fit a plan, a later one wins."""

    overrides: tuple[Override, ...] = ()

    @classmethod
    def from_mapping(cls, mapping: object) -> Policy:
        """Read a policy from a dict (None = all defaults). Raises ``PolicyError``."""
        return reading.read_policy(mapping, cls, Settings, Override)

    @classmethod
    def from_text(cls, text: str) -> Policy:
        """Read a policy from YAML or JSON text; an empty text gives all defaults. Raises ``PolicyError``."""
        return cls.from_mapping(reading.parse_text(text))

    def for_plan(self, backup_plan_id: str, name: str | None = None, database_type: str | None = None) -> Settings:
        """The settings in force for a plan. Raises ``PolicyError`` when overrides that fit contradict each other."""
        own: Settings = Settings(**{field: getattr(self, field) for field in Settings.__struct_fields__})
        for number, override in enumerate(self.overrides):
            if override.fits(backup_plan_id, name, database_type):
                own = reading.changed(own, override.settings, f"policy.overrides[{number}] for plan {backup_plan_id}")
        return own

    @property
    def digest(self) -> str:
        """16 hex digits that are the same for the same policy."""
        return reading.digest(self)
