# SPDX-License-Identifier: Apache-2.0
"""Every kind of credential, and keys that rotate: from the vendor's package, end to end against the emulator."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from alibabacloud_credentials.client import Client
from rich.console import Console

from airflow_provider_dbs.client import credentials, errors, vendor
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import CredentialSettings, settings_from_connection
from airflow_provider_dbs.emulator import Emulator

KEY = {"access_key_id": "LTAI5tAbcdEfghIjkl", "access_key_secret": "the-secret"}

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("access_key", KEY),
    ("sts", {**KEY, "security_token": "the-token"}),
    (
        "ram_role_arn",
        {
            **KEY,
            "security_token": "the-token",
            "role_arn": "acs:ram::1:role/r",
            "role_session_name": "airflow",
            "role_session_expiration": 3600,
            "external_id": "x",
            "sts_endpoint": "sts-vpc.cn-hangzhou.aliyuncs.com",
        },
    ),
    ("ecs_ram_role", {"role_name": "reader"}),
    (
        "oidc_role_arn",
        {
            "role_arn": "acs:ram::1:role/r",
            "oidc_provider_arn": "acs:ram::1:oidc-provider/p",
            "oidc_token_file_path": "/token",
            "role_session_name": "airflow",
            "role_session_expiration": 1200,
            "sts_endpoint": "sts.aliyuncs.com",
        },
    ),
    ("credentials_uri", {"credentials_uri": "http://127.0.0.1/key"}),
]


@pytest.mark.parametrize(("kind", "facts"), KINDS)
def test_each_kind_is_the_vendors_config(kind: str, facts: dict[str, Any]) -> None:
    names = {"access_key_id": "login", "access_key_secret": "password"}
    fields = {names[name]: value for name, value in facts.items() if name in names}
    extra = {name: value for name, value in facts.items() if name not in names}
    settings = settings_from_connection(
        **fields, extra={"region_id": "cn-hangzhou", "credential_type": kind, **extra}
    ).credential
    config = credentials._config(settings)
    assert config.type == kind
    assert {name: getattr(config, name) for name in facts} == facts


async def test_default_is_the_vendors_chain() -> None:
    assert credentials._config(CredentialSettings(kind="default")) is None


@pytest.mark.parametrize("kind", ["ram_role_arn", "oidc_role_arn", "ecs_ram_role"])
async def test_vendor_takes_every_field_of_a_remote_kind(kind: str) -> None:
    """The vendor's client is made, which checks the fields; no key is asked for."""
    config = credentials._config(CredentialSettings(kind=kind, **dict(KINDS)[kind]))
    assert Client(config).cloud_credential.type_name == kind


async def test_renewal_of_a_role_does_not_talk_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    module = await vendor.load("alibabacloud_credentials.client")
    caplog.set_level(logging.INFO)
    module.Client(credentials._config(CredentialSettings(kind="ecs_ram_role")))
    assert not [record for record in caplog.records if record.name.startswith("apscheduler")]


async def test_static_kinds_give_their_key(dbs_emulator: Emulator, client: Callable[..., DbsClient]) -> None:
    dbs_emulator.add_access_key("sts-key-0123456", "sts-secret", "sts-token")
    dbs = client(
        connection={"login": "sts-key-0123456", "password": "sts-secret"},
        credential_type="sts",
        security_token="sts-token",
    )
    assert await dbs.list_regions()
    assert dbs_emulator.calls[0].headers["x-acs-security-token"] == "sts-token"
    key = await dbs.get_credential()
    assert (key.kind, key.access_key_id, key.access_key_secret, key.security_token) == (
        "sts",
        "sts-key-0123456",
        "sts-secret",
        "sts-token",
    )
    console = Console(file=io.StringIO(), width=200)
    console.print(key)
    for shown in (repr(key), str(key), console.file.getvalue()):  # type: ignore[attr-defined]
        assert "sts-…3456" in shown
        assert "sts-secret" not in shown
        assert "sts-token" not in shown


async def test_a_plain_key_has_no_token(client: Callable[..., DbsClient]) -> None:
    assert (await client().get_credential()).security_token is None


def test_one_source_for_the_same_settings() -> None:
    assert credentials.source(CredentialSettings(kind="access_key", **KEY)) is credentials.source(
        CredentialSettings(kind="access_key", **KEY)
    )
    assert credentials.source(CredentialSettings(kind="default")) is not credentials.source(
        CredentialSettings(kind="access_key", **KEY)
    )


# -- keys from an address, which rotate ------------


async def test_key_is_fetched_once_and_kept(dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]) -> None:
    dbs = uri_client()
    for _ in range(3):
        assert await dbs.list_regions()
    assert dbs_emulator.credentials_issued == 1
    assert {call.access_key_id for call in dbs_emulator.calls} == {"STS.emulator000001"}
    assert dbs_emulator.connections_opened <= 2  # an earlier test may have opened one


async def test_cold_start_of_a_hundred_is_one_refresh(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]
) -> None:
    dbs_emulator.add_fault("stall", operation="credentials", seconds=0.1)
    dbs = uri_client()
    lists = await asyncio.gather(*(dbs.list_regions() for _ in range(100)))
    assert len(lists) == 100
    assert dbs_emulator.credentials_issued == 1


async def test_cold_refresh_does_not_stop_the_loop(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient], client: Callable[..., DbsClient]
) -> None:
    await client().list_regions()  # all is loaded
    dbs_emulator.add_fault("stall", operation="credentials", seconds=0.5)
    call = asyncio.create_task(uri_client().list_regions())
    longest = 0.0
    while not call.done():
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    assert longest < 0.4
    assert await call


async def test_removed_key_is_dropped_and_read_once_more(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]
) -> None:
    dbs = uri_client()
    assert await dbs.list_regions()
    dbs_emulator.remove_access_key("STS.emulator000001")
    assert await dbs.list_regions()
    assert [call.code for call in dbs_emulator.calls] == [None, "InvalidAccessKeyId.NotFound", None]
    assert dbs_emulator.credentials_issued == 2


async def test_removed_key_of_a_hundred_is_read_once_more(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]
) -> None:
    dbs = uri_client()
    assert await dbs.list_regions()
    dbs_emulator.remove_access_key("STS.emulator000001")
    await asyncio.gather(*(dbs.list_regions() for _ in range(100)))
    assert dbs_emulator.credentials_issued == 2


async def test_expired_token_is_replaced(dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]) -> None:
    dbs = uri_client()
    key = await dbs.get_credential()
    expired = datetime.now(timezone.utc) - timedelta(seconds=1)
    dbs_emulator.add_access_key(key.access_key_id, key.access_key_secret, key.security_token, expired)
    assert await dbs.list_regions()
    assert [call.code for call in dbs_emulator.calls] == ["InvalidSecurityToken.Expired", None]


async def test_static_key_that_is_not_known_fails_after_one_more_try(
    dbs_emulator: Emulator, client: Callable[..., DbsClient]
) -> None:
    with pytest.raises(errors.DbsAuthenticationError, match=r"InvalidAccessKeyId\.NotFound") as caught:
        await client(connection={"login": "nobody", "password": "the-secret"}).list_regions()
    assert not caught.value.retryable
    assert len(dbs_emulator.calls) == 2


async def test_wrong_secret_fails_at_once(dbs_emulator: Emulator, client: Callable[..., DbsClient]) -> None:
    with pytest.raises(errors.DbsSignatureError, match="SignatureDoesNotMatch") as caught:
        await client(connection={"password": "the-wrong-secret"}).list_regions()
    assert not caught.value.retryable
    assert len(dbs_emulator.calls) == 1


async def test_who_comes_after_a_drop_does_not_join_a_reading_that_began_before_it(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_HOLD_SECONDS", 0.0)
    source = uri_client(lifetime="10m")._rpc.credentials  # so short that the vendor renews it at every use
    first = await source.get(5)
    dbs_emulator.add_fault("stall", operation="credentials", seconds=0.2)
    begun_before = asyncio.create_task(source.get(5))
    await asyncio.sleep(0.05)
    source.drop(first)
    after = await source.get(5)
    assert (await begun_before).access_key_id != after.access_key_id
    assert source._held == after
    source.drop(first)  # refused long ago
    assert source._held == after


# -- keys from STS, which is played here ------------


@dataclass
class Sts:
    """Answers every GET with a key that the emulator knows from then on; keeps the queries."""

    emulator: Emulator
    url: str = ""
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, query: dict[str, str]) -> dict[str, Any]:
        self.asked.append(query)
        if self.status != 200:
            return {"Code": "NoPermission", "Message": "You are not authorized to do this action.", "RequestId": "R"}
        number = len(self.asked)
        key, secret, token = f"STS.role{number}", f"role-secret-{number}", f"role-token-{number}"
        expires = datetime.now(timezone.utc) + timedelta(hours=1)
        self.emulator.add_access_key(key, secret, token, expires)
        return {
            "Credentials": {
                "AccessKeyId": key,
                "AccessKeySecret": secret,
                "SecurityToken": token,
                "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        }


@pytest.fixture
def sts(dbs_emulator: Emulator) -> Iterator[Sts]:
    played = Sts(dbs_emulator)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(played.answer(dict(parse_qsl(urlsplit(self.path).query)))).encode()
            self.send_response(played.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    # The vendor's package takes an endpoint with a protocol, and then speaks no TLS.
    played.url = f"http://127.0.0.1:{server.server_port}"
    yield played
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def role_client(client: Callable[..., DbsClient], sts: Sts, tmp_path: Path) -> Callable[..., DbsClient]:
    token_file = tmp_path / "token"
    token_file.write_text("the-oidc-token")
    role = {"role_arn": "acs:ram::1:role/r", "role_session_name": "airflow", "sts_endpoint": sts.url}

    def make(kind: str, **extra: Any) -> DbsClient:
        if kind == "ram_role_arn":
            return client(
                connection={"login": "base-key", "password": "base-secret"},
                **{"credential_type": kind, **role, "external_id": "x-1", "role_session_expiration": 3600, **extra},
            )
        oidc = {"oidc_provider_arn": "acs:ram::1:oidc-provider/p", "oidc_token_file_path": str(token_file)}
        return client(
            connection={"login": None, "password": None}, **{"credential_type": kind, **role, **oidc, **extra}
        )

    return make


async def test_role_is_assumed_with_the_settings_of_the_connection(
    dbs_emulator: Emulator, sts: Sts, role_client: Callable[..., DbsClient]
) -> None:
    dbs = role_client("ram_role_arn", security_token="base-token")
    for _ in range(2):
        assert await dbs.list_regions()
    (asked,) = sts.asked
    assert {
        name: asked[name] for name in ("Action", "RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId")
    } == {
        "Action": "AssumeRole",
        "RoleArn": "acs:ram::1:role/r",
        "RoleSessionName": "airflow",
        "DurationSeconds": "3600",
        "ExternalId": "x-1",
    }
    assert asked["AccessKeyId"] == "base-key"
    assert {call.access_key_id for call in dbs_emulator.calls} == {"STS.role1"}


async def test_role_is_assumed_with_an_oidc_token(
    dbs_emulator: Emulator, sts: Sts, role_client: Callable[..., DbsClient]
) -> None:
    assert await role_client("oidc_role_arn").list_regions()
    assert sts.asked[0]["Action"] == "AssumeRoleWithOIDC"
    assert dbs_emulator.calls[0].headers["x-acs-security-token"] == "role-token-1"


async def test_key_of_a_role_rotates(dbs_emulator: Emulator, sts: Sts, role_client: Callable[..., DbsClient]) -> None:
    dbs = role_client("ram_role_arn")
    assert await dbs.list_regions()
    dbs_emulator.remove_access_key("STS.role1")
    assert await dbs.list_regions()
    assert len(sts.asked) == 2


@pytest.mark.parametrize("kind", ["ram_role_arn", "oidc_role_arn"])
@pytest.mark.parametrize(("status", "retryable"), [(403, False), (503, True)])
async def test_refusal_of_sts(
    sts: Sts,
    role_client: Callable[..., DbsClient],
    caplog: pytest.LogCaptureFixture,
    kind: str,
    status: int,
    retryable: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    sts.status = status
    with pytest.raises(errors.DbsCredentialsError) as caught:
        await role_client(kind, max_attempts=2).list_regions()
    error = caught.value
    assert (error.code, error.http_status, error.retryable) == ("NoPermission", status, retryable)
    assert f"the source of credential_type {kind} answered HTTP {status}" in str(error)
    assert len(sts.asked) == (2 if retryable else 1)
    # The address that was asked holds the caller's key and signature.
    assert "Signature=" not in caplog.text
    assert "RoleArn=" not in caplog.text


# -- sources that fail ------------


@pytest.mark.parametrize("http_status", [429, 500, 503])
async def test_source_with_a_bad_moment_is_asked_again(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient], http_status: int
) -> None:
    dbs_emulator.add_fault("html_error", operation="credentials", http_status=http_status)
    assert await uri_client().list_regions()
    assert dbs_emulator.credentials_issued == 2


async def test_source_that_refuses_is_not_asked_again(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]
) -> None:
    dbs_emulator.add_fault("gateway_error", operation="credentials", http_status=404, code="EntityNotExist.Role")
    with pytest.raises(errors.DbsCredentialsError) as caught:
        await uri_client().list_regions()
    error = caught.value
    assert (error.code, error.http_status, error.retryable) == ("EntityNotExist.Role", 404, False)
    assert error.operation == "DescribeRegions"
    assert "the source of credential_type credentials_uri answered HTTP 404 and gave no key" in str(error)
    assert dbs_emulator.credentials_issued == 1
    assert dbs_emulator.calls == []


async def test_source_that_stays_down_ends_after_max_attempts(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]
) -> None:
    dbs_emulator.add_fault("html_error", operation="credentials", times=None)
    with pytest.raises(errors.DbsCredentialsError, match="in the last of 3 attempts") as caught:
        await uri_client(max_attempts=3).list_regions()
    assert caught.value.retryable
    assert dbs_emulator.credentials_issued == 3


async def test_callers_of_one_refresh_get_errors_of_their_own(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient], plan: str
) -> None:
    dbs_emulator.add_fault("html_error", operation="credentials", times=None)
    dbs = uri_client(max_attempts=2)
    found = await asyncio.gather(dbs.list_regions(), dbs.list_full_backups(plan), return_exceptions=True)
    assert [str(error).partition(":")[0] for error in found] == ["DescribeRegions", "DescribeFullBackupList"]
    assert [str(error).count("attempts") for error in found] == [1, 1]


def test_source_that_drips_for_ever_ends_in_time_and_is_left_behind(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient]
) -> None:
    """In a loop of its own, as a task has it: its end must not wait for the stuck thread either."""
    dbs_emulator.add_fault("drip", operation="credentials", chunk=1, interval=0.2)
    dbs = uri_client(total_timeout=1)

    async def ask_and_close() -> list[str]:
        try:
            return await dbs.list_regions()
        finally:
            await dbs.aclose()

    begun = time.monotonic()
    with pytest.raises(errors.DbsCredentialsError, match="did not answer in time") as caught:
        asyncio.run(ask_and_close())
    assert time.monotonic() - begun < 5
    assert caught.value.retryable
    assert asyncio.run(ask_and_close())


@pytest.mark.parametrize("body", ["not JSON", {"Code": "Success"}, {"Code": "Nope"}])
async def test_source_with_an_unreadable_answer(
    dbs_emulator: Emulator, uri_client: Callable[..., DbsClient], body: Any
) -> None:
    dbs_emulator.add_fault("raw", operation="credentials", times=None, body=body)
    with pytest.raises(errors.DbsCredentialsError, match="check that credentials_uri can be reached"):
        await uri_client(max_attempts=1).list_regions()


async def test_missing_token_file_is_a_fault_of_this_machine(client: Callable[..., DbsClient]) -> None:
    dbs = client(
        connection={"login": None, "password": None},
        credential_type="oidc_role_arn",
        role_arn="acs:ram::1:role/r",
        oidc_provider_arn="acs:ram::1:oidc-provider/p",
        oidc_token_file_path="/nowhere/token",
    )
    with pytest.raises(errors.DbsCredentialsError, match=r"FileNotFoundError.*oidc_token_file_path") as caught:
        await dbs.list_regions()
    assert not caught.value.retryable
