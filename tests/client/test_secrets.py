# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong, no secret gets out: not in an error, what hangs on it, its pickle, nor in any log line."""

from __future__ import annotations

import logging
import pickle
import socket
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_dbs.client import errors, transport
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.emulator import Emulator

ID = "secrets-test-key"
SECRET = "s3cret/+=&?with specials"
TOKEN = "t0ken/+==&%with specials"
# Only of a request that was signed or an address with parameters can these be.
FORBIDDEN = (SECRET, quote(SECRET, safe="~"), TOKEN, quote(TOKEN, safe="~"), "Signature=", "BackupPlanId=", "/?", "?l")

Calls = Callable[[], Any]


@pytest.fixture
def dbs(dbs_emulator: Emulator, client: Callable[..., DbsClient]) -> Callable[..., DbsClient]:
    dbs_emulator.add_access_key(ID, SECRET, TOKEN)

    def make(password: str = SECRET, **extra: Any) -> DbsClient:
        fields = {"login": ID, "password": password, **extra.pop("connection", {})}
        options = {"credential_type": "sts", "security_token": TOKEN, "max_attempts": 2, **extra}
        return client(connection=fields, **options)

    return make


@pytest.fixture
def log_lines(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that any logger said, at DEBUG."""
    caplog.set_level(logging.DEBUG)
    formatter = logging.Formatter("%(name)s %(message)s")
    return lambda: "\n".join(formatter.format(record) + repr(record.args) for record in caplog.records)


def all_of(error: BaseException) -> str:
    """Everything that printing, logging or storing an error could bring to light."""
    shown = []
    seen: list[BaseException | None] = [error]
    while seen:
        current = seen.pop()
        if current is not None:
            shown += [str(current), repr(current), repr(current.args), repr(current.__dict__)]
            shown += traceback.format_exception(type(current), current, current.__traceback__)
            seen += [current.__cause__, current.__context__]
    return "\n".join((*shown, repr(pickle.dumps(error))))


async def failure(dbs: DbsClient) -> errors.DbsError:
    with pytest.raises(errors.DbsError) as caught:
        await dbs.list_full_backups("dbsplan")
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (type(twin), twin.__dict__, str(twin)) == (type(caught.value), caught.value.__dict__, str(caught.value))
    return caught.value


def assert_nothing_got_out(error: errors.DbsError, log: str) -> None:
    shown = all_of(error)
    assert [word for word in FORBIDDEN if word in shown] == []
    assert [word for word in FORBIDDEN if word in log] == []


ECHO = f"denied: {SECRET} {quote(SECRET, safe='~')} {TOKEN} {quote(TOKEN, safe='~')} ACS3-HMAC-SHA256 x,Signature=abc"

FAULTS: list[tuple[str, dict[str, Any], type[errors.DbsError]]] = [
    ("throttle", {"message": ECHO}, errors.DbsThrottledError),
    ("server_error", {"message": ECHO}, errors.DbsServerError),
    ("gateway_error", {"http_status": 400, "code": "Other", "message": ECHO}, errors.DbsApiError),
    (
        "gateway_error",
        {"http_status": 404, "code": "InvalidAccessKeyId", "message": ECHO},
        errors.DbsAuthenticationError,
    ),
    ("gateway_error", {"http_status": 400, "code": "InvalidParameter", "message": ECHO}, errors.DbsParameterError),
    ("forbidden", {"message": ECHO}, errors.DbsForbiddenError),
    ("success_false", {"code": "Other", "message": ECHO}, errors.DbsApiError),
    ("html_error", {}, errors.DbsServerError),
    ("not_json", {"body": ECHO}, errors.DbsResponseError),
    ("not_json", {"body": ECHO, "http_status": 500}, errors.DbsServerError),
    ("empty_body", {}, errors.DbsResponseError),
    ("truncate", {}, errors.DbsConnectionError),
    ("reset", {}, errors.DbsConnectionError),
    ("redirect", {"location": "http://127.0.0.1:9/?BackupPlanId=x"}, errors.DbsResponseError),
    ("items_shape", {"shape": "list"}, errors.DbsResponseError),
    ("lost_rows", {}, errors.DbsListingError),
    ("stall", {"seconds": 0.5}, errors.DbsTimeoutError),
]


@pytest.mark.parametrize(("kind", "options", "expected"), FAULTS, ids=lambda value: str(value)[:30])
async def test_faults(
    dbs_emulator: Emulator,
    dbs: Callable[..., DbsClient],
    log_lines: Callable[[], str],
    kind: str,
    options: dict[str, Any],
    expected: type[errors.DbsError],
) -> None:
    dbs_emulator.add_plan("dbsplan")
    dbs_emulator.add_full_backup("dbsplan")
    if kind == "forbidden":
        kind, options = "gateway_error", {"http_status": 403, "code": "Request.Forbidden", **options}
    dbs_emulator.add_fault(kind, times=None, **options)
    error = await failure(dbs(read_timeout=0.2 if kind == "stall" else 10))
    assert type(error) is expected
    assert_nothing_got_out(error, log_lines())


async def test_signature_error_that_echoes_the_request(
    dbs_emulator: Emulator, dbs: Callable[..., DbsClient], log_lines: Callable[[], str]
) -> None:
    error = await failure(dbs(password=SECRET + "wrong"))
    assert type(error) is errors.DbsSignatureError
    assert "does not match our calculation" in str(error)
    assert_nothing_got_out(error, log_lines())


async def test_connection_refused(dbs: Callable[..., DbsClient], log_lines: Callable[[], str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = await failure(dbs(connection={"port": port}))
    assert type(error) is errors.DbsConnectionError
    assert error.retryable
    assert f"http://127.0.0.1:{port} cannot be reached: " in str(error)
    assert_nothing_got_out(error, log_lines())


async def test_name_that_is_not_known(dbs: Callable[..., DbsClient], log_lines: Callable[[], str]) -> None:
    error = await failure(dbs(connection={"host": "no-such-host.invalid", "port": None}, max_attempts=1))
    assert type(error) is errors.DbsConnectionError
    assert_nothing_got_out(error, log_lines())


@pytest.mark.parametrize(
    "proxy", ["http://user:pr0xy-pass@127.0.0.1:{port}", "socks5://user:pr0xy-pass@127.0.0.1:{port}"]
)
async def test_proxy_that_is_gone(
    dbs: Callable[..., DbsClient], log_lines: Callable[[], str], monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", proxy.format(port=unused.getsockname()[1]))
        transport._proxy.cache_clear()
        error = await failure(dbs())
    assert isinstance(error, errors.DbsConnectionError | errors.DbsSettingsError)
    assert "pr0xy-pass" not in all_of(error) + log_lines()
    assert_nothing_got_out(error, log_lines())


LEAKY = {"AccessKeyId": ID, "AccessKeySecret": SECRET, "SecurityToken": TOKEN, "Code": "NoSuccess"}


@pytest.mark.parametrize("http_status", [200, 403, 500])
async def test_credential_source_that_fails_with_keys_in_its_answer(
    dbs_emulator: Emulator,
    uri_client: Callable[..., DbsClient],
    log_lines: Callable[[], str],
    capfd: pytest.CaptureFixture[str],
    http_status: int,
) -> None:
    dbs_emulator.add_fault("raw", operation="credentials", times=None, http_status=http_status, body=LEAKY)
    error = await failure(uri_client(max_attempts=2))
    assert type(error) is errors.DbsCredentialsError
    assert error.code == "NoSuccess"
    printed = "".join(capfd.readouterr())
    assert_nothing_got_out(error, log_lines() + printed)


async def test_what_goes_well_is_not_logged_either(
    dbs_emulator: Emulator,
    uri_client: Callable[..., DbsClient],
    dbs: Callable[..., DbsClient],
    log_lines: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")  # makes the vendor's package write out its requests
    assert await dbs().list_full_backups("dbsplan") == []
    assert await uri_client().list_full_backups("dbsplan") == []
    log = log_lines()
    assert [word for word in (*FORBIDDEN, "emulator-sts-secret", "emulator-security-token") if word in log] == []
