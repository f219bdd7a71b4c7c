# SPDX-License-Identifier: Apache-2.0
"""The fidelity test: the vendor's generated SDK, sync and async, unchanged, works against the emulator."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from alibabacloud_dbs20190306 import models
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from darabonba.exceptions import UnretryableException

START = datetime(2026, 3, 1, 2, 0, tzinfo=timezone.utc)
END = START + timedelta(minutes=20)


@pytest.fixture(params=["sync", "async"])
def invoke(request, sdk):
    """Call an operation of the SDK by its name, in both of the SDK's ways."""

    def run(operation: str, request_model: Any, client: Any = None) -> Any:
        client = client or sdk()
        if request.param == "sync":
            return getattr(client, operation)(request_model).body
        return asyncio.run(getattr(client, f"{operation}_async")(request_model)).body

    return run


def test_full_backups(dbs_emulator, plan_id, invoke):
    set_id = dbs_emulator.add_full_backup(plan_id, start=START, end=END, size=580)
    request = models.DescribeFullBackupListRequest(
        backup_plan_id=plan_id,
        page_num=0,
        page_size=100,
        client_token="a b+c/ü~*",
        show_storage_type=True,
        show_progress="true",
        backup_set_id=set_id,
        start_timestamp=int(START.timestamp() * 1000),
        end_timestamp=int(END.timestamp() * 1000),
    )
    body = invoke("describe_full_backup_list", request)
    assert (body.success, body.http_status_code, body.total_elements, body.total_pages) == (True, 200, 1, 1)
    (backup,) = body.items.full_backup_file
    assert (backup.backup_set_id, backup.backup_status, backup.backup_size) == (set_id, "finish", 580)
    assert backup.start_time == int(START.timestamp() * 1000)
    assert backup.finish_time == backup.end_time == int(END.timestamp() * 1000)
    assert backup.backup_set_expired_time - backup.start_time == 7 * 86400 * 1000
    assert backup.logical_full_backup_progress == 100
    assert dbs_emulator.calls[-1].parameters["ClientToken"] == "a b+c/ü~*"
    assert dbs_emulator.calls[-1].parameters["ShowStorageType"] == "True"


def test_incremental_backups(dbs_emulator, plan_id, invoke):
    dbs_emulator.add_incremental_backup(plan_id, "mysql-bin.000007", status="FILLING", start=START, end=END)
    body = invoke("describe_increment_backup_list", models.DescribeIncrementBackupListRequest(backup_plan_id=plan_id))
    (log,) = body.items.increment_backup_file
    assert (log.backup_set_id, log.backup_status, log.storage_method) == ("mysql-bin.000007", "FILLING", "Standard")
    assert log.backup_set_expired_time - log.end_time == 730 * 86400 * 1000
    assert body.page_size == 30


def test_backup_plans(dbs_emulator, plan_id, invoke):
    dbs_emulator.add_plan("dbsother", backup_plan_status="pause", region="cn-beijing", oss_bucket_name="b")
    body = invoke(
        "describe_backup_plan_list", models.DescribeBackupPlanListRequest(backup_plan_id=f"{plan_id},dbsother")
    )
    plans = {plan.backup_plan_id: plan for plan in body.items.backup_plan_detail}
    assert plans.keys() == {plan_id, "dbsother"}
    assert plans["dbsother"].backup_plan_status == "pause"
    assert plans["dbsother"].backup_plan_region == "cn-beijing"
    assert plans["dbsother"].ossbucket_name == "b"
    assert plans[plan_id].enable_backup_log is True


def test_restore_ranges_and_regions(dbs_emulator, plan_id, invoke):
    dbs_emulator.set_restore_ranges(plan_id, [{"begin": START, "end": END}])
    request = models.DescribeRestoreRangeInfoRequest(
        backup_plan_id=plan_id,
        begin_timestamp_for_restore=int(START.timestamp() * 1000),
        end_timestamp_for_restore=int(END.timestamp() * 1000),
        recently_restore=False,
    )
    (found,) = invoke("describe_restore_range_info", request).items.dbsrecover_range
    assert (found.range_type, found.end_timestamp_for_restore) == ("range", int(END.timestamp() * 1000))
    assert "cn-hangzhou" in invoke("describe_regions", models.DescribeRegionsRequest()).regions.region_code


def test_security_token(dbs_emulator, invoke, sdk):
    dbs_emulator.add_access_key("STS.one", "sts-secret", "token-one")
    client = sdk(access_key_id="STS.one", access_key_secret="sts-secret", security_token="token-one")
    assert invoke("describe_regions", models.DescribeRegionsRequest(), client).success is True


@pytest.mark.parametrize(
    ("config", "code", "status"),
    [
        ({"access_key_id": "nobody"}, "InvalidAccessKeyId.NotFound", 404),
        ({"access_key_secret": "wrong"}, "SignatureDoesNotMatch", 400),
        (
            {"access_key_id": "STS.one", "access_key_secret": "sts-secret", "security_token": "made-up"},
            "InvalidSecurityToken.Malformed",
            400,
        ),
        (
            {"access_key_id": "STS.one", "access_key_secret": "sts-secret", "security_token": "token-old"},
            "InvalidSecurityToken.MismatchWithAccessKey",
            400,
        ),
        (
            {"access_key_id": "STS.old", "access_key_secret": "sts-secret", "security_token": "token-old"},
            "InvalidSecurityToken.Expired",
            400,
        ),
        ({"access_key_id": "STS.one", "access_key_secret": "sts-secret"}, "MissingSecurityToken", 400),
        ({"security_token": "token-one"}, "InvalidSecurityToken.MismatchWithAccessKey", 400),
    ],
)
def test_refused_callers(dbs_emulator, invoke, sdk, config, code, status):
    dbs_emulator.add_access_key("STS.one", "sts-secret", "token-one")
    dbs_emulator.add_access_key("STS.old", "sts-secret", "token-old", datetime.now(timezone.utc) - timedelta(seconds=1))
    with pytest.raises(ClientException) as caught:
        invoke("describe_regions", models.DescribeRegionsRequest(), sdk(**config))
    assert (caught.value.code, caught.value.status_code) == (code, status)
    assert (dbs_emulator.calls[-1].code, dbs_emulator.calls[-1].status) == (code, status)


@pytest.mark.parametrize(
    ("kind", "options", "error", "code"),
    [
        ("throttle", {}, ClientException, "Throttling.User"),
        ("throttle", {"code": "Throttling.Api"}, ClientException, "Throttling.Api"),
        ("throttle", {"code": "ServiceUnavailable"}, ServerException, "ServiceUnavailable"),
        ("throttle", {"retry_after": 2, "http_status": 429}, ThrottlingException, "Throttling.User"),
        ("server_error", {}, ServerException, "ServiceUnavailable"),
        ("html_error", {}, UnretryableException, None),
        ("forbidden", {}, ClientException, "Request.Forbidden"),
        ("forbidden", {"style": "service"}, ClientException, "None"),
        ("truncate", {}, Exception, None),
        ("reset", {}, Exception, None),
        ("not_json", {}, UnretryableException, None),
        (
            "gateway_error",
            {"http_status": 400, "code": "InvalidTimeStamp.Expired"},
            ClientException,
            "InvalidTimeStamp.Expired",
        ),
    ],
)
def test_faults_reach_the_sdk_as_its_own_errors(dbs_emulator, invoke, kind, options, error, code):
    dbs_emulator.add_fault(kind, **options)
    with pytest.raises(error) as caught:
        invoke("describe_regions", models.DescribeRegionsRequest())
    if code is not None:
        assert caught.value.code == code
    assert invoke("describe_regions", models.DescribeRegionsRequest()).success is True


def test_the_sdk_takes_a_failure_under_http_200_for_an_answer(dbs_emulator, plan_id, invoke):
    dbs_emulator.add_fault("success_false", code="InvalidJobId")
    body = invoke("describe_full_backup_list", models.DescribeFullBackupListRequest(backup_plan_id=plan_id))
    assert (body.success, body.err_code, body.http_status_code) == (False, "InvalidJobId", 400)


def test_a_missing_parameter_is_refused(invoke):
    with pytest.raises(ClientException) as caught:
        invoke("describe_full_backup_list", models.DescribeFullBackupListRequest())
    assert caught.value.code == "MissingBackupPlanId"
