# SPDX-License-Identifier: Apache-2.0
"""A restore drill that starts by itself whenever a full backup of the plan finishes.

No schedule to guess and no task that waits: the triggerer watches the plan. Airflow may hand several backups to one
run, so the drill takes them all, each once.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_dbs.assets import backup_of, dbs_backup_asset

BACKUPS = dbs_backup_asset("dbsr179qz0001", poll_interval=60)


@dag(schedule=[BACKUPS], start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), catchup=False, tags=["dbs"])
def started_by_a_backup() -> None:
    @task
    def finished_backups(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        """The backups that this run is about, each once."""
        backups = [backup_of(event) for events in triggering_asset_events.values() for event in events]
        return [dict(backup) for backup in {backup["backup_set_id"]: backup for backup in backups}.values()]

    @task
    def drill(backup: dict[str, Any]) -> str:
        """Restore the set into a scratch database and count rows; here it only says so."""
        return f"drilled {backup['backup_set_id']}, which ended {backup['end_time']}"

    drill.expand(backup=finished_backups())


example_dag = started_by_a_backup()
