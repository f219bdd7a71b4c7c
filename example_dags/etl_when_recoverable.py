# SPDX-License-Identifier: Apache-2.0
"""An ETL that overwrites data only when the database can be restored to the very end of its data interval.

A full backup alone brings back its own moment; with the logs after it every instant can be reached. The gate reads both
and asks DBS too (``authority="both"``), and names the full backup, the logs, or the gap.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_dbs.sensors.dbs import DbsRecoveryPointSensor


@dag(
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"backup_plan_id": "dbsr179qz0001"},
    tags=["dbs"],
)
def etl_when_recoverable() -> None:
    gate = DbsRecoveryPointSensor(
        task_id="wait_until_recoverable",
        backup_plan_id="{{ params.backup_plan_id }}",
        deferrable=True,
        timeout=timedelta(hours=6),
        retries=1,
    )

    @task
    def rebuild_marts(gate: dict[str, Any]) -> str:
        return f"rebuilt; restorable to {gate['recovery_time']} from backup set {gate['backup_set_id']}"

    rebuild_marts(gate.output)  # type: ignore[arg-type]


example_dag = etl_when_recoverable()

if __name__ == "__main__":
    example_dag.test()
