# SPDX-License-Identifier: Apache-2.0
"""DbsHook against the emulator, through real Airflow connections."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_dbs.client.errors import DbsForbiddenError, DbsSettingsError
from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.hooks.connection import aread_settings, read_settings
from airflow_provider_dbs.hooks.dbs import DbsHook

PLAN = "dbsr179qz0001"
NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOUR = timedelta(hours=1)

Connect = Callable[..., None]


@pytest.fixture
def plan(dbs: Emulator) -> Emulator:
    dbs.add_plan(PLAN)
    for hours in (30, 6, 54):
        dbs.add_full_backup(
            PLAN, f"set-{hours}", status="finish", start=NOW - hours * HOUR, end=NOW - (hours - 1) * HOUR
        )
    dbs.add_incremental_backup(PLAN, "mysql-bin.000001", status="COMPLETED", start=NOW - 2 * HOUR, end=NOW - HOUR)
    return dbs


# -- questions ---------------------------------------------------------------------------------------------------------


def test_a_task_asks_without_a_loop(plan: Emulator) -> None:
    hook = DbsHook()
    assert [backup.backup_set_id for backup in hook.list_full_backups(PLAN)] == ["set-6", "set-30", "set-54"]
    within = hook.list_full_backups(PLAN, start=NOW - 30 * HOUR, end=NOW - 6 * HOUR)
    assert [backup.backup_set_id for backup in within] == ["set-30"]
    assert [backup.backup_set_id for backup in hook.list_full_backups(PLAN, backup_set_id="set-54")] == ["set-54"]
    assert [segment.backup_set_id for segment in hook.list_incremental_backups(PLAN)] == ["mysql-bin.000001"]
    assert [found.backup_plan_id for found in hook.list_backup_plans()] == [PLAN]
    assert [found.backup_plan_id for found in hook.list_backup_plans(backup_plan_ids=[PLAN, "dbsunknown"])] == [PLAN]
    assert "cn-hangzhou" in hook.list_regions()
    ranges = hook.get_restore_ranges(PLAN, NOW - 7 * HOUR, NOW)
    assert {found.range_type for found in ranges} <= {"range", "point"}


async def test_a_loop_awaits_the_same_questions(plan: Emulator) -> None:
    async with DbsHook() as hook:
        assert [backup.backup_set_id for backup in await hook.alist_full_backups(PLAN)] == ["set-6", "set-30", "set-54"]
        assert [segment.backup_set_id for segment in await hook.alist_incremental_backups(PLAN)] == ["mysql-bin.000001"]
        assert [found.backup_plan_id for found in await hook.alist_backup_plans()] == [PLAN]
        assert await hook.alist_regions()
        assert await hook.aask(lambda client: client.list_regions())
        answered, _ = await hook.atest_connection()
        assert answered


async def test_a_blocking_question_in_a_loop_names_its_twin(dbs: Emulator) -> None:
    with pytest.raises(RuntimeError, match=r"list_full_backups\(\) would block .* await alist_full_backups\(\)"):
        DbsHook().list_full_backups(PLAN)
    assert DbsHook().test_connection() == (
        False,
        "RuntimeError: test_connection() would block the running event loop: await atest_connection() instead",
    )


def test_each_question_has_a_twin_of_the_same_shape() -> None:
    questions = [
        "list_full_backups",
        "list_incremental_backups",
        "list_backup_plans",
        "get_restore_ranges",
        "list_regions",
        "test_connection",
    ]
    for name in questions:
        blocking, awaited = getattr(DbsHook, name), getattr(DbsHook, f"a{name}")
        assert inspect.iscoroutinefunction(awaited)
        assert blocking.__name__ == name
        assert blocking.__doc__
        assert inspect.signature(blocking).parameters.keys() == inspect.signature(awaited).parameters.keys()


def test_an_error_reaches_the_caller_as_it_is(plan: Emulator) -> None:
    plan.add_fault("forbidden", operation="DescribeFullBackupList")
    with pytest.raises(DbsForbiddenError, match=r"Request\.Forbidden.*request id") as caught:
        DbsHook().list_full_backups(PLAN)
    assert caught.value.request_id


def test_no_connection_stays_open_behind_a_task(plan: Emulator) -> None:
    hook = DbsHook()
    for _ in range(3):
        hook.list_regions()
    # Each asyncio.run has a loop of its own, so each closes what it opened.
    assert plan.connections_opened == 3


# -- the connection ----------------------------------------------------------------------------------------------------


def test_a_hook_reads_nothing_until_it_asks() -> None:
    hook = DbsHook("never_defined")
    with pytest.raises(
        DbsSettingsError, match=r"connection 'never_defined' is not defined, .*AIRFLOW_CONN_NEVER_DEFINED"
    ):
        hook.list_regions()


def test_the_connection_is_read_once_per_hook(dbs: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = DbsHook()
    hook.list_regions()
    monkeypatch.delenv("AIRFLOW_CONN_DBS_DEFAULT")
    assert hook.list_regions()
    with pytest.raises(DbsSettingsError):
        DbsHook().list_regions()


def test_a_uri_works_with_its_values_as_strings(dbs: Emulator, connect: Connect) -> None:
    connect(
        uri=f"alibabadbs://{dbs.access_key_id}:{quote(dbs.access_key_secret, safe='')}@{dbs.host}:{dbs.port}"
        "/?region_id=cn-hangzhou&protocol=http&read_timeout=7.5&max_attempts=3"
    )
    assert DbsHook().list_regions()
    settings = read_settings("dbs_default")
    assert (settings.read_timeout, settings.max_attempts) == (7.5, 3)


def test_the_official_providers_connection_works(dbs: Emulator, connect: Connect) -> None:
    extra = {
        "access_key_id": dbs.access_key_id,
        "access_key_secret": dbs.access_key_secret,
        "region": "cn-shanghai",
        "protocol": "http",
    }
    connect(conn_type="alibaba_cloud", host=dbs.host, port=dbs.port, extra=extra)
    assert DbsHook().list_regions()
    assert read_settings("dbs_default").region_id == "cn-shanghai"


def test_fields_that_a_form_left_empty_count_as_absent(dbs: Emulator, connect: Connect) -> None:
    empty = {"credential_type": None, "read_timeout": None, "security_token": "", "network": None}
    connect(**dbs.airflow_connection(**empty))
    assert DbsHook().list_regions()


def test_the_hooks_region_wins(dbs: Emulator) -> None:
    assert read_settings("dbs_default").region_id == "cn-hangzhou"
    assert read_settings("dbs_default", "cn-beijing").region_id == "cn-beijing"


# Airflow 3.1 itself drops a connection whose extra is no JSON object.
NO_JSON = "(its extra must be a JSON object|or Airflow cannot read it)"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"extra": {"regoin_id": "cn-hangzhou"}}, "unknown setting 'regoin_id': did you mean 'region_id'"),
        ({"extra": {"region_id": "cn-hangzhou", "max_attempts": 0}}, "max_attempts is 0, but must be a whole number"),
        ({"extra": {"region_id": "mars-1"}}, "region_id 'mars-1' is not a region of DBS"),
        ({}, "region_id is not set"),
        ({"extra": {"region_id": "cn-hangzhou", "credential_type": "sts"}}, "sts needs security_token"),
        ({"password": None, "extra": {"region_id": "cn-hangzhou"}}, r"access_key needs password \(AccessKey secret\)"),
        ({"extra": "region_id=cn-hangzhou"}, NO_JSON),
        ({"extra": "[1]"}, NO_JSON),
        ({"conn_type": "mysql"}, "its type is 'mysql', but must be alibabadbs or alibaba_cloud"),
    ],
)
def test_a_wrong_setting_is_named(connect: Connect, fields: dict[str, Any], complaint: str) -> None:
    connect(
        **{
            "conn_type": "alibabadbs",
            "login": "LTAI000011112222",
            "password": "a-secret-of-thirty-characters",
            **fields,
        }
    )
    with pytest.raises(DbsSettingsError, match=f"connection 'dbs_default'.*{complaint}") as caught:
        DbsHook().list_regions()
    assert "a-secret-of-thirty-characters" not in str(caught.value)


async def test_a_loop_reads_the_same_settings(dbs: Emulator) -> None:
    assert await aread_settings("dbs_default") == await asyncio.to_thread(read_settings, "dbs_default")
    with pytest.raises(DbsSettingsError, match="not defined"):
        await aread_settings("never_defined")


@pytest.mark.parametrize("is_async", [False, True])
def test_secrets_are_masked_in_every_form(connect: Connect, is_async: bool) -> None:
    secret, token = f"k/ey+ {is_async}=", f"to/ken+ {is_async}&"
    extra = {"region_id": "cn-hangzhou", "credential_type": "sts", "security_token": token}
    connect(conn_type="alibabadbs", login="LTAI000011112222", password=secret, extra=extra)
    asyncio.run(aread_settings("dbs_default")) if is_async else read_settings("dbs_default")
    for value in (secret, token):
        for form in (value, quote(value), quote(value, safe=""), quote_plus(value)):
            assert redact(f"before {form} after") == "before *** after"


# -- the Test button ---------------------------------------------------------------------------------------------------


def test_the_test_button_says_who_we_are(dbs: Emulator) -> None:
    answered, text = DbsHook().test_connection()
    assert answered
    assert text == f"DBS answers: region cn-hangzhou, endpoint {dbs.url}, credential access_key emul…y-id"
    assert dbs.access_key_secret not in text


def test_the_test_button_says_why_not(dbs: Emulator, connect: Connect) -> None:
    connect(**{**dbs.airflow_connection(), "password": "not-the-secret"})
    answered, text = DbsHook().test_connection()
    assert not answered
    assert "SignatureDoesNotMatch" in text
    assert "request id" in text
    assert "not-the-secret" not in text
    connect(**{**dbs.airflow_connection(), "login": "not-the-key"})
    answered, text = DbsHook().test_connection()
    assert not answered
    assert "InvalidAccessKeyId" in text


def test_the_test_button_survives_a_dead_network(dbs: Emulator, connect: Connect) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        connect(**{**dbs.airflow_connection(max_attempts=1), "port": taken.getsockname()[1]})
        answered, text = DbsHook().test_connection()
    assert not answered
    assert "cannot be reached" in text


def test_the_test_button_survives_a_missing_or_wrong_connection(connect: Connect) -> None:
    assert DbsHook("never_defined").test_connection()[0] is False
    connect(conn_type="alibabadbs", extra={"netwrok": "vpc"})
    answered, text = DbsHook().test_connection()
    assert not answered
    assert "'netwrok'" in text
