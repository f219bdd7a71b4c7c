# SPDX-License-Identifier: Apache-2.0
"""An ETL that runs only when the night's full backup can be trusted.

The sensor waits while the backup runs and refuses, with the reason, when none of the last 24 hours is usable. Its
result says which backup set that was; the tasks behind it use that, and so does whoever has to restore.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor


@dag(
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"backup_plan_id": "dbsr179qz0001"},
    tags=["dbs"],
)
def gate_etl_on_full_backup() -> None:
    backup = DbsFullBackupSensor(
        task_id="wait_for_full_backup",
        backup_plan_id="{{ params.backup_plan_id }}",
        lookback=timedelta(days=1),
        timeout=timedelta(hours=6),
    )

    @task
    def extract(backup: dict[str, Any]) -> dict[str, Any]:
        """Read what was committed before the backup began: exactly that can be restored with it."""
        orders = [{"order": number, "amount": 10 * number} for number in range(1, 4)]
        return {"orders": orders, "committed_before": backup["start_time"], "backup_set_id": backup["backup_set_id"]}

    @task
    def load(extracted: dict[str, Any]) -> str:
        """Overwrite the report, now that there is a way back."""
        total = sum(order["amount"] for order in extracted["orders"])
        return (
            f"{len(extracted['orders'])} orders, {total} in all, committed before {extracted['committed_before']}; "
            f"the way back is backup set {extracted['backup_set_id']}"
        )

    load(extract(backup.output))  # type: ignore[arg-type]


example_dag = gate_etl_on_full_backup()

if __name__ == "__main__":
    example_dag.test()
