# SPDX-License-Identifier: Apache-2.0
"""The example DAGs with deferrable gates, run by real Airflow against their demo's scenario."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from airflow_provider_dbs.emulator import Emulator
from demo.one_process import Clock
from demo.stories import SCENARIOS, STORIES
from tests.airflow.conftest import Airflow

NAMES = ("deferred", "every_plan", "recoverable", "logs", "log_gap")


def scenario(name: str) -> dict[str, Any]:
    """Nobody watches, so everything that takes time takes two seconds."""
    given: dict[str, Any] = json.loads((SCENARIOS / f"{name}.json").read_text())
    if "settings" in given:
        given["settings"]["durations"] = dict.fromkeys(given["settings"]["durations"], 2)
    return given


def test_each_example_waits_and_goes_on(airflow: Airflow, airflow_home: Path) -> None:
    orders = []
    services: dict[str, Emulator] = {}
    with ExitStack() as running:
        for name in NAMES:
            clock = Clock()
            service = services[name] = running.enter_context(Emulator(scenario(name), now=clock))
            clock.runs_when = lambda asked=service: bool(asked.calls)
            dag_file = shutil.copy(STORIES[name].dag_file, airflow_home / "dags")
            orders.append(
                {
                    "dag_file": str(dag_file),
                    "result_file": str(airflow_home / f"{name}.json"),
                    "logical_date": clock().isoformat(),
                    "connection": service.airflow_connection(max_calls_per_second=0),
                }
            )
        (airflow_home / "orders.json").write_text(json.dumps(orders))
        done = airflow("tests.airflow.run_examples", str(airflow_home / "orders.json"))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    results = {name: json.loads((airflow_home / f"{name}.json").read_text()) for name in NAMES}
    assert {name: result["state"] for name, result in results.items()} == {
        **dict.fromkeys(NAMES, "success"),
        "log_gap": "failed",
    }
    said = {name: list(result["tasks"].values())[-1]["xcom"] for name, result in results.items()}
    assert said["deferred"].startswith("dropped; the way back is 1full0tonight, kept until ")
    assert said["every_plan"] == "released on 2 backups: 1full0billing, 1full0orders"
    assert said["recoverable"].endswith("from backup set 1full0night")
    assert said["logs"] == "replayed mysql-bin.000042 to mysql-bin.000045"
    assert said["log_gap"] is None
    assert "Refused (sequence_gap): " in done.stdout
    assert "not listed: mysql-bin.000043" in done.stdout
    for name, reason in (("deferred", "running"), ("every_plan", "running"), ("logs", "not_reached")):
        assert f"Waiting ({reason}): " in done.stdout, name
        assert len(services[name].calls) > 2
