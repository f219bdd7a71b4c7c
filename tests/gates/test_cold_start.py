# SPDX-License-Identifier: Apache-2.0
"""The first gates of a triggerer do not stop its loop, though everything is yet to be imported, opened and read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta

from airflow_provider_dbs.emulator import Emulator
from tests.conftest import ROOT
from tests.sensors.conftest import NOW

# On a quiet machine both are below 50 ms, as `make bench` shows; other processes lengthen the first only.
LONGEST_STALL = 200
LONGEST_WORK = 50


def test_a_cold_start_does_not_stop_the_loop() -> None:
    with Emulator(tls=True) as dbs:
        dbs.add_plan("dbs1")
        dbs.add_full_backup("dbs1", status="running", start=NOW - timedelta(hours=1))
        environment = {**os.environ, "AIRFLOW_CONN_DBS_DEFAULT": json.dumps(dbs.airflow_connection())}
        done = subprocess.run(
            [sys.executable, "-m", "tests.gates.cold_start", "dbs1", "100"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    rounds = json.loads(done.stdout.splitlines()[-1])
    print(rounds)
    assert [each["reasons"] for each in rounds] == [["running"]] * len(rounds)
    assert min(each["stall"] for each in rounds) < LONGEST_STALL
    assert min(each["work"] for each in rounds) < LONGEST_WORK
