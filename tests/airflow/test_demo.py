# SPDX-License-Identifier: Apache-2.0
"""``make demo``: the example DAG on real Airflow, and a screen that anybody can read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_dbs.emulator import Emulator
from demo.stories import SCENARIOS, STORIES
from tests.airflow.conftest import PATIENCE
from tests.conftest import ROOT

Demo = Callable[..., subprocess.CompletedProcess[str]]

NOISE = ("Traceback", "Warning", "[info", "[error", "loc=")


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """``python -m demo …``, with its log below ``tmp_path``; a noisy screen fails the test."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "demo", *arguments]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        for word in NOISE:
            assert word not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    return run


def test_the_gate_waits_and_the_etl_runs(demo: Demo) -> None:
    done = demo()
    assert done.returncode == 0, done.stdout
    assert "Waiting (running): Full backup 1full0night" in " ".join(done.stdout.split())
    assert "The DAG run ended: success." in done.stdout
    assert "the way back is backup set 1full0night" in done.stdout
    assert "wait_for_full_backup: success, extract: success, load: success" in done.stdout
    log = Path(done.stdout.partition("Airflow's own log: ")[2].split()[0])
    assert "Passed (fresh)" in log.read_text()


def test_the_gate_refuses_with_its_reason(demo: Demo) -> None:
    done = demo("failed")
    assert done.returncode == 1
    screen = " ".join(done.stdout.split())
    assert "Refused (all_failed): No usable full backup" in screen
    assert "The source database refused the connection." in screen
    assert "wait_for_full_backup: failed, extract: upstream_failed, load: upstream_failed" in screen


@pytest.mark.slow
def test_a_deferred_gate_holds_no_worker_slot(demo: Demo) -> None:
    done = demo("deferred")
    assert done.returncode == 0, done.stdout
    screen = " ".join(done.stdout.split())
    assert (
        "wait_for_next_backup is deferred: it waits in the triggerer. Worker slots in use: 0; deferred tasks: 1"
        in screen
    )
    assert "gate: Waiting (running): Full backup 1full0tonight" in screen
    assert "Result dropped; the way back is 1full0tonight" in screen
    assert "wait_for_next_backup: success, drop_legacy_tables: success" in screen


def test_an_unknown_scenario_is_told(demo: Demo) -> None:
    done = demo("calm")
    assert done.returncode == 2
    assert f"There is no scenario 'calm'. There are: {', '.join(STORIES)}." in done.stderr


def test_each_story_has_its_scenario() -> None:
    assert {path.stem for path in SCENARIOS.glob("*.json")} == STORIES.keys()


@pytest.mark.parametrize("name", STORIES)
def test_the_emulator_can_read_each_scenario(name: str) -> None:
    assert Emulator(SCENARIOS / f"{name}.json").service.store.plans()
