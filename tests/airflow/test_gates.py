# SPDX-License-Identifier: Apache-2.0
"""Gates as real tasks of real Airflow."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator
from tests.airflow.conftest import Airflow
from tests.conftest import ROOT

DAGS = Path(__file__).parent / "dags"
NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOUR = timedelta(hours=1)


@contextmanager
def finishes_once_asked_for(dbs: Emulator, plan: str, backup_set_id: str) -> Iterator[None]:
    """The backup is running at the gate's first look and has finished a little later."""
    over = threading.Event()

    def advance() -> None:
        while not over.wait(0.5):
            if any(call.parameters.get("BackupPlanId") == plan for call in dbs.calls):
                dbs.advance(backup_set_id)
                return

    thread = threading.Thread(target=advance)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_gate_ends_its_task_in_every_way(airflow: Airflow, airflow_home: Path, dbs: Emulator) -> None:
    for plan in ("good", "slow", "bad"):
        dbs.add_plan(plan)
    dbs.add_full_backup("good", "set-good", status="finish", start=NOW - 5 * HOUR)
    dbs.add_full_backup("slow", "set-slow", status="running", start=NOW - HOUR)
    dbs.add_full_backup("bad", "set-bad", status="stop", start=NOW - 5 * HOUR)
    result = airflow_home / "result.json"
    dag_file = shutil.copy(DAGS / "gates.py", airflow_home / "dags")
    with finishes_once_asked_for(dbs, "slow", "set-slow"):
        done = airflow("demo.run_dag", str(dag_file), str(result), NOW.isoformat())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    tasks: dict[str, Any] = json.loads(result.read_text())["tasks"]
    assert {name: task["state"] for name, task in tasks.items()} == {
        "passes": "success",
        "passes_rescheduled": "success",
        "refuses": "failed",
        "skips": "skipped",
        "times_out": "failed",
        "is_mapped": "success",
    }
    assert tasks["passes"]["xcom"]["backup_set_id"] == "set-good"
    assert tasks["passes"]["xcom"].keys() == tasks["passes_rescheduled"]["xcom"].keys()
    assert tasks["passes_rescheduled"]["xcom"]["backup_set_id"] == "set-slow"
    assert "Waiting (running): Full backup set-slow" in done.stdout
    # Refused and skipped with the same words; the refusal is not tried again.
    assert done.stdout.count("Refused (all_failed): No usable full backup of plan bad") >= 2
    assert "Timed out after 2 s (not_yet): " in done.stdout
    assert dbs.access_key_secret not in done.stdout


def test_the_test_button_works_from_the_command_line(airflow: Airflow, dbs: Emulator) -> None:
    done = airflow("airflow", "connections", "test", "dbs_default")
    assert "Connection success!" in done.stdout
    assert [call.operation for call in dbs.calls] == ["DescribeRegions"]
    assert dbs.access_key_secret not in done.stdout + done.stderr


def test_every_example_is_a_dag_that_airflow_can_read_and_store() -> None:
    dagbag = pytest.importorskip("airflow.dag_processing.dagbag", reason="before Airflow 3.3 it stands elsewhere")
    from airflow.serialization.serialized_objects import DagSerialization

    bag = dagbag.DagBag(str(ROOT / "example_dags"))
    assert bag.import_errors == {}
    assert len(bag.dags) == len(list((ROOT / "example_dags").glob("*.py")))
    for dag in bag.dags.values():
        stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        assert DagSerialization.from_dict(stored).task_ids == dag.task_ids
