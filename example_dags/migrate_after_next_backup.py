# SPDX-License-Identifier: Apache-2.0
"""A destructive migration that waits for tonight's backup, however late it comes.

``open_end=True`` asks for the next full backup that starts after the run did: not the last one, however fresh. The gate
is deferred, so a night of waiting holds no worker slot.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"backup_plan_id": "dbsr179qz0001"},
    tags=["dbs"],
)
def migrate_after_next_backup() -> None:
    backup = DbsFullBackupSensor(
        task_id="wait_for_next_backup",
        backup_plan_id="{{ params.backup_plan_id }}",
        open_end=True,
        deferrable=True,
        timeout=timedelta(hours=18),
        retries=1,
    )

    @task
    def drop_legacy_tables(backup: dict[str, Any]) -> str:
        """Nothing written before the backup's start can be lost now."""
        return f"dropped; the way back is {backup['backup_set_id']}, kept until {backup['backup_set_expired_time']}"

    drop_legacy_tables(backup.output)  # type: ignore[arg-type]


example_dag = migrate_after_next_backup()

if __name__ == "__main__":
    example_dag.test()
