# SPDX-License-Identifier: Apache-2.0
"""The operator that lists backup plans for ``.expand()``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.operators.dbs import DbsListBackupPlansOperator
from tests.operators.conftest import run, run_context


def listing(**settings: Any) -> DbsListBackupPlansOperator:
    return DbsListBackupPlansOperator(task_id="plans", **settings)


@pytest.fixture
def plans(dbs: Emulator) -> Emulator:
    """Three plans: two run, one of them in Shanghai, and one is paused."""
    dbs.add_plan("dbsc")
    dbs.add_plan("dbsa", region="cn-shanghai")
    dbs.add_plan("dbsb", backup_plan_status="pause")
    return dbs


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["dbsa", "dbsb", "dbsc"]),
        ({"status": "running"}, ["dbsa", "dbsc"]),
        ({"status": "PAUSE"}, ["dbsb"]),
        ({"status": ""}, ["dbsa", "dbsb", "dbsc"]),
        ({"region": "cn-hangzhou"}, ["dbsb", "dbsc"]),
        ({"region": " cn-shanghai "}, ["dbsa"]),
        ({"region": "cn-hangzhou", "status": "running"}, ["dbsc"]),
        ({"backup_plan_ids": ["dbsc", "dbsa", "dbsc"]}, ["dbsa", "dbsc"]),
        ({"backup_plan_ids": ("dbsb", "dbsc"), "status": "running"}, ["dbsc"]),
        ({"backup_plan_ids": {"dbsa", "dbsc"}, "region": "cn-shanghai"}, ["dbsa"]),
        ({"backup_plan_ids": " dbsb ,dbsc,"}, ["dbsb", "dbsc"]),
    ],
)
def test_the_filters(plans: Emulator, filters: dict[str, Any], found: list[str]) -> None:
    assert run(listing(**filters)) == found


def test_a_service_that_ignores_a_filter_does_not_widen_the_list(plans: Emulator) -> None:
    plans.add_fault("odd_cells", cells={"BackupPlanRegion": "cn-beijing"}, rows=1, times=None)
    assert len(run(listing(region="cn-hangzhou"))) == 1
    plans.clear_faults()
    plans.add_fault("odd_cells", omit=["BackupPlanRegion"], times=None)
    assert run(listing(region="cn-hangzhou")) == ["dbsb", "dbsc"]


def test_templates_are_rendered(plans: Emulator, connect: Callable[..., None]) -> None:
    connect("other", **plans.airflow_connection())
    task = listing(
        backup_plan_ids="{{ params.ids | join(',') }}",
        status="{{ params.status }}",
        region="{{ params.region }}",
        dbs_conn_id="{{ params.conn }}",
        region_id="{{ params.region }}",
    )
    params = {"ids": ["dbsa", "dbsc"], "status": "running", "region": "cn-shanghai", "conn": "other"}
    assert run(task, run_context(params=params)) == ["dbsa"]
    assert (task.dbs_conn_id, task.region_id) == ("other", "cn-shanghai")


def test_the_details_are_a_second_xcom_in_the_same_order(plans: Emulator) -> None:
    plans.update_plan(
        "dbsa", source_endpoint_user_name="someone", cross_aliyun_id="1234567890", source_endpoint_host="db.example"
    )
    context = run_context()
    found = run(listing(), context)
    details = context["ti"].xcoms["backup_plans"]
    assert [plan["backup_plan_id"] for plan in details] == found
    assert details[1] == {
        "backup_plan_id": "dbsb",
        "backup_plan_name": "dbsb",
        "backup_plan_status": "pause",
        "backup_plan_region": "cn-hangzhou",
        "database_type": "MySQL",
        "backup_method": "physical",
        "backup_period": "MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY",
        "backup_start_time": "02:00",
        "backup_retention_period": 7,
        "enable_backup_log": True,
        "begin_timestamp_for_restore": None,
        "end_timestamp_for_restore": None,
        "err_message": None,
    }
    for secret in ("someone", "1234567890", "db.example", "192.0.2"):
        assert secret not in json.dumps(details)


def test_no_second_xcom_without_xcom(plans: Emulator) -> None:
    context = run_context()
    run(listing(do_xcom_push=False), context)
    assert context["ti"].xcoms == {}


def test_one_line_says_what_was_found(plans: Emulator, log_lines: Callable[[], list[str]]) -> None:
    run(listing(status="running", region="cn-hangzhou"))
    assert (
        log_lines()
        == [
            "Found 1 backup plans for status=running, region=cn-hangzhou "
            "(connection dbs_default, region cn-hangzhou; DBS listed 2 plans: pause 1, running 1)"
        ]
        or log_lines() == []
    )


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"status": "locked"}, "status=locked (connection dbs_default, region cn-hangzhou; DBS listed 3 plans: "),
        ({"region": "eu-west-1"}, "region=eu-west-1 (connection dbs_default, region cn-hangzhou; DBS listed 0 plans)"),
        ({"backup_plan_ids": ["dbsb"], "status": "running"}, r"backup_plan_ids=[dbsb], status=running"),
        ({"backup_plan_ids": []}, "backup_plan_ids=[]"),
        ({"backup_plan_ids": " "}, "backup_plan_ids=[]"),
    ],
)
def test_an_empty_list_fails_because_what_is_mapped_over_it_would_be_skipped(
    plans: Emulator, filters: dict[str, Any], words: str
) -> None:
    with pytest.raises(AirflowFailException) as caught:
        run(listing(**filters))
    assert str(caught.value).startswith("No backup plan matches ")
    assert words in str(caught.value)
    assert "allow_empty=True" in str(caught.value)
    context = run_context()
    assert run(listing(**filters, allow_empty=True), context) == []
    assert context["ti"].xcoms == {"backup_plans": []}


def test_an_account_without_plans(dbs: Emulator) -> None:
    with pytest.raises(AirflowFailException, match="No backup plan matches no filter "):
        run(listing())


@pytest.mark.parametrize("answer", ["empty", "error"])
@pytest.mark.parametrize("filters", [{}, {"status": "running"}, {"region": "cn-shanghai"}, {"allow_empty": True}])
def test_an_id_that_dbs_does_not_know_is_never_left_out(plans: Emulator, answer: str, filters: dict[str, Any]) -> None:
    plans.configure(unknown_plan=answer)
    with pytest.raises(AirflowFailException, match=r"DBS does not know plans dbsx, dbsy \(connection dbs_default"):
        run(listing(backup_plan_ids=["dbsx", "dbsc", "dbsy", "dbsa"], **filters))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"status": "runing"}, "status='runing' is not the status of a backup plan: give one of wait, init, running"),
        ({"status": ["running"]}, r"status=\['running'\] is not the status"),
        ({"status": " "}, "status=' ' is not the status"),
        ({"backup_plan_ids": "['dbsa', 'dbsb']"}, "no plan id.*render_template_as_native_obj"),
        ({"backup_plan_ids": ["dbsa", None]}, "backup_plan_ids holds None"),
        ({"backup_plan_ids": 7}, "backup_plan_ids holds 7"),
    ],
)
def test_filters_without_sense_fail_before_anything_is_asked(
    plans: Emulator, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        run(listing(**settings))
    assert plans.calls == []


def test_more_plans_than_allowed_are_an_error_and_never_a_cut(plans: Emulator) -> None:
    assert len(run(listing(max_rows=3))) == 3
    context = run_context()
    with pytest.raises(AirflowFailException, match=r"Found 3 backup plans for no filter, more than max_rows=2 allows"):
        run(listing(max_rows=2), context)
    assert context["ti"].xcoms == {}


def test_every_page_is_read(dbs: Emulator) -> None:
    names = [f"dbs{number:04}" for number in range(250)]
    for name in names:
        dbs.add_plan(name)
    assert run(listing()) == names
    assert run(listing(backup_plan_ids=names[:150])) == names[:150]


def test_errors_of_the_service(plans: Emulator, connect: Callable[..., None]) -> None:
    connect(**plans.airflow_connection(max_attempts=1))
    plans.add_fault("server_error")
    with pytest.raises(AirflowException, match=r"ServiceUnavailable.*HTTP 503, request id ") as caught:
        run(listing())
    assert not isinstance(caught.value, AirflowFailException)
    plans.add_fault("forbidden")
    with pytest.raises(AirflowFailException, match=r"Request\.Forbidden.*HTTP 403, request id "):
        run(listing())
