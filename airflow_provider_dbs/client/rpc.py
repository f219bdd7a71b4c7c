# SPDX-License-Identifier: Apache-2.0
"""One call to DBS: signed by the vendor's algorithm, held to the call rate, retried until the deadline.

Source: the ACS3-HMAC-SHA256 signature of ``alibabacloud-tea-openapi``; RPC style, parameters in the query of a POST
without body, API version 2019-03-06.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from urllib.parse import quote

from airflow_provider_dbs import __version__
from airflow_provider_dbs.client import credentials, transport, vendor
from airflow_provider_dbs.client.call_rate import call_rate
from airflow_provider_dbs.client.credentials import Credential
from airflow_provider_dbs.client.decoding import NOT_DBS, Envelope, as_number, decode_envelope
from airflow_provider_dbs.client.errors import (
    DbsAuthenticationError,
    DbsError,
    DbsResponseError,
    DbsServerError,
    DbsThrottledError,
)
from airflow_provider_dbs.client.refusals import refusal
from airflow_provider_dbs.client.settings import Settings

log = logging.getLogger(__name__)

API_VERSION = "2019-03-06"
_ALGORITHM = "ACS3-HMAC-SHA256"
_MIN_ATTEMPT_SECONDS = 0.05

Parameters = Mapping[str, str | int | bool | None]


class Rpc:
    """Calls DBS as ``settings`` say. Cheap to make; what is worth keeping is kept per process and loop.

    ``attempts_made``: requests sent so far, retries included.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.attempts_made = 0
        self.credentials = credentials.source(settings.credential)

    async def call(self, operation: str, parameters: Parameters) -> Envelope:
        """The answer to one operation; parameters that are None are not sent.

        Raises DbsError. A retryable failure is tried again, each time signed anew, with exponential backoff and full
        jitter, ``max_attempts`` times within ``total_timeout``; the wait for the call rate is not counted. A refused
        credential is read from its source once more.
        """
        deadline = time.monotonic() + self.settings.total_timeout
        attempt, rotated = 1, False
        while True:
            failure: DbsError
            try:
                credential = await self.credentials.get(_left(deadline))
                deadline += await self._wait_for_turn(credential)
                return await self._attempt(operation, parameters, credential, deadline)
            except DbsError as error:
                failure = error
            failure.operation = operation
            if isinstance(failure, DbsAuthenticationError) and not rotated:
                rotated = True
                self.credentials.drop(credential)
                continue
            pause = self._backoff(attempt, failure)
            out_of_time = time.monotonic() + pause + _MIN_ATTEMPT_SECONDS >= deadline
            if not failure.retryable or attempt >= self.settings.max_attempts or out_of_time:
                if attempt > 1:
                    failure.message = f"{failure.message.rstrip('.')}, in the last of {attempt} attempts"
                raise failure
            log.info("%s, attempt %d: next in %.1f s", failure, attempt, pause)
            await asyncio.sleep(pause)
            attempt += 1

    async def _wait_for_turn(self, credential: Credential) -> float:
        rate = call_rate(self.settings.host, credential.access_key_id)
        pause = rate.reserve(self.settings.max_calls_per_second)
        if pause:
            await asyncio.sleep(pause)
        return pause

    def _backoff(self, attempt: int, failure: DbsError) -> float:
        full = min(self.settings.retry_cap, self.settings.retry_base * 2 ** (attempt - 1))
        asked = failure.retry_after if isinstance(failure, DbsThrottledError) else None
        return random.uniform(0, full) + (asked or 0.0)

    async def _attempt(
        self, operation: str, parameters: Parameters, credential: Credential, deadline: float
    ) -> Envelope:
        query, headers = await _signed(self.settings.host, operation, parameters, credential)
        self.attempts_made += 1
        response = await transport.post(self.settings, query, headers, _left(deadline))
        return _read(response, credential)


def _left(deadline: float) -> float:
    """Seconds, always some: to aiohttp a timeout of zero or less is none at all."""
    return max(_MIN_ATTEMPT_SECONDS, deadline - time.monotonic())


async def _signed(
    host: str, operation: str, parameters: Parameters, credential: Credential
) -> tuple[str, dict[str, str]]:
    """The query string and the headers of a signed request. Only ``host`` and ``x-acs-*`` headers are signed."""
    utils = (await vendor.load("alibabacloud_tea_openapi.utils")).Utils
    request = (await vendor.load("darabonba.request")).DaraRequest()
    request.method = "POST"
    request.query = {name: _text(value) for name, value in parameters.items() if value is not None}
    payload = utils.hex_encode(utils.hash(b"", _ALGORITHM))
    request.headers = {
        "host": host,
        "x-acs-action": operation,
        "x-acs-version": API_VERSION,
        "x-acs-date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": utils.get_nonce(),
        "x-acs-content-sha256": payload,
    }
    if credential.security_token:
        request.headers["x-acs-security-token"] = credential.security_token
    authorization = utils.get_authorization(
        request, _ALGORITHM, payload, credential.access_key_id, credential.access_key_secret
    )
    headers = {
        **request.headers,
        "authorization": authorization,
        "accept": "application/json",
        "user-agent": f"airflow-provider-dbs/{__version__}",
    }
    return "&".join(f"{k}={quote(v, safe='~')}" for k, v in sorted(request.query.items())), headers


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(response: transport.Response, credential: Credential) -> Envelope:
    """The envelope of a success; everything else is raised."""
    status = response.status
    if 300 <= status < 400:
        raise DbsResponseError(
            "the endpoint answered with a redirect, which is refused because it would carry the credential elsewhere: "
            "check host and protocol of the connection",
            http_status=status,
        )
    try:
        envelope = decode_envelope(response.body)
    except DbsResponseError as error:
        failure: DbsError = error
        if status >= 500:
            failure = DbsServerError("the endpoint failed and gave no readable reason")
        elif status == 429:
            failure = DbsThrottledError("the endpoint refuses so many calls")
        elif status >= 400 and not response.body.strip():
            failure = DbsResponseError(f"the endpoint refused and gave no reason: {NOT_DBS}")
        failure.http_status = status
        failure.request_id = response.headers.get("x-acs-request-id")
    else:
        if envelope.success and status < 300:
            return envelope
        failure = _refused(envelope, status, credential)
    if isinstance(failure, DbsThrottledError):
        failure.retry_after = _retry_after(response.headers.get("x-acs-retry-after"))
    raise failure


def _refused(envelope: Envelope, status: int, credential: Credential) -> DbsError:
    # The gateway's words first: they are there only when the gateway refused.
    code, message = envelope.code or envelope.err_code, envelope.message or envelope.err_message
    request_id = str(envelope.request_id) if envelope.request_id else None
    if status < 300 and envelope.success is None and not code:
        return DbsResponseError("the answer does not say whether it is a success", request_id=request_id)
    secrets = (credential.access_key_secret, credential.security_token)
    return refusal(
        # A failure may travel under HTTP 200, with the status that was meant in the body.
        http_status=max(status, as_number(envelope.http_status_code) or 0),
        code=str(code) if code else None,
        message=str(message or ""),
        secrets=(*secrets, *(quote(secret, safe="~") for secret in secrets if secret)),
        request_id=request_id,
    )


def _retry_after(header: str | None) -> float | None:
    """Seconds. The header's unit is not documented and the vendor's SDK sleeps it as milliseconds: a number of 1,000 or
    more is taken for milliseconds, a smaller one for seconds, for a pause too long costs less than a call refused.
    """
    try:
        value = float(header or "")
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return value / 1000 if value >= 1000 else max(0.0, value)
