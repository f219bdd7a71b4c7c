# SPDX-License-Identifier: Apache-2.0
"""The buttons to the console and to the API's pages. Airflow builds them on the worker: they never fail a task."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator
from airflow.serialization import serialized_objects

from airflow_provider_dbs.links import CHINA_CONSOLE, INTERNATIONAL_CONSOLE, DbsConsoleLink
from airflow_provider_dbs.operators.dbs import (
    DbsListBackupPlansOperator,
    DbsListFullBackupsOperator,
    DbsListIncrementalBackupsOperator,
)

PLAN = "dbsr179qz0001"
KEY: Any = None  # which task instance it is does not matter to any of the links
CONNECTION: dict[str, Any] = {"conn_type": "alibabadbs", "login": "id", "password": "secret"}


def console_link(operator: BaseOperator) -> str:
    return DbsConsoleLink().get_link(operator, ti_key=KEY)


@pytest.mark.parametrize(
    ("region", "page"),
    [
        ("cn-hangzhou", CHINA_CONSOLE),
        ("cn-shanghai-finance-1", CHINA_CONSOLE),
        ("cn-hongkong", INTERNATIONAL_CONSOLE),
        ("ap-southeast-1", INTERNATIONAL_CONSOLE),
    ],
)
def test_by_default_the_console_of_the_regions_site_opens(connect: Callable[..., None], region: str, page: str) -> None:
    connect(**CONNECTION, extra={"region_id": region})
    assert console_link(DbsListFullBackupsOperator(task_id="t", backup_plan_id=PLAN)) == page
    connect(**CONNECTION, extra={"region_id": "cn-beijing", "console_url": ""})
    assert console_link(DbsListFullBackupsOperator(task_id="t", backup_plan_id=PLAN, region_id=region)) == page


@pytest.mark.parametrize("conn_type", ["alibabadbs", "alibaba_cloud"])
def test_the_connection_says_where_the_console_is(connect: Callable[..., None], conn_type: str) -> None:
    url = "https://console.example/?r={region_id}#/plan/{backup_plan_id}/{region_id}"
    connect(**{**CONNECTION, "conn_type": conn_type}, extra={"region_id": "cn-hangzhou", "console_url": url})
    task = DbsListFullBackupsOperator(task_id="t", backup_plan_id=PLAN)
    assert console_link(task) == f"https://console.example/?r=cn-hangzhou#/plan/{PLAN}/cn-hangzhou"
    task = DbsListFullBackupsOperator(task_id="t", backup_plan_id="a/b &{region_id}", region_id="cn-shanghai")
    assert console_link(task).endswith("?r=cn-shanghai#/plan/a%2Fb%20%26%7Bregion_id%7D/cn-shanghai")


def test_a_task_without_a_plan_opens_the_console_itself(
    connect: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    extra = {"region_id": "cn-hangzhou", "console_url": "https://console.example/{backup_plan_id}"}
    connect(**CONNECTION, extra=extra)
    assert console_link(DbsListBackupPlansOperator(task_id="t")) == CHINA_CONSOLE
    connect(**CONNECTION, extra={**extra, "console_url": "https://console.example/{region_id}"})
    assert console_link(DbsListBackupPlansOperator(task_id="t")) == "https://console.example/cn-hangzhou"
    assert not caplog.records


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://console.example/{plan}", "unknown placeholder {plan}: the known ones are {region_id} and"),
        ("https://console.example/{}", "unknown placeholder {}"),
        ("https://console.example/{region_id.__class__}", "unknown placeholder {region_id.__class__}"),
        ("javascript:alert(1)", "must begin with https:// or http:// and a host"),
        ("console.example/{region_id}", "must begin with https:// or http:// and a host"),
        ("https://", "must begin with https:// or http:// and a host"),
    ],
)
def test_a_console_url_that_makes_no_sense_is_told_and_not_used(
    connect: Callable[..., None], caplog: pytest.LogCaptureFixture, url: str, message: str
) -> None:
    connect(**CONNECTION, extra={"region_id": "cn-hangzhou", "console_url": url})
    with caplog.at_level(logging.WARNING):
        assert console_link(DbsListFullBackupsOperator(task_id="t", backup_plan_id=PLAN)) == CHINA_CONSOLE
    assert message in caplog.text


@pytest.mark.parametrize(
    "connection",
    [
        None,
        {"conn_type": "postgres", "host": "db.example"},
        {"conn_type": "alibabadbs", "extra": "no JSON"},
        {**CONNECTION, "extra": {"region_id": "cn-nowhere"}},
        {**CONNECTION, "extra": {"console_url": 7}},
        {**CONNECTION, "extra": {"region_id": "cn-hangzhou", "credential_type": "sts"}},
    ],
)
@pytest.mark.parametrize("region", [None, "", "ap-southeast-1", "{{ not rendered }}"])
def test_without_a_usable_connection_the_link_still_leads_to_a_console(
    connect: Callable[..., None], connection: dict[str, Any] | None, region: str | None
) -> None:
    if connection:
        connect(**connection)
    task = DbsListFullBackupsOperator(task_id="t", backup_plan_id=PLAN, region_id=region)
    assert console_link(task) == INTERNATIONAL_CONSOLE


def test_settings_that_were_never_rendered_do_no_harm(connect: Callable[..., None]) -> None:
    connect(**CONNECTION, extra={"region_id": "cn-hangzhou", "console_url": "https://console.example/{backup_plan_id}"})
    with DAG("d"):
        plans = DbsListBackupPlansOperator(task_id="plans")
        task: Any = DbsListFullBackupsOperator(task_id="t", backup_plan_id=plans.output, region_id=plans.output)  # type: ignore[arg-type]
    assert console_link(task) == CHINA_CONSOLE


@pytest.mark.parametrize(
    ("operator", "action"),
    [
        (DbsListFullBackupsOperator(task_id="t", backup_plan_id=PLAN), "DescribeFullBackupList"),
        (DbsListIncrementalBackupsOperator(task_id="t", backup_plan_id=PLAN), "DescribeIncrementBackupList"),
        (DbsListBackupPlansOperator(task_id="t"), "DescribeBackupPlanList"),
    ],
    ids=["full", "incremental", "plans"],
)
def test_every_operator_has_both_buttons(operator: BaseOperator, action: str) -> None:
    console, api = operator.operator_extra_links
    assert (console.name, api.name) == ("DBS console", "DBS API page")
    assert api.get_link(operator, ti_key=KEY) == f"https://api.alibabacloud.com/api/Dbs/2019-03-06/{action}"


def test_airflow_knows_the_buttons_of_plain_and_mapped_tasks() -> None:
    with DAG("d", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
        plans = DbsListBackupPlansOperator(task_id="plans")
        DbsListFullBackupsOperator.partial(task_id="backups").expand(backup_plan_id=plans.output)
    # Airflow 3.3 has renamed it.
    serialization: Any = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    stored = serialization.from_dict(serialization.to_dict(dag))
    for task in stored.tasks:
        assert set(task.extra_links) == {"DBS console", "DBS API page"}
