# SPDX-License-Identifier: Apache-2.0
"""One gate for each way that a task can end in Airflow."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor

HOUR = timedelta(hours=1)

with DAG("gates", schedule=None) as dag:
    DbsFullBackupSensor(task_id="passes", backup_plan_id="good")
    DbsFullBackupSensor(task_id="passes_rescheduled", backup_plan_id="slow", mode="reschedule", poke_interval=1)
    DbsFullBackupSensor(
        task_id="refuses",
        backup_plan_id="bad",
        retries=3,
        window_end="{{ dag_run.run_after - macros.timedelta(hours=1) }}",
    )
    DbsFullBackupSensor(
        task_id="skips",
        backup_plan_id="bad",
        soft_fail=True,
        window_end="{{ dag_run.run_after - macros.timedelta(hours=1) }}",
    )
    DbsFullBackupSensor(task_id="times_out", backup_plan_id="good", open_end=True, poke_interval=1, timeout=2)
    DbsFullBackupSensor.partial(task_id="is_mapped", poke_interval=1, lookback=24 * HOUR).expand(
        backup_plan_id=["good", "slow"]
    )
