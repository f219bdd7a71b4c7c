# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong between a question to DBS and its answer.

::

    DbsError
    ├── DbsSettingsError          a setting is missing, misspelt or out of range (also a ValueError)
    ├── DbsCredentialsError       the source of the credential (STS, metadata service, URI, file) gave none
    ├── DbsConnectionError        no answer: refused, reset, DNS, TLS, proxy
    │   └── DbsTimeoutError       no answer in time
    ├── DbsResponseError          an answer that cannot be read: no JSON, cut off, a shape or a cell out of order
    ├── DbsListingError           a list that could not be read completely: it keeps moving, or rows are missing
    └── DbsApiError               the service said no
        ├── DbsThrottledError     too many calls; ``retry_after`` seconds when the service says so
        ├── DbsServerError        HTTP 5xx
        ├── DbsAuthenticationError  the access key or token is invalid, expired or disabled
        ├── DbsSignatureError     the access key secret is wrong, or the clock is off by more than 15 minutes
        ├── DbsForbiddenError     HTTP 403: the RAM policy does not allow the call
        └── DbsParameterError     the service does not accept a parameter, or knows no such object

Every error carries ``code``, ``http_status``, ``request_id``, ``operation`` and ``retryable``. None of them, nor its
cause, nor its pickle, holds an access key secret, a security token, an Authorization header or a URL with parameters:
errors of the libraries below are read, never chained.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar


class DbsError(Exception):
    """Base of all. ``retryable``: whether the same question may be answered later without anybody changing anything."""

    retryable_by_default = False
    way_out: ClassVar[str] = ""  # what a person can do about it; may name the {operation}

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        operation: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.http_status = http_status
        self.request_id = request_id
        self.operation = operation
        self.retryable = self.retryable_by_default if retryable is None else retryable

    def __str__(self) -> str:
        head = f"{self.operation}: " if self.operation else ""
        code = f"{self.code}: " if self.code else ""
        facts = [f"HTTP {self.http_status}" if self.http_status else "", f"request id {self.request_id}"]
        tail = ", ".join(fact for fact in facts[: 2 if self.request_id else 1] if fact)
        way_out = f"; {self.way_out.format(operation=self.operation)}" if self.way_out and self.operation else ""
        return f"{head}{code}{self.message}" + (f" ({tail})" if tail else "") + way_out

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, {k: v for k, v in self.__dict__.items() if k != "message"})


def _rebuild(kind: type[DbsError], message: str, facts: dict[str, Any]) -> DbsError:
    error = kind(message)
    error.__dict__.update(facts)
    return error


@contextmanager
def naming(operation: str, request_id: object = None) -> Iterator[None]:
    """Errors that pass through here say which operation and request they belong to, unless they know already."""
    try:
        yield
    except DbsError as error:
        error.operation = error.operation or operation
        error.request_id = error.request_id or (str(request_id) if request_id else None)
        raise


class DbsSettingsError(DbsError, ValueError):
    """A setting is missing, misspelt or out of range; the message names it, its value and the way out."""


class DbsCredentialsError(DbsError):
    """No credential could be had from its source. Retryable: metadata services and STS have bad moments."""

    retryable_by_default = True


class DbsConnectionError(DbsError):
    """The endpoint gave no answer."""

    retryable_by_default = True


class DbsTimeoutError(DbsConnectionError):
    """The endpoint gave no answer within the connect, read or total timeout."""


class DbsResponseError(DbsError):
    """An answer came but cannot be read."""


class DbsListingError(DbsError):
    """A complete list could not be had. Retryable: lists settle."""

    retryable_by_default = True


class DbsApiError(DbsError):
    """The service answered with an error. ``code`` is its word for it, kept as it came."""


class DbsThrottledError(DbsApiError):
    """Too many calls for the account. ``retry_after``: seconds, None when the service does not say."""

    retryable_by_default = True
    retry_after: float | None = None  # set on the instance by rpc, which reads the header


class DbsServerError(DbsApiError):
    """The service has a fault of its own (HTTP 5xx, InternalError, ServiceUnavailable)."""

    retryable_by_default = True


class DbsAuthenticationError(DbsApiError):
    """Who we are is not accepted."""

    way_out = "check the connection's login (AccessKey ID) and security_token, and that the key is enabled"


class DbsSignatureError(DbsApiError):
    """The signature is not accepted: the access key secret is wrong, or this machine's clock is."""

    way_out = "check the connection's password (AccessKey secret) and the clock of this machine"


class DbsForbiddenError(DbsApiError):
    """We are known, and not allowed. RAM actions that the provider needs are listed in the README."""

    way_out = "let the RAM policy of the connection's user or role allow dbs:{operation}"


class DbsParameterError(DbsApiError):
    """The question itself is not accepted: an invalid value, or an object that the service does not know."""

    way_out = "check backup_plan_id, region_id and the account"
