# SPDX-License-Identifier: Apache-2.0
"""A release that starts only when every running backup plan has a usable full backup of the last day.

The plans are found when the DAG runs; each gets a gate of its own, and the release waits for all of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_dbs.operators.dbs import DbsListBackupPlansOperator
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), catchup=False, tags=["dbs"])
def gate_on_every_plan() -> None:
    plans = DbsListBackupPlansOperator(task_id="find_backup_plans", status="running")

    backups = DbsFullBackupSensor.partial(
        task_id="wait_for_full_backup",
        lookback=timedelta(days=1),
        deferrable=True,
        timeout=timedelta(hours=6),
        retries=1,
    ).expand(backup_plan_id=plans.output)

    @task
    def release(backups: list[dict[str, Any]]) -> str:
        return f"released on {len(backups)} backups: {', '.join(sorted(gate['backup_set_id'] for gate in backups))}"

    release(backups.output)  # type: ignore[arg-type]


example_dag = gate_on_every_plan()

if __name__ == "__main__":
    example_dag.test()
