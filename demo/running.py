# SPDX-License-Identifier: Apache-2.0
"""All four processes of a real Airflow on loopback, and its REST API."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE = 180

# Faster than a real installation wants it: somebody is waiting for each of these.
_BRISK = {
    "AIRFLOW__CORE__PARALLELISM": "2",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__SECRET_KEY": "of-a-demo",
    "AIRFLOW__API_AUTH__JWT_SECRET": "of-a-demo-and-long-enough-to-be-accepted",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "5",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
COMMANDS = {
    "api-server": ["api-server", "--workers", "1"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
}


class RunningAirflow:
    """``with RunningAirflow(home, environment) as airflow``: it is ready to be asked once it is entered."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._home = home
        self._environment = {
            **environment,
            **_BRISK,
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": self._url,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self._url}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._token = ""

    def __enter__(self) -> RunningAirflow:
        for name in COMMANDS:
            self.start(name)
        try:
            self._token = self.wait(lambda: self.get("/auth/token")["access_token"])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._processes):
            self.kill(name)

    def start(self, name: str) -> None:
        with self.log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "airflow", *COMMANDS[name]],
                env=self._environment,
                cwd=self._home,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """The process and those that it has started, at once, as a machine that dies would."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def log(self, name: str) -> Path:
        return self._home / f"{name}.log"

    def get(self, path: str) -> Any:
        """The JSON that the REST API answers."""
        return self._ask(urllib.request.Request(self._url + path))

    def send(self, method: str, path: str, body: Any) -> Any:
        """POST or PATCH ``body``; the JSON that the REST API answers."""
        headers = {"Content-Type": "application/json"}
        return self._ask(urllib.request.Request(self._url + path, json.dumps(body).encode(), headers, method=method))

    def _ask(self, request: urllib.request.Request) -> Any:
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def wait(self, condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """The first true value; what the API does not know yet counts as false."""
        deadline = time.monotonic() + patience
        while True:
            try:
                if value := condition():
                    return value
                missing: object = "it is not so"
            except (OSError, LookupError, urllib.error.HTTPError) as error:
                missing = error
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {name}\n{self.log(name).read_text()[-2000:]}" for name in self._processes)
                raise TimeoutError(f"after {patience:g} s: {missing!r}\n{tails}")
            time.sleep(0.3)
