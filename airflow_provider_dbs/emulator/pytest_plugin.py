# SPDX-License-Identifier: Apache-2.0
"""The pytest fixture ``dbs_emulator``: one server for the session, empty at the start of every test.

.. code-block:: python

    def test_my_dag_waits(dbs_emulator, monkeypatch):
        dbs_emulator.add_plan("dbsr179qz0001")
        dbs_emulator.add_full_backup("dbsr179qz0001", status="running")
        monkeypatch.setenv("AIRFLOW_CONN_DBS_DEFAULT", json.dumps(dbs_emulator.airflow_connection()))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_dbs.emulator.emulator import Emulator


@pytest.fixture(scope="session")
def dbs_emulator_server() -> Iterator[Emulator]:
    """The running server behind ``dbs_emulator``; what tests leave in it stays."""
    from airflow_provider_dbs.emulator.emulator import Emulator

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def dbs_emulator(dbs_emulator_server: Emulator) -> Emulator:
    """An empty DBS endpoint on loopback."""
    dbs_emulator_server.clear()
    return dbs_emulator_server
