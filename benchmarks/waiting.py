# SPDX-License-Identifier: Apache-2.0
"""1,000 gates wait for backups of 50 plans over HTTPS, 50 ms a call.

Ours wait in a real triggerer (``airflow triggerer``, its triggers put into the database as deferred tasks leave them).
What the loop does until all of them wait is told apart: when it hands out a thousand triggers at once, Airflow itself
stops it for a second, as it does with a thousand empty ones.

Beside it: a PythonSensor around the vendor's SDK, of which a few are measured in worker processes and a thousand
reckoned, and a naive trigger around the SDK's async client, a thousand of them in an event loop of their own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from airflow_provider_dbs.judgement.full_backup_goal import FullBackupGoal
from airflow_provider_dbs.judgement.window import Window
from airflow_provider_dbs.triggers.dbs import DbsGateTrigger
from benchmarks.loop_probe import Lag, LoopProbe, lag, watch
from benchmarks.service import EmulatorProcess, sdk_client
from benchmarks.table import Line, Table, Target
from demo.running import RunningAirflow
from tests.airflow import deferred_tasks

ROOT = Path(__file__).parent.parent
GATES, PLANS = 1000, 50
INTERVAL = 10  # seconds between the looks of a gate
STEADY = 30  # seconds of waiting that are measured
LATENCY = timedelta(milliseconds=50)
SENSORS, POKES = 4, 3  # as many PythonSensors are measured, so many looks each
PATIENCE = 120
_BLOCKED = "async thread was blocked"


class Waited(NamedTuple):
    """What the wait in the triggerer cost, and how it ended."""

    steady: Lag
    later: Lag
    calls: int
    decided: int
    blocked_at_first: int
    blocked: int


def run() -> Table:
    with EmulatorProcess(tls=True, latency=LATENCY) as emulator:
        started = datetime.now(timezone.utc) - timedelta(hours=1)
        for plan in range(PLANS):
            emulator.ask("add_plan", backup_plan_id=_plan(plan))
            emulator.ask(
                "add_full_backup",
                backup_plan_id=_plan(plan),
                backup_set_id=f"set{plan}",
                status="running",
                start=started,
            )
        naive, naive_polls = _fresh(_naive_trigger, _sdk_arguments(emulator))
        sensors = _sensors(_sdk_arguments(emulator))
        ours = _in_a_triggerer(emulator, started)
    import_seconds, poke_seconds, megabytes = sensors
    reckoned = GATES * (import_seconds + poke_seconds * STEADY / INTERVAL)
    most_calls = PLANS * (STEADY // INTERVAL + 2)
    return Table(
        f"{GATES:,} gates wait on {PLANS} plans, a look every {INTERVAL} s: {STEADY} s of it",
        [
            Line("ours, deferred: worker slots held", "0"),
            Line("  HTTP calls", f"{ours.calls}", target=Target(ours.calls, at_most=most_calls, unit="")),
            Line("  CPU of the triggerer's loop process", f"{ours.steady.cpu:.2f} s"),
            Line("  loop lag p95", f"{ours.steady.p95:.1f} ms", target=Target(ours.steady.p95, at_most=20, unit=" ms")),
            Line(
                "  loop lag max",
                f"{ours.steady.longest:.0f} ms",
                target=Target(ours.steady.longest, at_most=50, unit=" ms"),
            ),
            Line("  loop lag max, from all waiting to all decided", f"{ours.later.longest:.0f} ms"),
            Line(
                "  warnings that the loop was blocked, once all wait",
                f"{ours.blocked}",
                target=Target(ours.blocked, at_most=0, unit=""),
            ),
            Line("  such warnings before, while Airflow hands them out", f"{ours.blocked_at_first}"),
            Line(
                "  gates decided rightly, each once",
                f"{ours.decided}",
                target=Target(ours.decided, at_least=GATES, unit=""),
            ),
            Line("PythonSensor around the SDK: worker slots held", f"{GATES:,}"),
            Line(
                f"  HTTP calls, reckoned from {SENSORS} of them",
                f"{GATES * STEADY // INTERVAL:,}",
                GATES * STEADY / INTERVAL / ours.calls,
            ),
            Line(
                "  CPU of the workers, reckoned; SDK import and looks", f"{reckoned:.0f} s", reckoned / ours.steady.cpu
            ),
            Line("  memory of one waiting worker", f"{megabytes:.0f} MB"),
            Line("naive trigger around the SDK's async client: slots", "0"),
            Line(f"  looks completed, of {GATES * STEADY // INTERVAL:,}", f"{naive_polls:,}"),
            Line("  CPU of the loop's process", f"{naive.cpu:.1f} s", naive.cpu / ours.steady.cpu),
            Line("  loop lag p95", f"{naive.p95:.0f} ms", naive.p95 / ours.steady.p95),
            Line("  loop lag max", f"{naive.longest:.0f} ms", naive.longest / ours.steady.longest),
        ],
    )


def _plan(number: int) -> str:
    return f"dbs{number:04d}"


# -- ours --------------------------------------------------------------------------------------------------------------


def _in_a_triggerer(emulator: EmulatorProcess, started: datetime) -> Waited:
    with tempfile.TemporaryDirectory(prefix="dbs-bench-") as directory:
        home = Path(directory)
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "AIRFLOW__TRIGGERER__CAPACITY": "3000",
            "AIRFLOW_CONN_DBS_DEFAULT": emulator.airflow_connection(),
            "PYTHONPATH": str(ROOT),
        }

        def do(*arguments: str) -> None:
            command = [sys.executable, "-m", *arguments]
            subprocess.run(command, env=environment, cwd=home, check=True, capture_output=True, timeout=PATIENCE)

        probe, tasks = home / "probe.json", home / "tasks.json"
        (home / "dags").mkdir()
        (home / "dags" / "waiting.py").write_text(deferred_tasks.dag_file(GATES + 1))
        do("airflow", "db", "migrate")
        do("airflow", "dags", "reserialize")
        tasks.write_text(json.dumps([LoopProbe(file=str(probe)).serialize(), *_gates(started)]))
        do("tests.airflow.deferred_tasks", "put", str(tasks))
        airflow = RunningAirflow(home, environment)
        airflow.start("triggerer")
        try:
            airflow.wait(lambda: _gates_that_wait(home) == GATES, PATIENCE)
            since, calls = time.time(), emulator.ask("count_calls")
            said_at_first = airflow.log("triggerer").read_text()
            time.sleep(STEADY)
            until, calls = time.time(), emulator.ask("count_calls") - calls
            for plan in range(PLANS):
                emulator.ask("set_status", backup_set_id=f"set{plan}", status="finish" if plan % 2 else "stop")
            airflow.wait(lambda: _triggers_left(home) == 1, PATIENCE)
            Path(f"{probe}.stop").touch()
            airflow.wait(probe.exists, PATIENCE)
            time.sleep(3)  # the last events reach the database
        finally:
            airflow.kill("triggerer")
        do("tests.airflow.deferred_tasks", "tell", str(tasks))
        seen = json.loads(probe.read_text())
        return Waited(
            steady=lag(seen, since, until),
            later=lag(seen, since),
            calls=calls,
            decided=sum(_is_right(*each) for each in enumerate(json.loads(tasks.read_text())[1:])),
            blocked_at_first=said_at_first.count(_BLOCKED),
            blocked=airflow.log("triggerer").read_text()[len(said_at_first) :].count(_BLOCKED),
        )


def _gates(started: datetime) -> list[tuple[str, dict[str, Any]]]:
    window = Window(started - timedelta(hours=1), None, "benchmark")
    deadline = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
    gates = []
    for gate in range(GATES):
        goal = FullBackupGoal(backup_plan_id=_plan(gate % PLANS), window=window, fail_on_stopped=True)
        trigger = DbsGateTrigger(
            gate="full_backup",
            goal=goal.to_json(),
            dbs_conn_id="dbs_default",
            region_id=None,
            poke_interval=INTERVAL,
            deadline=deadline,
        )
        gates.append(trigger.serialize())
    return gates


def _is_right(gate: int, task: dict[str, Any]) -> bool:
    """Whether the gate passed on the backup of its plan, or was refused because that one has failed."""
    event = task["event"]
    if task["state"] != "scheduled" or event is None or event["outcome"] != "decided":
        return False
    verdict = event["verdict"]
    if gate % PLANS % 2:
        return bool(verdict["reason"] == "fresh" and verdict["evidence"]["backup_set_id"] == f"set{gate % PLANS}")
    return bool(verdict["outcome"] == "fail" and verdict["reason"] == "failed_so_far")


def _gates_that_wait(home: Path) -> int:
    """How many have looked and said in their log that they wait."""
    logs = (home / "logs" / f"dag_id={deferred_tasks.DAG}").rglob("*.trigger.*.log")
    return sum("Waiting (running)" in log.read_text() for log in logs)


def _triggers_left(home: Path) -> int:
    """How many the database holds; the last one is the probe."""
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        (rows,) = database.execute("select count(*) from trigger").fetchone()
    return int(rows)


# -- the others --------------------------------------------------------------------------------------------------------


class _SdkArguments(NamedTuple):
    connection: dict[str, Any]
    ca_bundle: str

    def ask(self, name: str) -> dict[str, Any]:
        """As ``EmulatorProcess.ask``, for another process."""
        assert name == "airflow_connection"
        return self.connection


def _sdk_arguments(emulator: EmulatorProcess) -> _SdkArguments:
    return _SdkArguments(emulator.ask("airflow_connection"), emulator.ask("ca_bundle"))


def _sdk(arguments: _SdkArguments) -> Any:
    client = sdk_client(arguments)  # type: ignore[arg-type]
    client._ca = arguments.ca_bundle
    return client


def _request(gate: int) -> Any:
    from alibabacloud_dbs20190306.models import DescribeFullBackupListRequest

    return DescribeFullBackupListRequest(backup_plan_id=_plan(gate % PLANS), page_size=100, page_num=0)


def _fresh(function: Any, *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def _naive_trigger(arguments: _SdkArguments) -> tuple[Lag, int]:
    client = _sdk(arguments)

    async def live() -> tuple[Lag, int]:
        polls = 0

        async def wait_for(gate: int) -> None:
            nonlocal polls
            await asyncio.sleep(INTERVAL * gate / GATES)
            while True:
                await client.describe_full_backup_list_async(_request(gate))
                polls += 1
                await asyncio.sleep(INTERVAL)

        with tempfile.TemporaryDirectory() as directory:
            stop = Path(directory) / "stop"
            watching = asyncio.create_task(watch(stop))
            gates = [asyncio.create_task(wait_for(gate)) for gate in range(GATES)]
            await asyncio.sleep(STEADY)
            stop.touch()
            seen = await watching
        found = polls
        for gate in gates:
            gate.cancel()
        await asyncio.gather(*gates, return_exceptions=True)
        return lag(seen), found

    return asyncio.run(live())


def _sensors(arguments: _SdkArguments) -> tuple[float, float, float]:
    """CPU seconds of the SDK's import and of one look, and MB of the process; the mean of some sensors."""
    measured = [_fresh(_sensor, arguments) for _ in range(SENSORS)]
    return tuple(sum(each) / SENSORS for each in zip(*measured, strict=True))  # type: ignore[return-value]


def _sensor(arguments: _SdkArguments) -> tuple[float, float, float]:
    """A task as a worker runs it: Airflow is imported already, what the DAG file needs is not."""
    from airflow.providers.standard.sensors.python import PythonSensor

    before = time.process_time()
    client = _sdk(arguments)
    imported = time.process_time() - before
    looks = 0

    def is_finished() -> bool:
        nonlocal looks
        looks += 1
        body = client.describe_full_backup_list(_request(looks)).body
        return looks >= POKES or any(full.backup_status == "finish" for full in body.items.full_backup_file)

    before = time.process_time()
    PythonSensor(task_id="wait", python_callable=is_finished, poke_interval=0.1).execute({})  # type: ignore[arg-type]
    spent = time.process_time() - before
    return imported, spent / POKES, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
