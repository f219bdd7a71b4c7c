# SPDX-License-Identifier: Apache-2.0
"""Real Airflow in processes and homes of their own; the database is migrated once and copied."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator
from tests.conftest import ROOT

Airflow = Callable[..., subprocess.CompletedProcess[str]]

# dag.test() has no limit of its own and does not listen to SIGTERM; subprocess ends it with SIGKILL.
PATIENCE = 240


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.airflow)


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return {
        **kept,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        # A copied home brings an airflow.cfg that names the database and the logs of the home it was copied from.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "PYTHONPATH": str(ROOT),
    }


def _run(home: Path, *arguments: str, connection: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    variables = environment(home)
    if connection:
        variables["AIRFLOW_CONN_DBS_DEFAULT"] = json.dumps(connection)
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, env=variables, cwd=home, capture_output=True, text=True, timeout=PATIENCE)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home with an up-to-date database, made once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "migrated"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "airflow.db").exists():
            done = _run(home, "airflow", "db", "migrate")
            assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def airflow_home(migrated: Path, tmp_path: Path) -> Path:
    """A fresh home with an empty folder of DAGs."""
    home = tmp_path / "airflow"
    shutil.copytree(migrated, home)
    (home / "dags").mkdir()
    return home


@pytest.fixture
def airflow(airflow_home: Path, dbs: Emulator) -> Airflow:
    """``python -m …`` in that home, with ``dbs_default`` leading to the emulator."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return _run(airflow_home, *arguments, connection=dbs.airflow_connection(max_calls_per_second=0))

    return run
