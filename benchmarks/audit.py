# SPDX-License-Identifier: Apache-2.0
"""An audit of a fleet: 1,000 plans with 730 full backups and 2,000 log segments each, judged and reported.

Rows are made as a worker has them, some plans' at a time, and are dropped when they are judged; making them is not
counted. The clock shares its two CPUs with whatever else runs, so read the CPU seconds.
"""

from __future__ import annotations

import cProfile
import pstats
import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

from airflow_provider_dbs.audits import PLANS_AT_ONCE
from airflow_provider_dbs.judgement.audit import Audit, Policy, audit_plan, roll_up
from airflow_provider_dbs.models import (
    BackupPlan,
    BackupPlanStatus,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
)
from airflow_provider_dbs.operators.audit_files import without_pictures
from airflow_provider_dbs.report import render_html, render_json, render_markdown
from benchmarks.table import Line, Table, Target

PLANS, FULLS, LOGS = 1000, 730, 2000
PROFILED = 20
AS_OF = datetime(2026, 11, 21, 10, 0, tzinfo=timezone.utc)
POLICY = Policy.from_mapping({"recovery_window": "30d", "rpo": "2h"})
EVERY_DAY = "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"

T = TypeVar("T")
Rows = tuple[BackupPlan, list[FullBackup], list[IncrementalBackup]]


class Clock:
    """CPU and wall seconds by subject."""

    def __init__(self) -> None:
        self.cpu: Counter[str] = Counter()
        self.wall: Counter[str] = Counter()

    def time(self, subject: str, work: Callable[[], T]) -> T:
        cpu, wall = time.process_time(), time.perf_counter()
        done = work()
        self.cpu[subject] += time.process_time() - cpu
        self.wall[subject] += time.perf_counter() - wall
        return done


def run() -> Table:
    clock = Clock()
    before = peak_megabytes()
    judged = []
    for first in range(0, PLANS, PLANS_AT_ONCE):
        for plan, fulls, logs in [rows(number) for number in range(first, min(first + PLANS_AT_ONCE, PLANS))]:
            judged.append(clock.time("judge", lambda p=plan, f=fulls, g=logs: audit_plan(p, f, g, POLICY, AS_OF)))
    after_judging = peak_megabytes()
    previous = without_pictures(roll_up(judged, as_of=AS_OF - timedelta(days=1), policy=POLICY))
    audit = clock.time("compare", lambda: roll_up(judged, as_of=AS_OF, policy=POLICY, previous=previous))
    sizes = write(audit, clock)
    cpu, wall = sum(clock.cpu.values()), sum(clock.wall.values())
    found = Counter(plan.severity.value for plan in audit.plans)
    return Table(
        f"an audit of {PLANS:,} plans with {FULLS} full backups and {LOGS:,} log segments each ({dict(found)})",
        [
            Line(
                "CPU for a hundred plans, judgement and report",
                f"{cpu * 100 / PLANS:.1f} s",
                target=Target(cpu * 100 / PLANS, at_most=10, unit=" s"),
            ),
            Line("CPU and wall of it all", f"{cpu:.1f} s, {wall:.1f} s"),
            *(
                Line(f"  {words}", f"{clock.cpu[subject]:.2f} s", ratio=clock.cpu[subject] / cpu)
                for subject, words in (
                    ("judge", "judging the plans"),
                    ("compare", "rolling up, comparing with the last audit"),
                    ("html", f"audit.html, {sizes['html']:.1f} MB"),
                    ("json", f"audit.json, {sizes['json']:.1f} MB"),
                    ("markdown", "audit.md"),
                )
            ),
            Line(
                "peak memory over that of the modules",
                f"{peak_megabytes() - before:.0f} MB",
                target=Target(peak_megabytes() - before, at_most=512, unit=" MB"),
            ),
            Line("  of it while judging", f"{after_judging - before:.0f} MB"),
            *(Line(f"  judging: {name}", f"{share:.0%}") for name, share in profile()),
        ],
    )


def write(audit: Audit, clock: Clock) -> dict[str, float]:
    """The sizes of the report in megabytes."""
    renderers: dict[str, Callable[[Audit], Any]] = {
        "html": render_html,
        "markdown": render_markdown,
        "json": render_json,
    }
    return {name: len(clock.time(name, lambda r=render: r(audit))) / 1e6 for name, render in renderers.items()}


def rows(number: int) -> Rows:
    """A plan and its backups; every tenth plan has failures, a gap in its logs or nothing new."""
    chance = random.Random(number)
    trouble = {0: "failed", 1: "gap", 2: "late"}.get(number % 30 // 10 if number % 10 == 0 else -1)
    plan = BackupPlan(
        backup_plan_id=f"dbs{number:06d}",
        backup_plan_status=BackupPlanStatus.RUNNING,
        backup_plan_name=f"database {number}",
        backup_plan_create_time_ms=ms(AS_OF - timedelta(days=900)),
        backup_method="physical",
        backup_period=EVERY_DAY,
        backup_start_time="02:00",
        backup_retention_period=FULLS,
        database_type="MySQL",
        enable_backup_log=True,
    )
    fulls = [full(number, age, chance, trouble) for age in range(2 if trouble == "late" else 0, FULLS)]
    logs = [log(place, chance) for place in range(LOGS) if trouble != "gap" or place != 100]
    return plan, fulls, logs


def full(number: int, age: int, chance: random.Random, trouble: str | None) -> FullBackup:
    start = AS_OF.replace(hour=2) - timedelta(days=age) + timedelta(seconds=chance.uniform(0, 180))
    end = start + timedelta(minutes=40 * chance.lognormvariate(0, 0.1))
    failed = trouble == "failed" and age < 2
    return FullBackup(
        backup_set_id=f"{number}full{age:04d}",
        backup_status=FullBackupStatus.STOP if failed else FullBackupStatus.FINISH,
        create_time_ms=ms(start - timedelta(minutes=2)),
        start_time_ms=ms(start),
        end_time_ms=ms(end),
        finish_time_ms=ms(end),
        backup_set_expired_time_ms=ms(start + timedelta(days=FULLS)),
        backup_size=int(5e9 * chance.lognormvariate(0, 0.1)),
        storage_method="Standard",
        backup_objects_raw='[{"DBName":"orders"}]',
        source_endpoint_ip_port="192.0.2.10:3306",
    )


def log(place: int, chance: random.Random) -> IncrementalBackup:
    """The newest is 0 and is still being filled."""
    end = AS_OF - place * timedelta(minutes=30)
    return IncrementalBackup(
        backup_set_id=f"mysql-bin.{LOGS - place:06d}",
        backup_set_job_id="1log",
        backup_status=IncrementalBackupStatus.COMPLETED if place else IncrementalBackupStatus.FILLING,
        start_time_ms=ms(end - timedelta(minutes=30)),
        end_time_ms=ms(end),
        backup_set_expired_time_ms=ms(end + timedelta(days=730)),
        backup_size=chance.randrange(1_000_000, 90_000_000),
        storage_method="Standard",
        source_endpoint_ip_port="192.0.2.10:3306",
    )


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def profile() -> Sequence[tuple[str, float]]:
    """Where judging spends its time: the modules that take most, library calls counted for their callers."""
    made = [rows(number) for number in range(PROFILED)]
    profiler = cProfile.Profile()
    profiler.enable()
    for plan, fulls, logs in made:
        audit_plan(plan, fulls, logs, POLICY, AS_OF)
    profiler.disable()
    stats: dict[Any, Any] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in stats.items():
        if "airflow_provider_dbs" in file:
            spent[Path(file).stem] += own
        else:
            for (caller, _, _), (_, _, own_for_caller, _) in callers.items():
                spent[Path(caller).stem if "airflow_provider_dbs" in caller else "libraries"] += own_for_caller
    total = sum(spent.values())
    return [(f"{name}.py" if name != "libraries" else name, own / total) for name, own in spent.most_common(6)]
