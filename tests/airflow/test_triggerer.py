# SPDX-License-Identifier: Apache-2.0
"""Deferred gates in a real triggerer: from the worker to it and back, killed by a user, and over its own death."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.judgement.full_backup_goal import FullBackupGoal
from airflow_provider_dbs.judgement.window import Window
from airflow_provider_dbs.triggers.dbs import DbsGateTrigger
from demo.running import RunningAirflow
from tests.airflow import deferred_tasks
from tests.airflow.conftest import environment as environment_of

NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOUR = timedelta(hours=1)
GATES, PLANS = 100, 10

DAG = """\
from airflow.sdk import DAG
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor

with DAG("gates", schedule=None):
    DbsFullBackupSensor(task_id="passes", backup_plan_id="dbsfinishing", deferrable=True, poke_interval=2)
    DbsFullBackupSensor(task_id="is_killed", backup_plan_id="dbsforever", deferrable=True, poke_interval=2)
"""


@pytest.fixture
def environment(airflow_home: Path, dbs: Emulator) -> dict[str, str]:
    return {
        **environment_of(airflow_home),
        "AIRFLOW_CONN_DBS_DEFAULT": json.dumps(dbs.airflow_connection(max_calls_per_second=0)),
    }


def triggers_in_database(home: Path) -> int:
    with sqlite3.connect(home / "airflow.db") as database:
        (rows,) = database.execute("select count(*) from trigger").fetchone()
    return int(rows)


def test_a_gate_goes_to_the_triggerer_and_comes_back_or_is_killed(
    airflow_home: Path, dbs: Emulator, environment: dict[str, str]
) -> None:
    (airflow_home / "dags" / "gates.py").write_text(DAG)
    for plan, backup in (("dbsfinishing", "tonight"), ("dbsforever", "endless")):
        dbs.add_plan(plan)
        dbs.add_full_backup(plan, backup, status="running", start=NOW - HOUR)

    with RunningAirflow(airflow_home, environment) as airflow:
        runs = "/api/v2/dags/gates/dagRuns"
        run = f"{runs}/{airflow.wait(lambda: airflow.send('POST', runs, {'logical_date': None}))['dag_run_id']}"

        def states() -> dict[str, str]:
            tasks = airflow.get(f"{run}/taskInstances")["task_instances"]
            return {task["task_id"]: task["state"] for task in tasks}

        airflow.wait(lambda: set(states().values()) == {"deferred"})
        pool = airflow.get("/api/v2/pools/default_pool")
        assert (pool["running_slots"], pool["deferred_slots"]) == (0, 2)

        dbs.advance("tonight")
        airflow.wait(lambda: states() == {"passes": "success", "is_killed": "deferred"})
        xcom = airflow.get(f"{run}/taskInstances/passes/xcomEntries/return_value")["value"]
        assert (xcom["verdict"], xcom["backup_set_id"]) == ("pass", "tonight")

        airflow.send("PATCH", f"{run}/taskInstances/is_killed", {"new_state": "failed"})
        airflow.wait(lambda: states() == {"passes": "success", "is_killed": "failed"})
        airflow.wait(lambda: triggers_in_database(airflow_home) == 0)
        time.sleep(3)
        calls = len(dbs.calls)
        time.sleep(5)
        assert len(dbs.calls) == calls, "a killed gate goes on asking"


def gates() -> list[tuple[str, dict[str, Any]]]:
    """As their tasks have deferred them."""
    goals = [
        FullBackupGoal(backup_plan_id=f"dbs{number % PLANS}", window=Window(NOW - 2 * HOUR, None, "test"))
        for number in range(GATES)
    ]
    triggers = [
        DbsGateTrigger(
            gate="full_backup",
            goal=goal.to_json(),
            dbs_conn_id="dbs_default",
            region_id=None,
            poke_interval=1,
            deadline=(NOW + HOUR).isoformat(),
        )
        for goal in goals
    ]
    return [trigger.serialize() for trigger in triggers]


def test_each_gate_ends_once_though_the_triggerer_dies(
    airflow_home: Path, dbs: Emulator, environment: dict[str, str]
) -> None:
    file = airflow_home / "tasks.json"
    (airflow_home / "dags" / "waiting.py").write_text(deferred_tasks.dag_file(GATES))
    for plan in range(PLANS):
        dbs.add_plan(f"dbs{plan}")
        dbs.add_full_backup(f"dbs{plan}", f"set{plan}", status="running", start=NOW - HOUR)

    def run(*arguments: str) -> None:
        command = [sys.executable, "-m", *arguments]
        subprocess.run(command, env=environment, cwd=airflow_home, check=True, capture_output=True, timeout=120)

    def tasks() -> list[dict[str, Any]]:
        run("tests.airflow.deferred_tasks", "tell", str(file))
        told: list[dict[str, Any]] = json.loads(file.read_text())
        return told

    file.write_text(json.dumps(gates()))
    run("airflow", "dags", "reserialize")
    run("tests.airflow.deferred_tasks", "put", str(file))
    airflow = RunningAirflow(airflow_home, environment)
    try:
        airflow.start("triggerer")
        airflow.wait(lambda: len(trigger_logs(airflow_home, " starting")) == GATES)
        for plan in range(PLANS // 2):
            dbs.advance(f"set{plan}")
        airflow.wait(lambda: triggers_in_database(airflow_home) == GATES // 2)
        airflow.kill("triggerer")
        for plan in range(PLANS // 2, PLANS):
            dbs.advance(f"set{plan}")
        assert triggers_in_database(airflow_home) == GATES // 2
        airflow.start("triggerer")
        airflow.wait(lambda: triggers_in_database(airflow_home) == 0)
    finally:
        airflow.kill("triggerer")

    ended = tasks()
    assert Counter((task["state"], task["is_waiting"], task["event"]["outcome"]) for task in ended) == {
        ("scheduled", False, "decided"): GATES
    }
    verdicts = [task["event"]["verdict"] for task in ended]
    assert [(each["reason"], each["evidence"]["backup_set_id"]) for each in verdicts] == [
        ("fresh", f"set{number % PLANS}") for number in range(GATES)
    ]
    assert len(trigger_logs(airflow_home, "Trigger fired event")) == GATES


def trigger_logs(home: Path, words: str) -> list[str]:
    """The lines with these words that the triggerers have logged, for a task or, in a hurry, in their own log."""
    logs = [home / "triggerer.log", *(home / "logs" / f"dag_id={deferred_tasks.DAG}").rglob("*.trigger.*.log")]
    return [line for log in logs for line in log.read_text().splitlines() if words in line]
