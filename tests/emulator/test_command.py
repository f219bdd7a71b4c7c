# SPDX-License-Identifier: Apache-2.0
"""``python -m airflow_provider_dbs.emulator``."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import pytest
from alibabacloud_dbs20190306 import models

from airflow_provider_dbs.emulator import Emulator

COMMAND = [sys.executable, "-m", "airflow_provider_dbs.emulator"]


def test_the_command_prints_how_to_connect_and_stops_on_a_signal(tmp_path, sdk):
    path = tmp_path / "demo.json"
    path.write_text(json.dumps({"plans": [{"backup_plan_id": "dbs1", "full_backups": [{}]}]}))
    arguments = ["--port", "0", "--scenario", str(path), "--set", "order=newest"]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
        block = "".join(lines)
        assert re.search(r"plans +dbs1\n", block)
        connection = json.loads(re.search(r"AIRFLOW_CONN_DBS_DEFAULT='(.*)'", block)[1])
        elsewhere = Emulator(host=connection["host"], port=connection["port"])
        client = sdk(elsewhere, access_key_id=connection["login"], access_key_secret=connection["password"])
        body = client.describe_full_backup_list(models.DescribeFullBackupListRequest(backup_plan_id="dbs1")).body
        assert body.total_elements == 1
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--host", "0.0.0.0"], 2, "'0.0.0.0' is not a loopback address"),
        (["--access-key", "only-an-id"], 2, "must be ID:SECRET"),
        (["--set", "order"], 2, "must be NAME=VALUE"),
        (["--set", "order=random"], 1, "setting order='random' must be one of"),
        (["--scenario", "nowhere.json"], 1, "nowhere.json: cannot be read"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments, code, message):
    done = subprocess.run([*COMMAND, "--port", "0", *arguments], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_given_to_the_command_is_not_printed():
    arguments = ["--port", "0", "--access-key", "my-id:my-own-secret"]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)
    assert "my-id" in "".join(lines)
    assert "my-own-secret" not in "".join(lines)
