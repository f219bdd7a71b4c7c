# SPDX-License-Identifier: Apache-2.0
"""What is retried and what is not: each fault of the emulator, met by a client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from airflow_provider_dbs.client import errors, rpc
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import Settings
from airflow_provider_dbs.emulator import Emulator

Clients = Callable[..., DbsClient]

THROTTLING_CODES = ("Throttling", "Throttling.User", "Throttling.Api", "Rejected.Throttling")

# Fault, its options, the error when it does not go away.
RETRIED: list[tuple[str, dict[str, Any], type[errors.DbsError]]] = [
    *(("throttle", {"code": code}, errors.DbsThrottledError) for code in THROTTLING_CODES),
    ("throttle", {"code": "ServiceUnavailable"}, errors.DbsServerError),
    ("throttle", {"code": "InternalError"}, errors.DbsServerError),
    ("throttle", {"http_status": 429}, errors.DbsThrottledError),
    ("throttle", {"code": "Unheard.Of", "http_status": 429}, errors.DbsThrottledError),
    ("throttle", {"code": "Throttling", "http_status": 503}, errors.DbsThrottledError),
    ("server_error", {"http_status": 500, "code": "InternalError"}, errors.DbsServerError),
    ("server_error", {"http_status": 503}, errors.DbsServerError),
    ("server_error", {"http_status": 504, "code": "InvalidParameter"}, errors.DbsServerError),
    ("server_error", {"http_status": 400, "code": "undefined"}, errors.DbsServerError),
    ("html_error", {}, errors.DbsServerError),
    ("html_error", {"http_status": 503}, errors.DbsServerError),
    ("html_error", {"http_status": 429}, errors.DbsThrottledError),
    ("empty_body", {"http_status": 500}, errors.DbsServerError),
    ("empty_body", {"http_status": 429}, errors.DbsThrottledError),
    ("empty_body", {}, errors.DbsResponseError),
    ("raw", {"body": "null", "http_status": 500}, errors.DbsServerError),
    ("raw", {"body": '{"Success": true, "Regions": {"RegionCode": ["cn-h'}, errors.DbsResponseError),
    ("truncate", {}, errors.DbsConnectionError),
    ("reset", {}, errors.DbsConnectionError),
    ("success_false", {"code": "Throttling.User"}, errors.DbsThrottledError),
    ("success_false", {"code": "Unheard.Of", "body_status": 500}, errors.DbsServerError),
]

# Fault, its options, the error of the first and only call.
FINAL: list[tuple[str, dict[str, Any], type[errors.DbsError]]] = [
    ("forbidden", {}, errors.DbsForbiddenError),
    ("forbidden", {"style": "service"}, errors.DbsForbiddenError),
    ("forbidden", {"code": "Unheard.Of"}, errors.DbsForbiddenError),
    ("success_false", {}, errors.DbsParameterError),
    ("success_false", {"code": "Unheard.Of"}, errors.DbsApiError),
    ("success_false", {"code": "Unheard.Of", "body_status": 403}, errors.DbsForbiddenError),
    ("success_string", {"value": "false"}, errors.DbsParameterError),  # the code that the samples carry
    ("gateway_error", {"http_status": 400, "code": "InvalidParameter"}, errors.DbsParameterError),
    ("gateway_error", {"http_status": 400, "code": "MissingBackupPlanId"}, errors.DbsParameterError),
    ("gateway_error", {"http_status": 404, "code": "Param.NotFound"}, errors.DbsParameterError),
    ("gateway_error", {"http_status": 400, "code": "SignatureDoesNotMatch"}, errors.DbsSignatureError),
    ("gateway_error", {"http_status": 400, "code": "IncompleteSignature"}, errors.DbsSignatureError),
    ("gateway_error", {"http_status": 400, "code": "InvalidTimeStamp.Expired"}, errors.DbsSignatureError),
    ("gateway_error", {"http_status": 400, "code": "Unheard.Of"}, errors.DbsApiError),
    ("redirect", {}, errors.DbsResponseError),
    ("redirect", {"http_status": 307}, errors.DbsResponseError),
    ("not_json", {}, errors.DbsResponseError),
    ("not_json", {"http_status": 403}, errors.DbsResponseError),
    ("empty_body", {"http_status": 404}, errors.DbsResponseError),
    ("raw", {"body": "[1]"}, errors.DbsResponseError),
    ("raw", {"body": "{}"}, errors.DbsResponseError),
    ("raw", {"body": b'{"Success":true,"RequestId":"\xff"}'}, errors.DbsResponseError),
    ("raw", {"body": '{"Items":' + "[" * 50_000 + "]" * 50_000 + "}"}, errors.DbsResponseError),
    ("raw", {"body": '{"Success": true}'}, errors.DbsResponseError),
    ("raw", {"body": "{}", "http_status": 400}, errors.DbsApiError),
]

# An authentication failure is tried once more with a credential read anew.
UNAUTHENTICATED: list[tuple[int, str]] = [
    (404, "InvalidAccessKeyId.NotFound"),
    (400, "InvalidAccessKeyId.Inactive"),
    (400, "InvalidSecurityToken.Expired"),
    (400, "InvalidSecurityToken.MismatchWithAccessKey"),
    (400, "MissingSecurityToken"),
    (401, "Unheard.Of"),
]


def _name(case: Any) -> str:
    return "-".join(str(value)[:20] for value in case.values()) if isinstance(case, dict) else str(case)


@pytest.mark.parametrize(("kind", "options", "expected"), RETRIED, ids=_name)
async def test_passing_fault_is_retried(
    dbs_emulator: Emulator, client: Clients, kind: str, options: dict[str, Any], expected: type[errors.DbsError]
) -> None:
    dbs_emulator.add_fault(kind, times=2, **options)

    assert "cn-hangzhou" in await client().list_regions()

    assert len(dbs_emulator.calls) == 3
    assert len({call.headers["x-acs-signature-nonce"] for call in dbs_emulator.calls}) == 3


@pytest.mark.parametrize(("kind", "options", "expected"), RETRIED, ids=_name)
async def test_lasting_fault_ends_after_max_attempts(
    dbs_emulator: Emulator, client: Clients, kind: str, options: dict[str, Any], expected: type[errors.DbsError]
) -> None:
    dbs_emulator.add_fault(kind, times=None, **options)

    with pytest.raises(errors.DbsError) as caught:
        await client(max_attempts=3).list_regions()

    assert type(caught.value) is expected
    assert caught.value.retryable
    assert caught.value.operation == "DescribeRegions"
    assert "in the last of 3 attempts" in str(caught.value)
    assert len(dbs_emulator.calls) == 3


@pytest.mark.parametrize(("kind", "options", "expected"), FINAL, ids=_name)
async def test_lasting_refusal_is_not_retried(
    dbs_emulator: Emulator, client: Clients, kind: str, options: dict[str, Any], expected: type[errors.DbsError]
) -> None:
    dbs_emulator.add_fault(kind, times=None, **options)

    with pytest.raises(errors.DbsError) as caught:
        await client().list_regions()

    assert type(caught.value) is expected
    assert not caught.value.retryable
    assert caught.value.operation == "DescribeRegions"
    assert "attempts" not in str(caught.value)
    assert len(dbs_emulator.calls) == 1


@pytest.mark.parametrize(("http_status", "code"), UNAUTHENTICATED)
async def test_authentication_failure_is_tried_once_more(
    dbs_emulator: Emulator, client: Clients, http_status: int, code: str
) -> None:
    dbs_emulator.add_fault("gateway_error", times=1, http_status=http_status, code=code)
    assert await client().list_regions()
    assert len(dbs_emulator.calls) == 2

    dbs_emulator.add_fault("gateway_error", times=None, http_status=http_status, code=code)
    with pytest.raises(errors.DbsAuthenticationError) as caught:
        await client().list_regions()
    assert not caught.value.retryable
    assert len(dbs_emulator.calls) == 4


async def test_error_says_code_message_and_request_id(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("forbidden")

    with pytest.raises(errors.DbsForbiddenError) as caught:
        await client().list_regions()

    error = caught.value
    request_id = dbs_emulator.calls[0].request_id
    assert (error.code, error.http_status, error.request_id) == ("Request.Forbidden", 403, request_id)
    assert str(error).startswith("DescribeRegions: Request.Forbidden: ")
    assert f" (HTTP 403, request id {request_id}); " in str(error)
    assert str(error).endswith("let the RAM policy of the connection's user or role allow dbs:DescribeRegions")


@pytest.mark.parametrize("value", ["true", "True"])
async def test_success_may_be_a_text(dbs_emulator: Emulator, client: Clients, value: str) -> None:
    dbs_emulator.add_fault("success_string", value=value)
    assert await client().list_regions()
    assert len(dbs_emulator.calls) == 1


@pytest.mark.parametrize("error_cells", ["documented", "clean", "missing"])
async def test_error_code_beside_success_means_nothing(
    dbs_emulator: Emulator, client: Clients, error_cells: str
) -> None:
    dbs_emulator.configure(error_cells=error_cells)
    assert await client().list_regions()
    assert len(dbs_emulator.calls) == 1


async def test_redirect_is_not_followed(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("redirect", location=f"{dbs_emulator.url}/elsewhere")
    with pytest.raises(errors.DbsResponseError, match="redirect") as caught:
        await client().list_regions()
    assert caught.value.http_status == 302
    assert [call.operation for call in dbs_emulator.calls] == ["DescribeRegions"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (2, 2.0),
        (999, 999.0),
        (1000, 1.0),
        (2500, 2.5),
        (0, 0.0),
        (-3, 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
    ],
)
async def test_retry_after_is_read_in_both_units(
    dbs_emulator: Emulator, client: Clients, header: Any, seconds: float | None
) -> None:
    dbs_emulator.add_fault("throttle", retry_after=header)
    with pytest.raises(errors.DbsThrottledError) as caught:
        await client(max_attempts=1).list_regions()
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("header", [0.2, 1200])
async def test_retry_after_is_waited_for(dbs_emulator: Emulator, client: Clients, header: Any) -> None:
    dbs_emulator.add_fault("throttle", retry_after=header)
    assert await client().list_regions()
    first, second = dbs_emulator.calls
    assert (second.time - first.time).total_seconds() >= (0.2 if header < 1000 else 1.2)


async def test_retry_after_beyond_the_deadline_is_not_waited_for(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("throttle", times=None, retry_after=30)
    began = time.monotonic()
    with pytest.raises(errors.DbsThrottledError) as caught:
        await client(total_timeout=2).list_regions()
    assert time.monotonic() - began < 1.5
    assert caught.value.retry_after == 30
    assert len(dbs_emulator.calls) == 1


async def test_retries_end_at_the_deadline(dbs_emulator: Emulator, settings: Callable[..., Settings]) -> None:
    dbs_emulator.add_fault("server_error", times=None)
    patient = msgspec.structs.replace(settings(total_timeout=0.4, max_attempts=20), retry_base=0.2, retry_cap=0.2)
    client = DbsClient(patient)
    began = time.monotonic()
    with pytest.raises(errors.DbsServerError):
        await client.list_regions()
    assert time.monotonic() - began < 1.5
    assert 1 <= len(dbs_emulator.calls) < 20
    await client.aclose()


async def test_stalled_answer_is_a_read_timeout(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("stall", seconds=1)
    with pytest.raises(errors.DbsTimeoutError, match=r"read_timeout \(0\.3 s\)") as caught:
        await client(read_timeout=0.3, max_attempts=1).list_regions()
    assert caught.value.retryable
    dbs_emulator.add_fault("stall", seconds=1)
    assert await client(read_timeout=0.3).list_regions()
    assert len(dbs_emulator.calls) == 3


async def test_dripping_answer_is_a_total_timeout(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("drip", times=None, interval=0.02)
    began = time.monotonic()
    with pytest.raises(errors.DbsTimeoutError, match=r"total_timeout \(0\.5 s\)") as caught:
        await client(total_timeout=0.5).list_regions()
    assert time.monotonic() - began < 2
    assert caught.value.retryable
    assert len(dbs_emulator.calls) == 1


async def test_total_timeout_holds_when_the_call_rate_and_the_signature_took_all_of_it() -> None:
    """To aiohttp a total timeout below zero is none at all: a dripping answer would then go on for ever."""
    assert rpc._left(time.monotonic() - 1) > 0


async def test_total_timeout_holds_while_the_key_is_fetched(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]
) -> None:
    dbs_emulator.add_fault("stall", operation="credentials", seconds=2)
    begun = time.monotonic()
    with pytest.raises(errors.DbsCredentialsError, match="did not answer in time"):
        await uri_client(total_timeout=0.3).list_regions()
    assert time.monotonic() - begun < 1.5
    assert dbs_emulator.calls == []


async def test_cancelling_a_call_passes_through(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("stall", seconds=0.5)
    call = asyncio.create_task(client().list_regions())
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await client().list_regions()


async def test_parameters_survive_the_signature(dbs_emulator: Emulator, client: Clients) -> None:
    plan_id = "备份 plan+/?&=~*'%20"
    dbs_emulator.add_plan(plan_id)
    set_id = dbs_emulator.add_full_backup(plan_id)
    (backup,) = await client().list_full_backups(plan_id, client_token="a b", show_storage_type=False)
    assert backup.backup_set_id == set_id
    assert backup.storage_method is None
    assert dbs_emulator.calls[0].parameters == {
        "BackupPlanId": plan_id,
        "ClientToken": "a b",
        "ShowStorageType": "false",
        "PageNum": "0",
        "PageSize": "100",
    }


async def test_clock_that_is_off_is_a_signature_error(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("gateway_error", http_status=400, code="InvalidTimeStamp.Expired")
    with pytest.raises(errors.DbsSignatureError, match=r"InvalidTimeStamp\.Expired"):
        await client().list_regions()


async def test_calls_are_counted_with_their_retries(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("throttle", times=2)
    dbs = client()
    assert dbs.calls_made == 0
    assert await dbs.list_regions()
    assert dbs.calls_made == len(dbs_emulator.calls) == 3
