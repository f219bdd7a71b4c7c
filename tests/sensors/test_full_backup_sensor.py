# SPDX-License-Identifier: Apache-2.0
"""The full-backup gate as a task: waiting, timeouts, soft_fail, templates, windows from the run, what it logs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, BaseSensorOperator

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor
from tests.sensors.conftest import NOW, PLAN, Mode, run, run_context

HOUR = timedelta(hours=1)
CLOSED = {"window_start": iso(NOW - 6 * HOUR), "window_end": iso(NOW - 4 * HOUR)}

LogLines = Callable[[], list[str]]


@pytest.fixture
def plan(dbs: Emulator) -> Emulator:
    dbs.add_plan(PLAN)
    return dbs


def gate(**options: Any) -> DbsFullBackupSensor:
    return DbsFullBackupSensor(**{"task_id": "gate", "backup_plan_id": PLAN, **options})


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_poke_waits_until_the_backup_has_finished(plan: Emulator, log_lines: LogLines) -> None:
    run(gate(timeout=0))  # the first look of a process is slow, for it imports much
    log_lines()
    plan.add_full_backup(
        PLAN, "slow", status="running", start=NOW - HOUR, progression="by_time", durations={"running": 2}
    )
    ending = run(gate(poke_interval=0.1))
    assert (ending.outcome, ending.xcom["backup_set_id"]) == ("passed", "slow")
    asking, waiting, passed, *_ = log_lines()
    assert asking.startswith(f"Asking DBS through connection dbs_default: backup_plan_id={PLAN}, window_start=")
    assert "window_source=1 day before run_after" in asking
    # It looked many times and said so once.
    assert len(plan.calls) > 2
    assert waiting.startswith("Waiting (running): Full backup slow ")
    assert passed.startswith("Passed (fresh): Full backup slow ")


def test_each_new_reason_is_logged_once(plan: Emulator, log_lines: LogLines, connect: Callable[..., None]) -> None:
    connect(**plan.airflow_connection(max_attempts=1, max_calls_per_second=0))
    plan.add_full_backup(
        PLAN,
        "slow",
        status="schedule",
        created=NOW - HOUR,
        progression="by_time",
        durations={"schedule": 0.3, "running": 0.3},
    )
    plan.add_fault("throttle", operation="DescribeFullBackupList", times=2)
    run(gate(poke_interval=0.05, anchor="end", grace=24 * HOUR))
    said = [line.partition(")")[0] for line in log_lines() if line.startswith(("Waiting", "Passed"))]
    assert said[0] == "Waiting (api_error"
    assert said[-1] == "Passed (fresh"
    assert len(said) == len(set(said))


def test_reschedule_gives_the_slot_back_and_comes_again(plan: Emulator) -> None:
    plan.add_full_backup(PLAN, "slow", status="running", start=NOW - HOUR)
    sensor = gate(mode="reschedule", poke_interval=300)
    with pytest.raises(AirflowRescheduleException) as caught:
        run(sensor)
    assert 290 < (caught.value.reschedule_date - datetime.now(timezone.utc)).total_seconds() <= 300
    plan.advance("slow")
    assert run(sensor, run_context(first_reschedule=NOW)).outcome == "passed"


def test_every_look_uses_the_connection_as_it_is_then(
    plan: Emulator, monkeypatch: pytest.MonkeyPatch, connect: Callable[..., None]
) -> None:
    plan.add_full_backup(PLAN, "good", status="finish", start=NOW - HOUR)
    sound = os.environ["AIRFLOW_CONN_DBS_DEFAULT"]
    connect(**{**plan.airflow_connection(max_attempts=1), "port": 1})
    sensor, context = gate(), run_context()
    assert not sensor.poke(context)
    monkeypatch.setenv("AIRFLOW_CONN_DBS_DEFAULT", sound)
    assert sensor.poke(context)


def test_a_waiting_gate_reads_its_plan_once(plan: Emulator) -> None:
    sensor, context = gate(open_end=True), run_context()
    for _ in range(3):
        assert not sensor.poke(context)
    operations = [call.operation for call in plan.calls]
    assert operations.count("DescribeFullBackupList") == 3
    assert operations.count("DescribeBackupPlanList") == 1


def test_the_window_stays_while_a_gate_waits(plan: Emulator, log_lines: LogLines) -> None:
    sensor = gate(open_end=True)
    for seconds in (0, 3600):
        sensor.poke(run_context(run_after=NOW + timedelta(seconds=seconds)))
    (asking,) = [line for line in log_lines() if line.startswith("Asking")]
    assert f"window_start={iso(NOW)}, window_end=None" in asking


# -- timeouts, soft_fail, never_fail -----------------------------------------------------------------------------------


def test_a_timeout_tells_what_was_last_seen(plan: Emulator) -> None:
    plan.add_full_backup(PLAN, "slow", status="running", start=NOW - HOUR)
    started = time.monotonic()
    ending = run(gate(poke_interval=0.2, timeout=1))
    assert ending.outcome == "timed out"
    assert ending.message.startswith("Timed out after 1 s (running): Full backup slow of plan")
    assert time.monotonic() - started < 3


def test_a_rescheduled_gate_counts_from_its_first_look(plan: Emulator) -> None:
    plan.add_full_backup(PLAN, "slow", status="running", start=NOW - HOUR)
    sensor = gate(mode="reschedule", timeout=2 * HOUR)
    with pytest.raises(AirflowRescheduleException):
        run(sensor, run_context(first_reschedule=NOW - HOUR))
    ending = run(sensor, run_context(first_reschedule=NOW - 2 * HOUR))
    assert ending.outcome == "timed out"
    assert ending.message.startswith("Timed out after 2 h (running): ")


@pytest.mark.parametrize("forgiving", [{"soft_fail": True}, {"never_fail": True}], ids=["soft_fail", "never_fail"])
def test_a_forgiving_gate_skips_with_the_same_words(plan: Emulator, mode: Mode, forgiving: dict[str, bool]) -> None:
    options = {**mode.options, **forgiving}
    refused = mode.run(gate(**options, **CLOSED))
    assert (refused.outcome, refused.reason) == ("skipped", "window_closed")
    assert "Way out" in refused.message
    timed_out = mode.run(gate(**options, open_end=True))
    assert (timed_out.outcome, timed_out.reason) == ("skipped", "not_yet")
    assert timed_out.message == mode.run(gate(**mode.options, open_end=True)).message
    plan.add_fault("forbidden", operation="DescribeFullBackupList")
    assert mode.run(gate(**options)).reason == "call_failed"
    ending = run(gate(**options, window_start="soon"))
    assert (ending.outcome, ending.reason) == ("skipped", "bad_argument")


def test_the_timeout_is_hours_not_airflows_week() -> None:
    sensor = gate()
    assert timedelta(seconds=sensor.timeout) == timedelta(hours=12)
    assert sensor.poke_interval == 60


# -- arguments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"anchor": "middle"}, "anchor='middle' is unknown: give one of 'start', 'end', 'contained'"),
        ({"usable_at": "later"}, "usable_at='later' is unknown"),
        ({"grace": "1h"}, "grace='1h' is no duration"),
        ({"settle": -1}, "settle=-1 is negative"),
        ({"lookback": "a day"}, "lookback='a day' is no duration"),
    ],
)
def test_a_wrong_choice_is_told_when_the_dag_is_read(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        gate(**options)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"backup_plan_id": ""}, "backup_plan_id is empty"),
        ({"window_end": "yesterday"}, "window_end='yesterday' is no time that can be read"),
        (
            {"window_start": "2026-01-02T00:00:00Z", "window_end": "2026-01-01"},
            "the window is empty: window_start=2026-01-02",
        ),
        ({"lookback": 0}, "lookback=0:00:00 is not positive"),
    ],
)
def test_a_wrong_value_is_told_when_the_task_runs(mode: Mode, options: dict[str, Any], complaint: str) -> None:
    ending = run(gate(**mode.options, **options))
    assert (ending.outcome, ending.reason) == ("failed", "bad_argument")
    assert complaint in ending.message


def test_a_connection_that_cannot_work_is_told(mode: Mode, connect: Callable[..., None]) -> None:
    connect(conn_type="alibabadbs", login="LTAI000011112222", password="0123456789")
    ending = run(gate(**mode.options))
    assert (ending.outcome, ending.reason) == ("failed", "bad_settings")
    assert "connection 'dbs_default': region_id is not set" in ending.message
    assert run(gate(**mode.options, dbs_conn_id="never_defined")).reason == "bad_settings"


def test_everything_a_run_decides_is_templated(plan: Emulator, connect: Callable[..., None]) -> None:
    connect("backups", **plan.airflow_connection())
    plan.add_full_backup(PLAN, "good", status="finish", start=NOW - 5 * HOUR)
    sensor = DbsFullBackupSensor(
        task_id="gate",
        backup_plan_id="{{ plan }}",
        dbs_conn_id="{{ connection }}",
        region_id="{{ region }}",
        window_start="{{ dag_run.run_after.isoformat() }}",
        window_end="{{ end }}",
    )
    context = run_context(run_after=NOW - 6 * HOUR)
    names = {"plan": PLAN, "connection": "backups", "region": "cn-hangzhou", "end": NOW - 4 * HOUR}
    sensor.render_template_fields({**context, **names})
    assert (sensor.backup_plan_id, sensor.dbs_conn_id, sensor.region_id) == (PLAN, "backups", "cn-hangzhou")
    xcom = run(sensor, context).xcom
    assert (xcom["window_start"], xcom["window_end"]) == (CLOSED["window_start"], CLOSED["window_end"])


def test_a_template_that_renders_to_nothing_counts_as_not_given(plan: Emulator) -> None:
    plan.add_full_backup(PLAN, "good", status="finish", start=NOW - HOUR)
    xcom = run(gate(window_start="", window_end="", region_id="")).xcom
    assert xcom["window_source"] == "1 day before run_after"


# -- the window of a run -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dates", "start", "end", "source"),
    [
        ({}, NOW - 24 * HOUR, NOW, "1 day before run_after"),
        (
            {"data_interval_start": NOW, "data_interval_end": NOW},
            NOW - 24 * HOUR,
            NOW,
            "1 day before data_interval_end",
        ),
        (
            {"data_interval_start": NOW - 6 * HOUR, "data_interval_end": NOW - HOUR},
            NOW - 6 * HOUR,
            NOW - HOUR,
            "data interval",
        ),
    ],
    ids=["a run without a logical date", "an empty interval", "an interval"],
)
def test_the_window_leans_on_the_dates_of_the_run(
    plan: Emulator, dates: dict[str, datetime], start: datetime, end: datetime, source: str
) -> None:
    plan.add_full_backup(PLAN, "good", status="finish", start=NOW - 5 * HOUR)
    xcom = run(gate(), run_context(**dates)).xcom
    assert (xcom["window_start"], xcom["window_end"], xcom["window_source"]) == (iso(start), iso(end), source)


def test_naive_bounds_are_in_airflows_time_zone(plan: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_TIMEZONE", "Asia/Shanghai")
    plan.add_full_backup(
        PLAN, "good", status="finish", start=datetime(2026, 3, 1, 20, tzinfo=timezone.utc), expires=NOW + HOUR
    )
    xcom = run(gate(window_start="2026-03-02T00:00", window_end=datetime(2026, 3, 3))).xcom
    assert (xcom["window_start"], xcom["window_end"]) == ("2026-03-01T16:00:00Z", "2026-03-02T16:00:00Z")
    monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_TIMEZONE", "system")
    assert run(gate(window_start="2026-03-01", window_end="2026-03-03")).outcome == "passed"


# -- what all gates share ----------------------------------------------------------------------------------------------


def test_conclude_serves_every_path(plan: Emulator) -> None:
    sensor = gate(**CLOSED)
    verdict = sensor.look(run_context())
    with pytest.raises(AirflowFailException, match=r"Refused \(window_closed\)"):
        sensor.conclude(verdict)
    with pytest.raises(AirflowSkipException, match=r"Refused \(window_closed\)"):
        gate(soft_fail=True, **CLOSED).conclude(verdict)
    assert isinstance(sensor, BaseSensorOperator)
