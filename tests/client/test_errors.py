# SPDX-License-Identifier: Apache-2.0
"""The error tree, how errors read, and which refusal is which."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from airflow_provider_dbs.client import errors
from airflow_provider_dbs.client.errors import naming
from airflow_provider_dbs.client.refusals import refusal

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.DbsError)]
RETRYABLE = {
    "DbsCredentialsError",
    "DbsConnectionError",
    "DbsTimeoutError",
    "DbsListingError",
    "DbsThrottledError",
    "DbsServerError",
}


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = [
        line
        for line in (errors.__doc__ or "").splitlines()
        if "Dbs" in line and ("──" in line or "    DbsError" in line)
    ]
    assert {word for line in drawn for word in line.split() if word.startswith("Dbs")} == {
        kind.__name__ for kind in TREE
    }


@pytest.mark.parametrize("kind", TREE)
def test_retryable_by_class_and_by_instance(kind: type[errors.DbsError]) -> None:
    assert kind("m").retryable == (kind.__name__ in RETRYABLE)
    assert kind("m", retryable=True).retryable is True
    assert kind("m", retryable=False).retryable is False


@pytest.mark.parametrize("kind", TREE)
def test_pickles_and_copies_keep_everything(kind: type[errors.DbsError]) -> None:
    error = kind("m", code="C", http_status=400, request_id="R", operation="Op", retryable=True)
    error.message += ", in the last of 2 attempts"
    if isinstance(error, errors.DbsThrottledError):
        error.retry_after = 2.5
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is kind
        assert twin.__dict__ == error.__dict__
        assert str(twin) == str(error)


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, "m"),
        ({"code": "C"}, "C: m"),
        ({"operation": "Op"}, "Op: m"),
        ({"http_status": 400}, "m (HTTP 400)"),
        ({"request_id": "R"}, "m (request id R)"),
        ({"code": "C", "http_status": 403, "request_id": "R", "operation": "Op"}, "Op: C: m (HTTP 403, request id R)"),
    ],
)
def test_text_shows_what_is_known(facts: dict[str, object], text: str) -> None:
    assert str(errors.DbsApiError("m", **facts)) == text  # type: ignore[arg-type]


def test_naming_fills_in_what_is_missing_only() -> None:
    with pytest.raises(errors.DbsError) as caught, naming("Op", "R"):
        raise errors.DbsError("m")
    assert (caught.value.operation, caught.value.request_id) == ("Op", "R")
    with pytest.raises(errors.DbsError) as caught, naming("Op", 17):
        raise errors.DbsError("m", operation="Inner")
    assert (caught.value.operation, caught.value.request_id) == ("Inner", "17")
    with pytest.raises(errors.DbsError) as caught, naming("Op"):
        raise errors.DbsError("m")
    assert caught.value.request_id is None
    with pytest.raises(KeyError), naming("Op"):
        raise KeyError("x")


@pytest.mark.parametrize(
    ("code", "http_status", "kind"),
    [
        ("Throttling", 400, errors.DbsThrottledError),
        ("Throttling.User", 400, errors.DbsThrottledError),
        ("Throttling.Api", 400, errors.DbsThrottledError),
        ("Rejected.Throttling", 400, errors.DbsThrottledError),
        ("UserThrottling.Api", 503, errors.DbsThrottledError),
        ("TooManyRequests", 429, errors.DbsThrottledError),
        ("FlowControlError", 400, errors.DbsThrottledError),
        ("ServiceUnavailable", 503, errors.DbsServerError),
        ("ServiceUnavailableTemporary", 400, errors.DbsServerError),
        ("InternalError", 500, errors.DbsServerError),
        ("undefined", 200, errors.DbsServerError),
        ("Param.NotFound", 500, errors.DbsServerError),
        (None, 502, errors.DbsServerError),
        ("InvalidAccessKeyId.NotFound", 404, errors.DbsAuthenticationError),
        ("InvalidSecurityToken.Expired", 400, errors.DbsAuthenticationError),
        ("MissingSecurityToken", 400, errors.DbsAuthenticationError),
        ("SecurityTokenExpired", 403, errors.DbsAuthenticationError),
        (None, 401, errors.DbsAuthenticationError),
        ("SignatureDoesNotMatch", 400, errors.DbsSignatureError),
        ("InvalidTimeStamp.Expired", 400, errors.DbsSignatureError),
        ("Request.Forbidden", 403, errors.DbsForbiddenError),
        ("Forbidden.RAM", 403, errors.DbsForbiddenError),
        ("NoPermission", 200, errors.DbsForbiddenError),
        (None, 403, errors.DbsForbiddenError),
        ("InvalidParameter", 400, errors.DbsParameterError),
        ("InvalidParameterValid", 200, errors.DbsParameterError),
        ("InvalidJobId", 200, errors.DbsParameterError),
        ("Param.NotFound", 400, errors.DbsParameterError),
        ("MissingBackupPlanId", 400, errors.DbsParameterError),
        ("InvalidAction.NotFound", 404, errors.DbsParameterError),
        ("Unheard.Of", 400, errors.DbsApiError),
        (None, 200, errors.DbsApiError),
    ],
)
def test_code_then_status_decide(code: str | None, http_status: int, kind: type[errors.DbsApiError]) -> None:
    error = refusal(http_status=http_status, code=code, message="m", request_id="R")
    assert type(error) is kind
    assert (error.code, error.http_status, error.request_id) == (code, http_status, "R")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("  Have no\n Permissions ", "Have no Permissions"),
        ("", "the service refused the call and did not say why"),
        ("No. server StringToSign is [ACS3\nabc]", "No."),
        ("No, canonical request: POST / x-acs-security-token:t", "No"),
        ("No: Authorization ACS3-HMAC-SHA256 Credential=a,Signature=b", "No: Authorization"),
        ("the key s3cret and the token t0k are wrong", "the key *** and the token *** are wrong"),
        ("x" * 600, "x" * 400),
    ],
)
def test_message_is_cleaned(message: str, shown: str) -> None:
    assert refusal(http_status=400, code="C", message=message, secrets=("s3cret", "t0k", None)).message == shown
