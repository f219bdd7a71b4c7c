# SPDX-License-Identifier: Apache-2.0
"""A DAG that starts when a backup finishes, on all of Airflow's processes; the triggerer is killed in between."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_dbs.emulator import Emulator
from demo.running import RunningAirflow
from tests.airflow.conftest import environment
from tests.conftest import ROOT

pytest.importorskip("airflow.triggers.shared_stream", reason="before 3.3 a watch has no memory")

PLAN = "dbsr179qz0001"
DAG = "started_by_a_backup"
NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOUR = timedelta(hours=1)


class Drill:
    """What Airflow's API tells about the DAG."""

    def __init__(self, airflow: RunningAirflow) -> None:
        self._airflow = airflow

    def remembered(self) -> set[str]:
        """The backup sets in the asset's watermark; empty before the watch has begun."""
        for asset in self._airflow.get("/api/v2/assets?uri_pattern=dbs")["assets"]:
            for entry in self._airflow.get(f"/api/v2/assets/{asset['id']}/state-store")["asset_state_store"]:
                value = entry["value"]
                return set((json.loads(value) if isinstance(value, str) else value)["seen"])
        return set()

    def events(self) -> list[dict[str, Any]]:
        """The payloads of the asset's events, oldest first."""
        events = self._airflow.get("/api/v2/assets/events?order_by=timestamp")["asset_events"]
        return [event["extra"]["payload"] for event in events]

    def drilled(self) -> list[str]:
        """What the tasks of all successful runs returned."""
        runs = self._airflow.get(f"/api/v2/dags/{DAG}/dagRuns?state=success&order_by=run_after")["dag_runs"]
        found = []
        for run in runs:
            path = f"/api/v2/dags/{DAG}/dagRuns/{quote(run['dag_run_id'])}/taskInstances"
            tasks = [task for task in self._airflow.get(path)["task_instances"] if task["task_id"] == "drill"]
            for task in tasks:
                xcom = f"{path}/drill/xcomEntries/return_value?map_index={task['map_index']}"
                found.append(self._airflow.get(xcom)["value"])
        return found


@pytest.mark.slow
def test_each_backup_starts_the_dag_once_though_the_triggerer_dies(dbs: Emulator, airflow_home: Path) -> None:
    example = (ROOT / "example_dags" / f"{DAG}.py").read_text()
    (airflow_home / "dags" / "drill.py").write_text(example.replace("poll_interval=60", "poll_interval=1"))
    connection = json.dumps(dbs.airflow_connection(max_calls_per_second=0))
    dbs.add_plan(PLAN)
    dbs.add_full_backup(PLAN, "old", start=NOW - 3 * HOUR, end=NOW - 2 * HOUR)
    dbs.add_full_backup(PLAN, "tonight", status="running", start=NOW - HOUR)

    variables = {**environment(airflow_home), "AIRFLOW_CONN_DBS_DEFAULT": connection}
    with RunningAirflow(airflow_home, variables) as airflow:
        drill = Drill(airflow)
        airflow.wait(lambda: drill.remembered() == {"old"})
        dbs.set_status("tonight", "finish", end=NOW)
        airflow.wait(lambda: drill.remembered() == {"old", "tonight"})

        airflow.kill("triggerer")
        dbs.add_full_backup(PLAN, "meanwhile", start=NOW - HOUR, end=NOW)
        airflow.start("triggerer")
        airflow.wait(lambda: drill.remembered() == {"old", "tonight", "meanwhile"})
        ended = NOW.isoformat().replace("+00:00", "Z")
        wanted = [f"drilled {name}, which ended {ended}" for name in ("tonight", "meanwhile")]
        airflow.wait(lambda: drill.drilled() == wanted)

        before = len(dbs.calls)
        airflow.wait(lambda: len(dbs.calls) > before + 3)
        assert [event["backup_set_id"] for event in drill.events()] == ["tonight", "meanwhile"]
        assert drill.drilled() == wanted
