# SPDX-License-Identifier: Apache-2.0
"""A look does not outlast the gate's timeout, however slow the service is."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from airflow_provider_dbs import gates
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import settings_from_connection
from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.gates import ClientReader, FullBackupGate, utc_now
from airflow_provider_dbs.judgement.full_backup_goal import FullBackupGoal
from airflow_provider_dbs.judgement.verdict import Outcome
from airflow_provider_dbs.judgement.window import Window


async def test_a_slow_look_ends_with_the_deadline_and_is_a_wait(
    dbs_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "_SHORTEST_LOOK", 0.2)
    dbs_emulator.add_plan("dbs1")
    dbs_emulator.add_fault("stall", times=None, seconds=30)
    now = utc_now()
    gate = FullBackupGate(FullBackupGoal(backup_plan_id="dbs1", window=Window(now - timedelta(days=1), now, "test")))
    client = DbsClient(settings_from_connection(**dbs_emulator.airflow_connection(read_timeout=60)))
    started = time.monotonic()
    try:
        verdict = await asyncio.wait_for(gate.evaluate(ClientReader(client), now), 10)
    finally:
        await client.aclose()
    assert (verdict.outcome, verdict.reason) == (Outcome.WAIT, "api_error")
    assert "timeout" in verdict.message
    assert time.monotonic() - started < 10
