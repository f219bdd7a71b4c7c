# SPDX-License-Identifier: Apache-2.0
"""A DAG run on all processes of a real Airflow, with the gate deferred to its triggerer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_provider_dbs.emulator import Emulator
from demo.one_process import POKE_INTERVAL, Airflow, DemoError
from demo.running import COMMANDS, RunningAirflow
from demo.screen import step
from demo.stories import ROOT, SCENARIOS, Story

PATIENCE = 240
GATE_WORDS = ("Asking ", "Waiting ", "Passed ", "Refused ", "Timed out ")

DAG_FILE = """\
# The example DAG of Airflow, whose gate looks more often than anybody needs in the night.
from demo.run_dag import hurry
from example_dags.{dag} import example_dag

hurry(example_dag, {interval})
"""


def tell(story: Story, scenario: str, airflow: Airflow) -> tuple[dict[str, Any], int]:
    """How the run ended, and how many calls the gates made."""
    dag_file = airflow.home / "dags" / f"{story.dag}.py"
    dag_file.write_text(DAG_FILE.format(dag=story.dag, interval=POKE_INTERVAL))
    with Emulator() as dbs:
        step(f"A DBS endpoint listens on {dbs.url}")
        environment = {**airflow.environment, "AIRFLOW_CONN_DBS_DEFAULT": json.dumps(dbs.airflow_connection())}
        step("Airflow starts: api-server, scheduler, triggerer, dag-processor, all on loopback")
        with RunningAirflow(airflow.home, environment) as running:
            run = Run(running, airflow.home, story.dag)
            try:
                running.wait(lambda: running.get(f"/api/v2/dags/{story.dag}"), PATIENCE)
                dbs.load(SCENARIOS / f"{scenario}.json")
                step(f"Airflow runs {story.dag_file.relative_to(ROOT)}; its gate looks every {POKE_INTERVAL} s here")
                run.start()
                running.wait(run.follow, PATIENCE)
                return run.result(), len(dbs.calls)
            except TimeoutError as error:
                raise DemoError(f"{str(error).splitlines()[0]}; see {airflow.log}") from None
            finally:
                with airflow.log.open("a") as log:
                    log.writelines(running.log(name).read_text() for name in COMMANDS)


class Run:
    """One run of the DAG, as Airflow's API tells it."""

    def __init__(self, airflow: RunningAirflow, home: Path, dag: str) -> None:
        self._airflow = airflow
        self._logs = home / "logs" / f"dag_id={dag}"
        self._runs = f"/api/v2/dags/{dag}/dagRuns"
        self._path = ""
        self._states: dict[str, str] = {}
        self._lines_told: set[str] = set()

    def start(self) -> None:
        self._path = f"{self._runs}/{self._airflow.send('POST', self._runs, {'logical_date': None})['dag_run_id']}"

    def follow(self) -> bool:
        """Tell what is new; whether the run has ended."""
        run, tasks = self._airflow.get(self._path), self._tasks()
        for said in self._new_words():
            step(said, by="gate: ")
        for task in tasks:
            name, state = task["task_id"], task["state"]
            if state != self._states.get(name) and state in ("deferred", "success", "failed"):
                self._states[name] = state
                step(f"{name} is {state}{self._slots() if state == 'deferred' else ''}", by="airflow: ")
        return run["state"] in ("success", "failed")

    def result(self) -> dict[str, Any]:
        tasks = {
            task["task_id"]: {"state": task["state"], "xcom": self._xcom(task["task_id"])} for task in self._tasks()
        }
        return {"state": self._airflow.get(self._path)["state"], "tasks": tasks}

    def _tasks(self) -> list[dict[str, Any]]:
        tasks = self._airflow.get(f"{self._path}/taskInstances")["task_instances"]
        return sorted(tasks, key=lambda task: task["start_date"] or "9")

    def _xcom(self, task: str) -> Any:
        path = f"{self._path}/taskInstances/{task}/xcomEntries"
        entries = [entry["key"] for entry in self._airflow.get(path)["xcom_entries"]]
        return self._airflow.get(f"{path}/return_value")["value"] if "return_value" in entries else None

    def _slots(self) -> str:
        pool = self._airflow.get("/api/v2/pools/default_pool")
        return (
            f": it waits in the triggerer. Worker slots in use: {pool['running_slots'] + pool['queued_slots']}; "
            f"deferred tasks: {pool['deferred_slots']}"
        )

    def _new_words(self) -> Iterator[str]:
        """What the gates have logged since the last time, on a worker or in the triggerer."""
        for file in sorted(self._logs.rglob("*.log*")):
            for line in file.read_text().splitlines():
                if line in self._lines_told:
                    continue
                self._lines_told.add(line)
                said = json.loads(line).get("event", "") if line.startswith("{") else ""
                if said.startswith(GATE_WORDS):
                    yield said
