# SPDX-License-Identifier: Apache-2.0
"""Plans to judge: a healthy one with 60 days of history, and the means to spoil it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from airflow_provider_dbs.judgement.audit import Finding, PlanAudit, Policy, Severity, audit_plan
from airflow_provider_dbs.models import (
    BackupPlan,
    BackupPlanStatus,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
)

AS_OF = datetime(2026, 11, 21, 10, 0, tzinfo=timezone.utc)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


@dataclass
class Case:
    """A plan and its rows; every method changes it in place and returns it."""

    plan: BackupPlan
    fulls: list[FullBackup]
    logs: list[IncrementalBackup] = field(default_factory=list)
    as_of: datetime = AS_OF
    incomplete: dict[str, str] = field(default_factory=dict)

    def with_plan(self, **fields: Any) -> Case:
        self.plan = msgspec.structs.replace(self.plan, **fields)
        return self

    def change(self, place: int, **fields: Any) -> Case:
        """Change one full; -1 is the newest."""
        self.fulls[place] = msgspec.structs.replace(self.fulls[place], **fields)
        return self

    def without_newest(self, count: int) -> Case:
        del self.fulls[-count:]
        return self

    def without_logs(self) -> Case:
        self.logs.clear()
        return self

    def missing(self, reason: str, *lists: str) -> Case:
        self.incomplete = dict.fromkeys(lists, reason)
        return self

    def fail(self, *places: int, message: str | None = "disk full") -> Case:
        for place in places:
            self.change(place, backup_status=FullBackupStatus.STOP, err_message=message, backup_size=0)
        return self

    def change_log(self, place: int, **fields: Any) -> Case:
        self.logs[place] = msgspec.structs.replace(self.logs[place], **fields)
        return self

    def audit(self, policy: Policy | dict[str, Any] | None = None) -> PlanAudit:
        read = policy if isinstance(policy, Policy) else Policy.from_mapping(policy)
        return audit_plan(self.plan, self.fulls, self.logs, read, self.as_of, incomplete=self.incomplete)

    def find(self, check_id: str, policy: Policy | dict[str, Any] | None = None) -> Finding:
        return next(finding for finding in self.audit(policy).findings if finding.check_id == check_id)

    def severity(self, check_id: str, policy: Policy | dict[str, Any] | None = None) -> Severity:
        return self.find(check_id, policy).severity


def full(
    start: datetime | None,
    *,
    lasts: timedelta | None = 20 * timedelta(minutes=1),
    size: int | None = 10_000_000,
    keeps: timedelta | None = 30 * DAY,
    status: str = "finish",
    **fields: Any,
) -> FullBackup:
    end = None if start is None or lasts is None else start + lasts
    given = {
        "backup_set_id": f"full-{ms(start)}",
        "backup_status": FullBackupStatus(status),
        "create_time_ms": None if start is None else ms(start - timedelta(minutes=2)),
        "start_time_ms": ms(start),
        "end_time_ms": ms(end),
        "finish_time_ms": ms(end),
        "backup_set_expired_time_ms": None if start is None or keeps is None else ms(start + keeps),
        "backup_size": size,
        "storage_method": "Standard",
        "source_endpoint_ip_port": "10.0.0.1:3306",
    }
    return FullBackup(**{**given, **fields})


def log(
    number: int, start: datetime, end: datetime | None, *, status: str = "COMPLETED", **fields: Any
) -> IncrementalBackup:
    given = {
        "backup_set_id": f"mysql-bin.{number:06d}",
        "backup_set_job_id": "job1",
        "backup_status": IncrementalBackupStatus(status),
        "start_time_ms": ms(start),
        "end_time_ms": ms(end),
        "backup_set_expired_time_ms": ms(start + 730 * DAY),
        "backup_size": 1000,
        "source_endpoint_ip_port": "10.0.0.1:3306",
    }
    return IncrementalBackup(**{**given, **fields})


def healthy(
    seed: int = 0,
    *,
    days: int = 60,
    as_of: datetime = AS_OF,
    method: str = "physical",
    log_span: timedelta | None = HOUR,
    log_days: int = 10,
    noise: float = 0.1,
    keeps: timedelta | None = 30 * DAY,
    period: str = "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday",
    hour: int = 2,
) -> Case:
    """A plan that does what it should: a full on each scheduled day, logs sealed one after the other."""
    rng = random.Random(seed)
    plan = BackupPlan(
        backup_plan_id=f"dbs{seed}",
        backup_plan_name=f"plan {seed}",
        backup_plan_status=BackupPlanStatus.RUNNING,
        backup_method=method,
        database_type="MySQL",
        backup_period=period,
        backup_start_time=f"{hour:02d}:00",
        enable_backup_log=log_span is not None,
        backup_retention_period=keeps and keeps.days,
        backup_plan_create_time_ms=ms(as_of - timedelta(days=days)),
    )
    minutes, size = rng.uniform(5, 90), rng.uniform(1e6, 1e12)
    growth = rng.uniform(0, 0.005)
    today = as_of.replace(hour=hour, minute=0, second=0, microsecond=0)
    fulls = []
    for back in range(days, -1, -1):
        start = today - timedelta(days=back) + timedelta(seconds=rng.uniform(30, 300))
        lasts = timedelta(minutes=minutes * rng.lognormvariate(0, noise))
        wanted = start.strftime("%A") in period and start > as_of - timedelta(days=days)
        if wanted and start + lasts <= as_of and (keeps is None or start + keeps > as_of):
            grown = size * (1 + growth) ** (days - back) * rng.lognormvariate(0, noise / 2)
            fulls.append(
                full(start, lasts=lasts, size=round(grown), keeps=keeps, backup_set_id=f"{plan.backup_plan_id}-{back}")
            )
        elif wanted and start <= as_of < start + lasts:
            fulls.append(full(start, lasts=None, size=None, keeps=None, status="running"))
    logs = []
    if log_span is not None:
        number, start = 1 + seed % 1000, as_of - timedelta(days=log_days)
        while start < as_of:
            end = start + log_span * rng.uniform(0.8, 1.2)
            sealed = end <= as_of
            logs.append(log(number, start, min(end, as_of), status="COMPLETED" if sealed else "FILLING"))
            number, start = number + 1, end
    return Case(plan, fulls, logs, as_of)


@pytest.fixture
def case() -> Case:
    return healthy()


@pytest.fixture
def world() -> SimpleNamespace:
    """The builders above, for tests and for the lambdas of their tables."""
    return SimpleNamespace(healthy=healthy, full=full, log=log, ms=ms, AS_OF=AS_OF, HOUR=HOUR, DAY=DAY, Case=Case)
