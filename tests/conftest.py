# SPDX-License-Identifier: Apache-2.0
"""What all tests share: an Airflow home of their own, and a connection to the emulator.

AIRFLOW_HOME is set before anything imports Airflow, which reads it at import.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_dbs.emulator import Emulator

ROOT = Path(__file__).parent.parent
# One per process, and the same however often this module is imported.
AIRFLOW_HOME = Path(tempfile.gettempdir()) / f"dbs-tests-{os.getpid()}"
AIRFLOW_HOME.mkdir(exist_ok=True)
os.environ.update(
    AIRFLOW_HOME=str(AIRFLOW_HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(AIRFLOW_HOME / "dags"),
    AIRFLOW__LOGGING__LOGGING_LEVEL="INFO",
)
for name in [name for name in os.environ if name.startswith(("AIRFLOW_CONN_", "ALIBABA_CLOUD_"))]:
    del os.environ[name]


# Registered before Airflow's own, and so run after it.
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Define the Airflow connection ``dbs_default``, or another, from its fields or from a URI."""

    def define(conn_id: str = "dbs_default", uri: str | None = None, **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", uri or json.dumps(fields))

    return define


@pytest.fixture
def dbs(dbs_emulator: Emulator, connect: Callable[..., None]) -> Emulator:
    """The emulator, with ``dbs_default`` leading to it."""
    connect(**dbs_emulator.airflow_connection(max_calls_per_second=0))
    return dbs_emulator
