# SPDX-License-Identifier: Apache-2.0
"""A DAG run in one process: ``dag.test()``, which runs the triggers of deferred tasks too."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow_provider_dbs.emulator import Emulator
from demo.screen import step
from demo.stories import ROOT, SCENARIOS, Story

PATIENCE = 180  # seconds; dag.test() itself has no limit and does not listen to SIGTERM
POKE_INTERVAL = 2

# A line of ours in Airflow's log: time, level, message, logger.
OUR_LINE = re.compile(
    r"^\S+ \[\w+ *\] (?P<message>.*\S) +"
    r"\[airflow\.\S*airflow_provider_dbs\.(?P<part>sensor|trigger|operators\.audit|operator)s?\.\S+\]"
)
SPEAKERS = {"operator": "operator", "operators.audit": "audit"}


class DemoError(Exception):
    """The demo itself broke, not the gate."""


def tell(story: Story, scenario: str, airflow: Airflow) -> tuple[dict[str, Any], int]:
    """How the run ended, and how many calls the gates made."""
    clock = Clock()
    with Emulator(SCENARIOS / f"{scenario}.json", now=clock) as dbs:
        clock.runs_when = lambda: bool(dbs.calls)
        step(f"A DBS endpoint listens on {dbs.url}")
        pace = "" if story.is_audit else f"; a gate looks every {POKE_INTERVAL} s here"
        step(f"Airflow runs {story.dag_file.relative_to(ROOT)}{pace}")
        logical_date = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=story.hours_ago)
        return airflow.run_dag(story.dag_file, dbs.airflow_connection(), logical_date), len(dbs.calls)


class Clock:
    """The emulator's: it stands until the gate asks for the first time, however long Airflow takes to start."""

    def __init__(self) -> None:
        self.runs_when: Callable[[], bool] = lambda: False
        self._stands_at = datetime.now(timezone.utc)
        self._started: float | None = None

    def __call__(self) -> datetime:
        if self._started is None and self.runs_when():
            self._started = time.monotonic()
        gone = 0.0 if self._started is None else time.monotonic() - self._started
        return self._stands_at + timedelta(seconds=gone)


class Airflow:
    """An Airflow that lives in ``home`` only; everything it says goes to ``log``."""

    def __init__(self, home: Path, log: Path) -> None:
        self.home = home
        self.log = log
        (home / "dags").mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self.environment = {
            **kept,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_VAR_DBS_AUDIT_OUTPUT": str(home.parent / "audits"),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def migrate(self) -> None:
        self._run([sys.executable, "-m", "airflow", "db", "migrate"], "airflow db migrate")

    def run_dag(self, dag_file: Path, connection: dict[str, Any], logical_date: datetime) -> dict[str, Any]:
        own_dag_file = shutil.copy(dag_file, self.home / "dags")
        result = self.home / "result.json"
        self.environment["AIRFLOW_CONN_DBS_DEFAULT"] = json.dumps(connection)
        arguments = [str(own_dag_file), str(result), logical_date.isoformat(), str(POKE_INTERVAL)]
        self._run([sys.executable, "-m", "demo.run_dag", *arguments], "the DAG run")
        ended: dict[str, Any] = json.loads(result.read_text())
        return ended

    def _run(self, command: list[str], name: str) -> None:
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                command,
                env=self.environment,
                cwd=self.home,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            assert process.stdout is not None
            killer = threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL))
            killer.start()
            try:
                for line in process.stdout:
                    log.write(line)
                    said = OUR_LINE.match(line)
                    if said and said["message"] != "Success criteria met. Exiting.":
                        step(said["message"], by=f"{SPEAKERS.get(said['part'], 'gate')}: ")
            finally:
                killer.cancel()
                if process.poll() is None and sys.exc_info()[0] is not None:
                    os.killpg(process.pid, signal.SIGKILL)
        if process.returncode:
            raise DemoError(f"{name} ended with code {process.returncode}; see {self.log}")
