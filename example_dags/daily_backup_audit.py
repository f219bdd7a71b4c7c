# SPDX-License-Identifier: Apache-2.0
"""Every morning: is each database backed up as we promised? The task fails when one is not, and names it.

The policy says what was promised. The reports are kept in ``dbs_audit_output``, an Airflow Variable with a directory or
a URL such as ``s3://connection@bucket/audits``; from the second day on they say what is new and what is resolved.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.sdk import dag

from airflow_provider_dbs.operators.dbs import DbsBackupAuditOperator

POLICY = {
    "recovery_window": "3d",  # any instant of the last three days can be recovered
    "rpo": "1h",  # and at most an hour of work is lost
    "overrides": [
        # Weekly copies, for the books: a full backup is all there is.
        {"backup_plan_name": "archive*", "recovery_window": None, "rpo": "10d"},
        {"backup_plan_name": "reports*", "recovery_window": None, "rpo": "6d"},
    ],
}


@dag(
    schedule="0 7 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    tags=["dbs"],
)
def daily_backup_audit() -> None:
    DbsBackupAuditOperator(
        task_id="audit",
        policy=POLICY,
        output_path="{{ var.value.get('dbs_audit_output', '') }}",
        retries=2,  # for plans that could not be read; what is wrong is not looked at again
        retry_delay=timedelta(minutes=10),
    )


example_dag = daily_backup_audit()

if __name__ == "__main__":
    example_dag.test()
