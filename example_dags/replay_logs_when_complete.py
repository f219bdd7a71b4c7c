# SPDX-License-Identifier: Apache-2.0
"""A job that replays a stretch of binlogs elsewhere, and so needs every one of them.

The gate passes when one unbroken run of sealed logs covers the six hours before the run, and names the missing files
when it never will.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_dbs.sensors.dbs import DbsIncrementalBackupSensor


@dag(
    schedule="0 */6 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"backup_plan_id": "dbsr179qz0001"},
    tags=["dbs"],
)
def replay_logs_when_complete() -> None:
    logs = DbsIncrementalBackupSensor(
        task_id="wait_for_logs",
        backup_plan_id="{{ params.backup_plan_id }}",
        lookback=timedelta(hours=6),
        deferrable=True,
        timeout=timedelta(hours=3),
        retries=1,
    )

    @task
    def replay(logs: dict[str, Any]) -> str:
        return f"replayed {logs['first_segment']} to {logs['last_segment']}"

    replay(logs.output)  # type: ignore[arg-type]


example_dag = replay_logs_when_complete()

if __name__ == "__main__":
    example_dag.test()
