# SPDX-License-Identifier: Apache-2.0
"""``python -m demo [SCENARIO]``: a gate waits for a backup, or refuses, and says why. The exit code is the run's."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow_provider_dbs.emulator import Emulator

ROOT = Path(__file__).parent.parent
SCENARIOS = Path(__file__).parent / "scenarios"
DAG_FILE = ROOT / "example_dags" / "gate_etl_on_full_backup.py"
PATIENCE = 180  # seconds; dag.test() itself has no limit and does not listen to SIGTERM
POKE_INTERVAL = 2

# What each scenario shows, and how many hours ago its DAG run is dated: a window that is over can be judged at once.
STORIES = {
    "running": ("a backup is still running when the DAG starts", 0),
    "throttled": ("a backup is running, and DBS is at first too busy to answer", 0),
    "failed": ("the backup of the last day has failed", 1),
    "expired": ("the last backup has expired", 1),
    "missing_plan": ("the DAG names a plan that DBS does not know", 1),
}

INTRODUCTION = """\
DBS, Alibaba Cloud's Database Backup, backs a database up every night. An ETL overwrites data, so a gate in front
of it lets it run only when the backup can be trusted. Here DBS is an emulator on this machine."""

# A line of our sensors in Airflow's log: time, level, message, logger.
GATE_LINE = re.compile(r"^\S+ \[\w+ *\] (?P<message>.*\S) +\[airflow\.task\.operators\.airflow_provider_dbs\.\S+\]")


def main(scenario: str) -> int:
    if scenario not in STORIES:
        print(f"There is no scenario {scenario!r}. There are: {', '.join(STORIES)}.", file=sys.stderr)
        return 2
    story, hours_ago = STORIES[scenario]
    home = Path(tempfile.mkdtemp(prefix="dbs-demo-"))
    log = home / "airflow.log"
    print(f"\n{INTRODUCTION}\n\nScenario {scenario}: {story}.\n")
    try:
        airflow = Airflow(home / "airflow", log)
        step("Airflow prepares a database of its own")
        airflow.migrate()
        clock = Clock()
        with Emulator(SCENARIOS / f"{scenario}.json", now=clock) as dbs:
            clock.runs_when = lambda: bool(dbs.calls)
            step(f"A DBS endpoint listens on {dbs.url}")
            step(f"Airflow runs {DAG_FILE.relative_to(ROOT)}; its gate looks every {POKE_INTERVAL} s here")
            logical_date = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=hours_ago)
            result = airflow.run_dag(dbs.airflow_connection(), logical_date)
            account(result, len(dbs.calls))
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130
    except DemoError as error:
        print(f"\nThe demo did not work: {error}")
        return 3
    finally:
        shutil.rmtree(home / "airflow", ignore_errors=True)
        others = " ".join(name for name in STORIES if name != scenario)
        print(f"\nAirflow's own log: {log}")
        print(f"See also: make demo SCENARIO=… with one of {others}. Your own gate: README.md\n")
    return 0 if result["state"] == "success" else 1


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


class DemoError(Exception):
    """The demo itself broke, not the gate."""


class Airflow:
    """An Airflow that lives in ``home`` only; everything it says goes to ``log``."""

    def __init__(self, home: Path, log: Path) -> None:
        self._home = home
        self._log = log
        (home / "dags").mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self._environment = {
            **kept,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def migrate(self) -> None:
        self._run([sys.executable, "-m", "airflow", "db", "migrate"], "airflow db migrate")

    def run_dag(self, connection: dict[str, Any], logical_date: datetime) -> dict[str, Any]:
        dag_file = shutil.copy(DAG_FILE, self._home / "dags")
        result = self._home / "result.json"
        self._environment["AIRFLOW_CONN_DBS_DEFAULT"] = json.dumps(connection)
        arguments = [str(dag_file), str(result), logical_date.isoformat(), str(POKE_INTERVAL)]
        self._run([sys.executable, "-m", "demo.run_dag", *arguments], "the DAG run")
        ended: dict[str, Any] = json.loads(result.read_text())
        return ended

    def _run(self, command: list[str], name: str) -> None:
        with (
            self._log.open("a") as log,
            subprocess.Popen(
                command,
                env=self._environment,
                cwd=self._home,
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
                    said = GATE_LINE.match(line)
                    if said and said["message"] != "Success criteria met. Exiting.":
                        step(said["message"], by="gate: ")
            finally:
                killer.cancel()
                if process.poll() is None and sys.exc_info()[0] is not None:
                    os.killpg(process.pid, signal.SIGKILL)
        if process.returncode:
            raise DemoError(f"{name} ended with code {process.returncode}; see {self._log}")


def account(result: dict[str, Any], calls: int) -> None:
    """What happened, for someone who has never seen DBS."""
    tasks = result["tasks"]
    backup = tasks["wait_for_full_backup"]["xcom"]
    print(f"\nThe DAG run ended: {result['state']}.")
    if backup is None:
        print("  The gate refused, so the ETL behind it did not run; the reason stands above.")
    else:
        end = backup["window_end"] or "open end"
        print(f"  Window     {backup['window_start']} to {end} ({backup['window_source']})")
        print(f"  Backup     {backup['backup_set_id']}, {backup['start_time']} to {backup['end_time']}")
        print(f"             {backup['backup_size']:,} bytes, kept until {backup['backup_set_expired_time']}")
        print(f"  ETL        {tasks['load']['xcom']}")
    print(f"  DBS calls  {calls}")
    print("  Tasks      " + ", ".join(f"{name}: {task['state']}" for name, task in tasks.items()))


_started = time.monotonic()


def step(message: str, by: str = "") -> None:
    lines = textwrap.wrap(f"{by}{message}", 106, subsequent_indent=" " * len(by))
    print(f"{time.monotonic() - _started:6.1f} s  " + f"\n{' ' * 10}".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "running"))
