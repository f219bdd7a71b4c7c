# SPDX-License-Identifier: Apache-2.0
"""Checks ACS3-HMAC-SHA256 signatures as the gateway does, by code of its own.

The rules: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
A refusal for a wrong signature echoes the canonical request, as the real gateway does. That text holds the security
token, so a caller must not print it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, quote

from airflow_provider_dbs.emulator.envelope import GatewayError
from airflow_provider_dbs.emulator.times import Clock

ALGORITHM = "ACS3-HMAC-SHA256"
TOLERANCE = timedelta(minutes=15)

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[^,]+), ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-fA-F]{64})"
)


@dataclass(frozen=True)
class AccessKey:
    secret: str
    security_token: str | None = None
    expires: datetime | None = None


@dataclass(frozen=True)
class SignedRequest:
    """The parts of a request that the signature covers; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def access_key_id_of(headers: Mapping[str, str]) -> str | None:
    """The access key id a caller claims, whether or not the signature holds."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    return match["key"] if match else None


class Gatekeeper:
    """Knows the access keys, the clock and the nonces already seen."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._keys: dict[str, AccessKey] = {}
        self._nonces: set[str] = set()
        self._nonces_by_age: deque[tuple[datetime, str]] = deque()

    def add(self, access_key_id: str, key: AccessKey) -> None:
        self._keys[access_key_id] = key

    def remove(self, access_key_id: str) -> None:
        self._keys.pop(access_key_id, None)

    def clear(self) -> None:
        self._keys.clear()
        self._nonces.clear()
        self._nonces_by_age.clear()

    def admit(self, request: SignedRequest) -> None:
        """Return for a request that is signed, fresh and not seen before; raise GatewayError otherwise."""
        headers = request.headers
        if not headers.get("authorization"):
            raise GatewayError(400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.")
        claim = _AUTHORIZATION.fullmatch(headers["authorization"])
        if claim is None:
            raise GatewayError(
                400,
                "IncompleteSignature",
                f"The request signature does not conform to Aliyun standards; {ALGORITHM} is expected.",
            )
        self._check_date(headers.get("x-acs-date"))
        key = self._keys.get(claim["key"])
        if key is None:
            raise GatewayError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        self._check_token(key, headers.get("x-acs-security-token"))
        _check_signature(request, claim["headers"].split(";"), claim["signature"].lower(), key.secret)
        self._check_nonce(headers.get("x-acs-signature-nonce"))

    def _check_date(self, date: str | None) -> None:
        if not date:
            raise GatewayError(400, "MissingTimestamp", "Timestamp is mandatory for this action.")
        try:
            moment = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        except ValueError:
            raise GatewayError(
                400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
            ) from None
        if abs(self._now() - moment) > TOLERANCE:
            raise GatewayError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

    def _check_token(self, key: AccessKey, token: str | None) -> None:
        if key.security_token is None:
            if token:
                raise GatewayError(
                    400,
                    "InvalidSecurityToken.MismatchWithAccessKey",
                    "Specified SecurityToken mismatch with the AccessKey.",
                )
            return
        if not token:
            raise GatewayError(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
        if token != key.security_token:
            if any(token == other.security_token for other in list(self._keys.values())):
                raise GatewayError(
                    400,
                    "InvalidSecurityToken.MismatchWithAccessKey",
                    "Specified SecurityToken mismatch with the AccessKey.",
                )
            raise GatewayError(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
        if key.expires is not None and key.expires <= self._now():
            raise GatewayError(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")

    def _check_nonce(self, nonce: str | None) -> None:
        if not nonce:
            raise GatewayError(400, "MissingSignatureNonce", "SignatureNonce is mandatory for this action.")
        now = self._now()
        while self._nonces_by_age and now - self._nonces_by_age[0][0] > 2 * TOLERANCE:
            self._nonces.discard(self._nonces_by_age.popleft()[1])
        if nonce in self._nonces:
            raise GatewayError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(nonce)
        self._nonces_by_age.append((now, nonce))


def _check_signature(request: SignedRequest, signed_headers: list[str], signature: str, secret: str) -> None:
    payload_hash = hashlib.sha256(request.body).hexdigest()
    must_be_signed = {name for name in request.headers if name.startswith("x-acs-") or name == "host"}
    if (
        request.body
    ):  # aiohttp adds a content type of its own to an empty body; the vendor's async SDK leaves it unsigned
        must_be_signed.add("content-type")
    unsigned = must_be_signed - set(signed_headers)
    canonical = canonical_request(request, sorted(signed_headers), payload_hash)
    string_to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()
    if (
        hmac.compare_digest(signature, expected)
        and not unsigned
        and request.headers.get("x-acs-content-sha256") == payload_hash
    ):
        return
    detail = f" Unsigned headers: {', '.join(sorted(unsigned))}." if unsigned else ""
    raise GatewayError(
        400,
        "SignatureDoesNotMatch",
        "Specified signature does not match our calculation. "
        f"server StringToSign is [{string_to_sign}], server CanonicalRequest is [{canonical}].{detail}",
    )


def canonical_request(request: SignedRequest, signed_headers: list[str], payload_hash: str) -> str:
    pairs = sorted(parse_qsl(request.query, keep_blank_values=True))
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed_headers)
    return "\n".join((request.method, request.path or "/", query, headers, ";".join(signed_headers), payload_hash))
