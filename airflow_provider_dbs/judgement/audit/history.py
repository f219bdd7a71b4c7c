# SPDX-License-Identifier: Apache-2.0
"""One plan's backups as all checks see them: normalised once, with what several checks ask worked out once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from statistics import median

from airflow_provider_dbs.judgement.audit.findings import Evidence, LogState
from airflow_provider_dbs.judgement.audit.normalise import Full, Log, Normalised, normalise
from airflow_provider_dbs.judgement.audit.policy import Settings
from airflow_provider_dbs.judgement.recovery import Coverage, Kind, coverage, is_logical
from airflow_provider_dbs.judgement.schedule import Schedule, ScheduleError
from airflow_provider_dbs.judgement.usable import CLOCK_SKEW
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup

_DAY = timedelta(days=1)
_FOREVER = timedelta(days=36_500)

# Durations and sizes are compared with so many successes before them.
USUAL_RUNS = 28


class History:
    """A plan, its backups, the settings in force and ``as_of``; every answer is a function of these alone.

    ``incomplete``: which lists ("fulls", "logs") are not the whole truth, and why.
    """

    def __init__(
        self,
        plan: BackupPlan,
        fulls: Sequence[FullBackup],
        logs: Sequence[IncrementalBackup],
        *,
        settings: Settings,
        as_of: datetime,
        incomplete: Mapping[str, str],
    ) -> None:
        self.plan = plan
        self.settings = settings
        self.as_of = as_of
        self.incomplete = incomplete
        self.rows: Normalised = normalise(fulls, logs, as_of=as_of, min_size=settings.min_size)
        self.fulls: tuple[Full, ...] = self.rows.fulls
        self.logs: tuple[Log, ...] = self.rows.logs
        self.schedule: Schedule | None = None
        self.schedule_error: str | None = None
        try:
            self.schedule = Schedule.of(plan.backup_period, plan.backup_start_time, settings.schedule_timezone)
        except ScheduleError as error:
            self.schedule_error = str(error)

    @cached_property
    def cadence(self) -> timedelta:
        """The longest the schedule leaves between two fulls; a day for a plan without one."""
        return self.schedule.cadence(self.as_of) if self.schedule else _DAY

    @cached_property
    def next_tick(self) -> datetime:
        return self.schedule.next(self.as_of) if self.schedule else self.as_of + _DAY

    @cached_property
    def usable(self) -> tuple[Full, ...]:
        """Fulls that a restore could start from at ``as_of``, by their end."""
        return tuple(sorted((full for full in self.fulls if full.usable), key=lambda full: (full.ended, full.id)))

    @property
    def newest_usable(self) -> Full | None:
        return self.usable[-1] if self.usable else None

    @cached_property
    def attempts(self) -> tuple[Full, ...]:
        """Fulls that succeeded or failed and stand in time; one of the future is not believed (C21 says so)."""
        return tuple(
            full
            for full in self.fulls
            if full.state.is_terminal and full.placed is not None and full.placed <= self.as_of + CLOCK_SKEW
        )

    def attempts_since(self, moment: datetime) -> list[Full]:
        """Attempts later than ``moment`` of which DBS still lists good and failed ones alike."""
        horizon = max(moment, self.listed_since) if self.listed_since else moment
        return [full for full in self.attempts if full.stands >= horizon]

    @cached_property
    def successes(self) -> tuple[Full, ...]:
        return tuple(
            full for full in self.attempts if full.duration is not None and full.ended <= self.as_of + CLOCK_SKEW
        )

    @cached_property
    def durations(self) -> tuple[float, ...]:
        """How many seconds the last successes took."""
        return tuple(
            full.duration.total_seconds() for full in self.successes[-USUAL_RUNS:] if full.duration is not None
        )

    @cached_property
    def usual_duration(self) -> timedelta:
        """The 95th percentile of ``durations``; zero when there are none."""
        ordered = sorted(self.durations)
        return timedelta(seconds=ordered[-(-95 * len(ordered) // 100) - 1] if ordered else 0)

    @cached_property
    def lifetime(self) -> timedelta | None:
        """How long DBS keeps and so lists a successful full: as the newest one's expiry says, else the plan."""
        for full in reversed(self.usable):
            if full.expires is not None:
                return full.expires - full.began
        days = self.plan.backup_retention_period
        return timedelta(days=days) if days and 0 < days < _FOREVER.days else None

    @cached_property
    def listed_since(self) -> datetime | None:
        """Before this, successful fulls have left the list by age, so that their absence says nothing."""
        return None if self.lifetime is None or self.lifetime > _FOREVER else self.as_of - self.lifetime

    def is_scheduled(self, full: Full) -> bool:
        """Whether it started at a tick; always so for a plan without a schedule."""
        if self.schedule is None:
            return True
        limits = self.settings.checks.schedule_missed
        return self.schedule.next(full.began - limits.grace) <= full.began + limits.early

    @property
    def new_plan(self) -> bool:
        """Whether the plan is so new that its first full backup is not overdue."""
        return self.is_new(self.cadence + self.settings.checks.full_age.new_plan)

    @cached_property
    def created(self) -> datetime | None:
        """When the plan was created; a time of the future is not believed, or the plan would be new for ever."""
        created = self.plan.backup_plan_create_time
        return None if created is None or created > self.as_of + CLOCK_SKEW else created

    def is_new(self, grace: timedelta) -> bool:
        """Whether the plan was created less than ``grace`` ago; a plan that does not say when is not new."""
        return self.created is not None and self.as_of - self.created < grace

    @property
    def is_logical(self) -> bool:
        return is_logical(self.plan.backup_method)

    @cached_property
    def coverage(self) -> Coverage:
        """What can be recovered at ``as_of``, and the log runs and breaks behind it."""
        rows = [full.row for full in self.usable]
        return self._coverage(rows, self.logs, count_open_tail=self.settings.count_open_tail)

    @cached_property
    def open_tail_end(self) -> datetime | None:
        """How far the furthest full backup would reach if the segment that is still being filled counted."""
        furthest = max(self.coverage.by_full, key=lambda covered: (covered.end, covered.start), default=None)
        if furthest is None or all(log.state is not LogState.OPEN for log in self.logs):
            return None
        began = furthest.full.start_time
        assert began is not None, "a usable full backup has a start"
        tail = [log for log in self.logs if log.end is None or log.end >= began]
        return max(covered.end for covered in self._coverage([furthest.full], tail, count_open_tail=True).ranges)

    def _coverage(self, fulls: Sequence[FullBackup], logs: Sequence[Log], *, count_open_tail: bool) -> Coverage:
        return coverage(
            fulls,
            [log.row for log in logs],
            method=self.plan.backup_method,
            at=self.as_of,
            as_of=self.as_of,
            min_size=self.settings.min_size,
            count_open_tail=count_open_tail,
        )

    @cached_property
    def content_point(self) -> tuple[datetime, tuple[Evidence, ...]] | None:
        """Up to when committed data can surely be restored, and by what: a full backup alone, or with its logs."""
        points: list[tuple[datetime, tuple[Evidence, ...]]] = []
        newest = self.newest_usable
        if newest is not None and not self.is_logical:
            points.append((newest.began, (newest.evidence,)))
        ranges = [covered for covered in self.coverage.by_full if covered.kind is Kind.RANGE]
        if ranges:
            best = max(ranges, key=lambda covered: (covered.end, covered.start))
            full = Evidence(kind="full", id=best.backup_set_id, start=best.full.start_time, end=best.start)
            log = Evidence(kind="log", id=best.last_segment or "", end=best.end)
            points.append((best.end, (full, log)))
        return max(points, key=lambda point: point[0], default=None)

    @property
    def takes_logs(self) -> bool:
        """Whether the plan backs up logs; where it does not say, whether there are any, or may be."""
        enabled = self.plan.enable_backup_log
        return bool(self.logs) or "logs" in self.incomplete if enabled is None else enabled

    @cached_property
    def usual_span(self) -> timedelta | None:
        """The median length of a sealed log segment."""
        spans = [
            (log.end - log.start).total_seconds()
            for log in self.logs
            if log.state is LogState.SEALED
            and log.start
            and log.end
            and log.start <= log.end <= self.as_of + CLOCK_SKEW
        ]
        return timedelta(seconds=median(spans)) if spans else None
