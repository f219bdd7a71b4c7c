# SPDX-License-Identifier: Apache-2.0
"""Audits made by hand: a plan that stopped, one with a gap, one that could not be read, and healthy ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_dbs.judgement.audit.findings import (
    SCHEMA_VERSION,
    Audit,
    Basis,
    Changes,
    CoverageGap,
    CoverageMark,
    Evidence,
    Finding,
    FullMark,
    FullState,
    LogBand,
    LogGap,
    PlanAudit,
    PlanFacts,
    PlanSummary,
    Series,
    SeriesPoint,
    Severity,
    Threshold,
    TickMark,
    TickOutcome,
    Window,
    fingerprint,
)

AS_OF = datetime(2026, 11, 21, 2, tzinfo=timezone.utc)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EVERY_DAY = "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"


@dataclass(frozen=True)
class Texts:
    """What comes from the service: a hostile one shows whether a report can be broken by it."""

    name: str = "orders"
    error: str = "the disk of the source is full"
    id: str = "1bg"
    log_id: str = "mysql-bin"
    cause: str = "sequence_gap"


@dataclass(frozen=True)
class Scribe:
    """Writes the records of an audit as of 2026-11-21 02:00 UTC over 60 days."""

    texts: Texts = field(default_factory=Texts)
    as_of: datetime = AS_OF
    days: int = 60

    def finding(
        self,
        plan_id: str,
        check_id: str,
        severity: Severity,
        measured: float | str | None = None,
        unit: str | None = None,
        *,
        warn: float | None = None,
        error: float | None = None,
        summary: str = "",
    ) -> Finding:
        evidence = (
            Evidence(kind="full", id=f"{self.texts.id}0007", start=self.as_of - DAY, end=self.as_of - DAY + HOUR),
            Evidence(kind="gap", id=f"{self.texts.log_id}.000123"),
        )
        return Finding(
            check_id=check_id,
            plan_id=plan_id,
            severity=severity,
            measured=measured,
            unit=unit,
            threshold=Threshold(warn=warn, error=error),
            basis=Basis.PLAN,
            summary=summary or f"{check_id} says: {self.texts.error}",
            remediation="Start a full backup by hand.",
            evidence=evidence,
            as_of=self.as_of,
            fingerprint=fingerprint(plan_id, check_id, evidence),
        )

    def findings(self, plan_id: str, severity: Severity) -> tuple[Finding, ...]:
        """The plan's own severity, a check that passed and one that was not made."""
        return (
            self.finding(plan_id, "full.age", severity, 4.3 * 86400, "seconds", warn=98_400, error=180_000),
            self.finding(plan_id, "redundancy", Severity.OK, 30, "count", warn=2, error=1),
            self.finding(plan_id, "size.anomaly", Severity.NOT_EVALUATED, summary="6 successful fulls; 14 are needed"),
        )

    def plan(
        self,
        plan_id: str = "dbs1orders",
        severity: Severity = Severity.OK,
        *,
        seed: int = 1,
        failed: tuple[int, ...] = (),
        missed: tuple[int, ...] = (),
        broken_days_ago: int | None = None,
        outlier: int | None = None,
    ) -> PlanAudit:
        """A plan with one full backup a day at 18:00 and logs for 30 days; ``failed``, ``missed``: numbers of days."""
        rng = random.Random(seed)
        fulls: list[FullMark] = []
        ticks: list[TickMark] = []
        sizes: list[SeriesPoint] = []
        durations: list[SeriesPoint] = []
        for day in range(self.days):
            tick = (self.as_of - DAY * (self.days - day)).replace(hour=18)
            if day in missed:
                ticks.append(TickMark(at=tick, outcome=TickOutcome.MISSED))
                continue
            set_id = f"{self.texts.id}{day:04d}"
            start, took = tick + MINUTE * rng.randint(1, 9), MINUTE * rng.gauss(70, 6) * (4 if day == outlier else 1)
            if day in failed:
                fulls.append(
                    FullMark(
                        backup_set_id=set_id,
                        state=FullState.FAILED,
                        start=start,
                        end=start + MINUTE,
                        err_message=self.texts.error,
                    )
                )
                ticks.append(TickMark(at=tick, outcome=TickOutcome.FAILED, backup_set_id=set_id))
                continue
            size = int(12.4e9 * rng.gauss(1, 0.02))
            fulls.append(
                FullMark(
                    backup_set_id=set_id,
                    state=FullState.SUCCESS,
                    usable=day > self.days - 31,
                    start=start,
                    end=start + took,
                    expires=start + 30 * DAY,
                    size=size,
                    storage_method="Standard",
                )
            )
            point = {"at": start, "backup_set_id": set_id, "outlier": day == outlier}
            sizes.append(SeriesPoint(value=size, **point))
            durations.append(SeriesPoint(value=took.total_seconds(), **point))
            ticks.append(TickMark(at=tick, outcome=TickOutcome.OK, backup_set_id=set_id))
        ticks.append(TickMark(at=self.as_of.replace(hour=18), outcome=TickOutcome.DUE))
        logs, log_gaps, coverage, coverage_gaps = self._logs(broken_days_ago)
        usable = [full for full in fulls if full.usable]
        return PlanAudit(
            backup_plan_id=plan_id,
            name=f"{self.texts.name} {plan_id}",
            severity=severity,
            findings=self.findings(plan_id, severity),
            summary=PlanSummary(
                last_full_id=usable[-1].backup_set_id,
                last_full_end=usable[-1].end,
                full_age=(self.as_of - (usable[-1].end or self.as_of)).total_seconds(),
                full_age_allowed=98_400,
                recoverable_to=coverage[-1].end,
                coverage_ratio=0.962 if broken_days_ago else 1.0,
                last_attempt=fulls[-1].start,
                last_attempt_state=fulls[-1].state,
                missed_ticks=len(missed),
                redundancy=len(usable),
                expires_first=usable[0].expires,
                reasons=("full too old",) if severity.is_open else (),
            ),
            facts=PlanFacts(
                database_type="MySQL",
                backup_method="logical",
                backup_plan_status="running",
                region="cn-hangzhou",
                backup_period=EVERY_DAY,
                backup_start_time="18:00",
                schedule_timezone="Asia/Shanghai",
                enable_backup_log=True,
                backup_retention_period=30,
                err_message=self.texts.error,
            ),
            fulls=tuple(fulls),
            ticks=tuple(ticks),
            logs=logs,
            log_gaps=log_gaps,
            coverage=coverage,
            coverage_gaps=coverage_gaps,
            retention_horizon=self.as_of - 30 * DAY,
            sizes=Series(unit="size", points=tuple(sizes), median=12.4e9, low=9e9, high=19e9),
            durations=Series(unit="seconds", points=tuple(durations), median=4200.0, low=2100.0, high=6300.0),
        )

    def _logs(
        self, broken_days_ago: int | None
    ) -> tuple[tuple[LogBand, ...], tuple[LogGap, ...], tuple[CoverageMark, ...], tuple[CoverageGap, ...]]:
        oldest, newest, log = self.as_of - 30 * DAY, self.as_of - 12 * MINUTE, self.texts.log_id
        tail = LogBand(start=newest, end=self.as_of, segments=1, first_id=f"{log}.9", last_id=f"{log}.9", open=True)
        if broken_days_ago is None:
            band = LogBand(start=oldest, end=newest, segments=2300, first_id=f"{log}.1", last_id=f"{log}.8")
            return (band, tail), (), (CoverageMark(start=oldest, end=newest, kind="range"),), ()
        broken = self.as_of - DAY * broken_days_ago
        sound = broken + 3 * HOUR
        bands = (
            LogBand(start=oldest, end=broken, segments=1300, first_id=f"{log}.1", last_id=f"{log}.3"),
            LogBand(start=sound, end=newest, segments=900, first_id=f"{log}.5", last_id=f"{log}.8"),
            tail,
        )
        gap = LogGap(start=broken, end=sound, cause=self.texts.cause, after_id=f"{log}.3", before_id=f"{log}.5")
        covered = (
            CoverageMark(start=oldest, end=broken, kind="range", backup_set_id=f"{self.texts.id}0030"),
            CoverageMark(start=broken + 18 * HOUR, end=newest, kind="range", backup_set_id=f"{self.texts.id}0051"),
        )
        return bands, (gap,), covered, (CoverageGap(start=broken, end=broken + 18 * HOUR, cause=self.texts.cause),)

    def unreadable(self, plan_id: str = "dbs1crm") -> PlanAudit:
        """A plan whose calls failed."""
        finding = self.finding(plan_id, "evidence", Severity.UNKNOWN, "Forbidden.RAM", "status")
        return PlanAudit(backup_plan_id=plan_id, name=None, severity=Severity.UNKNOWN, findings=(finding,))

    def audit(self, *plans: PlanAudit, changes: bool = False) -> Audit:
        found = [finding for plan in plans for finding in plan.findings if finding.severity.is_open]
        return Audit(
            schema_version=SCHEMA_VERSION,
            as_of=self.as_of,
            window=Window(start=self.as_of - DAY * self.days, end=self.as_of),
            severity=Severity.worst(plan.severity for plan in plans),
            plans=plans,
            complete=True,
            api_calls=61,
            versions={"apache-airflow": "3.3.2", "airflow-provider-dbs": "0.1.0"},
            policy_digest="9f2c5a7710be42d1",
            changes=Changes(
                since=self.as_of - DAY,
                new=tuple(finding.fingerprint for finding in found[:1]),
                ongoing=tuple(finding.fingerprint for finding in found[1:]),
                resolved=(self.finding("dbs1gone", "log.lag", Severity.WARN),),
                unjudged=(self.finding("dbs1crm", "redundancy", Severity.WARN),),
            )
            if changes
            else None,
        )

    def fleet(self) -> Audit:
        """Every kind of trouble, and health."""
        return self.audit(
            self.plan("dbs1ok"),
            self.plan("dbs1stopped", Severity.ERROR, failed=(20, 55), missed=(56, 57, 58, 59)),
            self.plan("dbs1gap", Severity.ERROR, broken_days_ago=9, seed=2),
            self.unreadable(),
            self.plan("dbs1shrunk", Severity.WARN, outlier=54, seed=3),
            changes=True,
        )


@pytest.fixture
def scribe() -> Scribe:
    return Scribe()


@pytest.fixture
def hostile() -> Scribe:
    """Every text of the service tries to become markup, a script, a template or a link."""
    attack = (
        "\"'><script>alert(1)</script><img src=x onerror=alert(2)></svg></style></title>"
        "<a href='javascript:alert(3)'>{{ 7 * 7 }}{% raw %}{# ]]> <!-- | `code` "
        "[x](http://evil.example) @all \u202e\x00\x07\n| row |"
    )
    return Scribe(Texts(name=attack, error=attack, id=f"{attack}-id-", log_id=attack, cause=attack))


@pytest.fixture
def revealing() -> Scribe:
    """Every text of the service names a user, an endpoint and a key."""
    secret = (
        "Access denied for user 'root'@'10.20.30.40' at rm-bp1abc.mysql.rds.aliyuncs.com:3306 "
        "(10.20.30.40:3306) user name: 'admin_of_all' with LTAI5tSecretSecretSecret"
    )
    return Scribe(Texts(name=secret, error=secret, id=secret, log_id=secret, cause=secret))
