# SPDX-License-Identifier: Apache-2.0
"""The operators that list full and incremental backups."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.operators.dbs import DbsListFullBackupsOperator, DbsListIncrementalBackupsOperator
from tests.operators.conftest import NOW, PLAN, run, run_context

LISTS = pytest.mark.parametrize(
    ("operator", "add"),
    [
        (DbsListFullBackupsOperator, Emulator.add_full_backup),
        (DbsListIncrementalBackupsOperator, Emulator.add_incremental_backup),
    ],
    ids=["full", "incremental"],
)


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["backup_set_id"] for row in rows]


@LISTS
class TestBothLists:
    def test_without_a_window_everything_is_listed_newest_first(self, plan: Emulator, operator: Any, add: Any) -> None:
        for age in (400, 3, 30):
            add(plan, PLAN, f"set{age}", start=ago(days=age), expires=ago(days=1))
        assert ids(run(operator(task_id="t", backup_plan_id=PLAN))) == ["set3", "set30", "set400"]

    def test_a_window_takes_its_start_and_leaves_its_end(self, plan: Emulator, operator: Any, add: Any) -> None:
        for hours in (1, 2, 3, 4, 5):
            add(plan, PLAN, f"set{hours}", start=ago(hours=hours))
        rows = run(operator(task_id="t", backup_plan_id=PLAN, window_start=iso(ago(hours=4)), window_end=ago(hours=2)))
        assert ids(rows) == ["set3", "set4"]

    def test_a_lookback_leans_on_the_run_as_a_sensor_does(
        self, plan: Emulator, operator: Any, add: Any, log_lines: Callable[[], list[str]]
    ) -> None:
        for days in (1, 2, 3):
            add(plan, PLAN, f"set{days}", start=ago(days=days, hours=1))
        task = operator(task_id="t", backup_plan_id=PLAN, lookback=timedelta(days=1))
        assert ids(run(task, run_context(run_after=ago(days=1)))) == ["set1"]
        interval_end = run_context(data_interval_start=ago(days=5), data_interval_end=ago(days=2))
        assert ids(run(task, interval_end)) == ["set2"]
        first, second = log_lines()
        assert "(lookback before run_after): " in first
        assert "(lookback before data_interval_end): " in second

    def test_one_line_says_what_was_found(
        self, plan: Emulator, operator: Any, add: Any, log_lines: Callable[[], list[str]]
    ) -> None:
        done = "finish" if operator is DbsListFullBackupsOperator else "COMPLETED"
        broken = "stop" if operator is DbsListFullBackupsOperator else "UNCOMPLETED"
        for hours in (1, 2):
            add(plan, PLAN, f"set{hours}", start=ago(hours=hours))
        add(plan, PLAN, "set3", start=ago(hours=3), status=broken)
        run(operator(task_id="t", backup_plan_id=PLAN))
        (line,) = log_lines()
        assert line == f"Found 3 {operator.noun} of plan {PLAN} in all: {done} 2, {broken} 1"

    def test_templates_are_rendered(
        self, plan: Emulator, connect: Callable[..., None], operator: Any, add: Any
    ) -> None:
        connect("other", **plan.airflow_connection())
        add(plan, PLAN, "old", start=ago(hours=30))
        add(plan, PLAN, "new", start=ago(hours=2))
        task = operator(
            task_id="t",
            backup_plan_id="{{ params.plan }}",
            dbs_conn_id="{{ params.conn }}",
            region_id="{{ params.region }}",
            window_start="{{ dag_run.run_after - macros.timedelta(hours=4) }}",
            window_end="{{ dag_run.run_after }}",
        )
        params = {"plan": PLAN, "conn": "other", "region": "cn-shanghai"}
        macros = type("macros", (), {"timedelta": timedelta})
        rows = run(task, run_context(params=params, macros=macros))
        assert (ids(rows), rows[0]["backup_plan_id"]) == (["new"], PLAN)
        assert (task.dbs_conn_id, task.region_id) == ("other", "cn-shanghai")

    def test_window_settings_that_render_to_nothing_are_none(self, plan: Emulator, operator: Any, add: Any) -> None:
        add(plan, PLAN, "old", start=ago(days=300), expires=ago(days=1))
        task = operator(task_id="t", backup_plan_id=PLAN, window_start="{{ params.a }}", window_end=" ")
        assert ids(run(task, run_context(params={"a": ""}))) == ["old"]

    def test_more_rows_than_allowed_are_an_error_and_never_a_cut(self, plan: Emulator, operator: Any, add: Any) -> None:
        for hours in range(1, 5):
            add(plan, PLAN, f"set{hours}", start=ago(hours=hours))
        assert len(run(operator(task_id="t", backup_plan_id=PLAN, max_rows=4))) == 4
        with pytest.raises(AirflowFailException) as caught:
            run(operator(task_id="t", backup_plan_id=PLAN, max_rows=3))
        message = str(caught.value)
        assert message.startswith(f"Found 4 {operator.noun} of plan {PLAN} in all, more than max_rows=3 allows")
        assert "a narrower window (window_start, window_end, lookback), or a higher max_rows" in message

    @pytest.mark.parametrize("max_rows", [0, -1, True, "10", 1.5])
    def test_a_max_rows_that_is_no_limit_is_refused(self, operator: Any, add: Any, max_rows: Any) -> None:
        with pytest.raises(ValueError, match="max_rows="):
            operator(task_id="t", backup_plan_id=PLAN, max_rows=max_rows)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"backup_plan_id": ""}, "backup_plan_id is empty"),
            ({"window_start": "yesterday"}, "window_start='yesterday' is no time that can be read"),
            ({"window_start": "2026-01-02T00:00Z", "window_end": "2026-01-01T00:00Z"}, "the window is empty"),
            ({"lookback": 0}, "lookback=0:00:00 is not positive"),
        ],
    )
    def test_settings_without_sense_fail_for_good(
        self, plan: Emulator, operator: Any, add: Any, settings: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(AirflowFailException, match=message):
            run(operator(**{"task_id": "t", "backup_plan_id": PLAN, **settings}))
        assert plan.calls == []

    def test_an_answer_that_may_come_later_is_left_to_airflows_retries(
        self, plan: Emulator, connect: Callable[..., None], operator: Any, add: Any
    ) -> None:
        connect(**plan.airflow_connection(max_attempts=1))
        plan.add_fault("throttle")
        with pytest.raises(AirflowException, match=r"Throttling.*request id ") as caught:
            run(operator(task_id="t", backup_plan_id=PLAN))
        assert not isinstance(caught.value, AirflowFailException)

    def test_a_refusal_fails_for_good_with_code_and_request_id(self, plan: Emulator, operator: Any, add: Any) -> None:
        plan.add_fault("forbidden")
        with pytest.raises(AirflowFailException, match=r"Request\.Forbidden.*HTTP 403, request id "):
            run(operator(task_id="t", backup_plan_id=PLAN))

    def test_a_connection_that_is_not_there_fails_for_good(self, operator: Any, add: Any) -> None:
        with pytest.raises(AirflowFailException, match="connection 'nowhere' is not defined"):
            run(operator(task_id="t", backup_plan_id=PLAN, dbs_conn_id="nowhere"))

    def test_an_unknown_plan_is_not_an_empty_list(self, dbs: Emulator, operator: Any, add: Any) -> None:
        with pytest.raises(AirflowFailException, match=f"DBS does not know plan {PLAN} in region cn-hangzhou"):
            run(operator(task_id="t", backup_plan_id=PLAN))
        dbs.configure(unknown_plan="error")
        with pytest.raises(AirflowFailException, match="InvalidParameterValid"):
            run(operator(task_id="t", backup_plan_id=PLAN))

    def test_a_plan_elsewhere_is_not_an_empty_list(self, dbs: Emulator, operator: Any, add: Any) -> None:
        dbs.add_plan(PLAN, region="cn-shanghai")
        with pytest.raises(AirflowFailException, match="is in region cn-shanghai, and cn-hangzhou was asked"):
            run(operator(task_id="t", backup_plan_id=PLAN))
        assert run(operator(task_id="t", backup_plan_id=PLAN, region_id="cn-shanghai")) == []

    def test_an_empty_list_of_a_plan_that_is_known_is_an_answer(
        self, plan: Emulator, operator: Any, add: Any, log_lines: Callable[[], list[str]]
    ) -> None:
        assert run(operator(task_id="t", backup_plan_id=PLAN)) == []
        assert log_lines() == [f"Found 0 {operator.noun} of plan {PLAN} in all"]
        plan.update_plan(PLAN, backup_plan_status="pause")
        assert run(operator(task_id="t", backup_plan_id=PLAN)) == []
        assert log_lines()[1] == f"Plan {PLAN} is paused: no backup comes until it is started again."

    def test_an_empty_list_stands_when_the_plan_may_not_be_read(
        self, plan: Emulator, operator: Any, add: Any, log_lines: Callable[[], list[str]]
    ) -> None:
        plan.add_fault("forbidden", operation="DescribeBackupPlanList")
        assert run(operator(task_id="t", backup_plan_id=PLAN)) == []
        assert "Could not ask about plan" in log_lines()[0]

    def test_nothing_about_the_source_reaches_xcom(self, plan: Emulator, operator: Any, add: Any) -> None:
        add(plan, PLAN, start=ago(hours=1), SourceEndpointHost="db.example", SourceEndpointUserName="someone")
        plan.add_fault(
            "odd_cells",
            times=None,
            cells={
                "CrossAliyunId": "1234567890",
                "CrossRoleName": "role-of-someone",
                "SourceEndpointIpPort": "192.0.2.77:3306",
                "SourceEndpointPort": 3306,
            },
        )
        text = json.dumps(run(operator(task_id="t", backup_plan_id=PLAN)))
        for secret in ("db.example", "someone", "1234567890", "192.0.2", "3306"):
            assert secret not in text


def test_a_full_backups_row(plan: Emulator) -> None:
    start = datetime.fromisoformat("2026-11-20T02:00:00+00:00")
    plan.add_full_backup(PLAN, "1abc", start=start, end=start + timedelta(minutes=30), size=42, created=start)
    assert run(DbsListFullBackupsOperator(task_id="t", backup_plan_id=PLAN)) == [
        {
            "backup_plan_id": PLAN,
            "backup_set_id": "1abc",
            "backup_status": "finish",
            "create_time": "2026-11-20T02:00:00Z",
            "start_time": "2026-11-20T02:00:00Z",
            "end_time": "2026-11-20T02:30:00Z",
            "finish_time": "2026-11-20T02:30:00Z",
            "backup_set_expired_time": "2026-11-27T02:00:00Z",
            "backup_size": 42,
            "storage_method": "Standard",
            "err_message": None,
        }
    ]


@pytest.mark.parametrize("unset", ["missing", "zero", "null"])
def test_an_unfinished_backup_has_the_same_keys(plan: Emulator, unset: str) -> None:
    plan.configure(unset_cells=unset)
    plan.add_full_backup(PLAN, "done", start=ago(hours=5))
    plan.add_full_backup(PLAN, "waiting", status="schedule")
    plan.add_full_backup(PLAN, "new-word", start=ago(hours=6), BackupStatus="verifying", ErrMessage="a\nb" + "x" * 600)
    waiting, done, odd = run(DbsListFullBackupsOperator(task_id="t", backup_plan_id=PLAN))
    assert waiting.keys() == done.keys() == odd.keys()
    assert (waiting["backup_status"], waiting["start_time"], waiting["end_time"]) == ("schedule", None, None)
    assert odd["backup_status"] == "verifying"
    assert odd["err_message"].startswith("a bxxx")
    assert len(odd["err_message"]) == 500


def test_an_incremental_backups_row(plan: Emulator) -> None:
    start = datetime.fromisoformat("2026-11-20T02:00:00.500+00:00")
    end = start + timedelta(minutes=30)
    plan.add_incremental_backup(
        PLAN, "mysql-bin.000123", backup_set_job_id="1log", start=start, end=end, size=7, expires=end
    )
    assert run(DbsListIncrementalBackupsOperator(task_id="t", backup_plan_id=PLAN)) == [
        {
            "backup_plan_id": PLAN,
            "backup_set_id": "mysql-bin.000123",
            "backup_set_job_id": "1log",
            "backup_status": "COMPLETED",
            "start_time": "2026-11-20T02:00:00.500Z",
            "end_time": "2026-11-20T02:30:00.500Z",
            "backup_set_expired_time": "2026-11-20T02:30:00.500Z",
            "backup_size": 7,
            "storage_method": "Standard",
        }
    ]
