# SPDX-License-Identifier: Apache-2.0
"""The emulated service without HTTP: a request in, an answer out, and a record of every call."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from airflow_provider_dbs.emulator.envelope import (
    Answer,
    BusinessError,
    GatewayError,
    encode,
    new_request_id,
    refused_by_gateway,
    refused_by_service,
    success,
)
from airflow_provider_dbs.emulator.fault_kinds import Caller
from airflow_provider_dbs.emulator.faults import CallFaults, Faults
from airflow_provider_dbs.emulator.operations import OPERATIONS, Context
from airflow_provider_dbs.emulator.settings import Settings
from airflow_provider_dbs.emulator.signature import AccessKey, Gatekeeper, SignedRequest, access_key_id_of
from airflow_provider_dbs.emulator.store import Store
from airflow_provider_dbs.emulator.times import Clock, utc_now

VERSION = "2019-03-06"
CREDENTIALS = "credentials"
"""The name under which faults and calls know the credential source."""


@dataclass
class Call:
    """One request as it arrived, the refused ones too."""

    operation: str
    parameters: dict[str, str]
    access_key_id: str | None
    time: datetime
    request_id: str
    headers: dict[str, str]
    status: int = 0
    """HTTP status answered; 0 for a connection that was reset."""
    code: str | None = None
    """Why it was refused."""
    faults: tuple[str, ...] = ()


class Service:
    """``now`` is the clock of the backups. Signatures and tokens are judged by the real time, as callers sign by it."""

    def __init__(self, settings: Settings, now: Clock) -> None:
        self.initial_settings = settings
        self.settings = replace(settings)
        self.now = now
        self.store = Store(lambda: self.settings, now)
        self.faults = Faults((*OPERATIONS, CREDENTIALS))
        self.gatekeeper = Gatekeeper(utc_now)
        self.calls: list[Call] = []
        self.credentials_issued = 0
        self._lock = threading.Lock()

    def clear(self) -> None:
        self.settings = replace(self.initial_settings)
        self.store.clear()
        self.faults.clear()
        self.gatekeeper.clear()
        self.calls = []
        self.credentials_issued = 0

    def handle(self, request: SignedRequest, url: str) -> Answer:
        """Answer one API call. The signature comes before any fault: a retry that is not signed anew is found out."""
        headers = request.headers
        parameters = dict(parse_qsl(request.query, keep_blank_values=True))
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            parameters.update(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        operation = headers.get("x-acs-action") or parameters.get("Action", "")
        call = Call(operation, parameters, access_key_id_of(headers), utc_now(), new_request_id(), dict(headers))
        self.calls.append(call)
        caller = Caller(call.request_id, headers.get("host", ""), url)
        try:
            answer = self._answer(request, call, caller)
        except GatewayError as refusal:
            call.code = refusal.code
            answer = refused_by_gateway(
                caller.request_id, caller.host, refusal.http_status, refusal.code, refusal.message
            )
        except BusinessError as refusal:
            call.code = refusal.code
            answer = refused_by_service(caller.request_id, refusal.http_status, refusal.code, refusal.message)
        call.status = 0 if answer.delivery and answer.delivery.reset else answer.status
        return answer

    def _answer(self, request: SignedRequest, call: Call, caller: Caller) -> Answer:
        self.gatekeeper.admit(request)
        if request.path != "/" or call.operation not in OPERATIONS:
            raise GatewayError(
                404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
            )
        if request.headers.get("x-acs-version") != VERSION:
            raise GatewayError(400, "InvalidVersion", f"Specified parameter Version is not valid; it is {VERSION}.")
        operation = OPERATIONS[call.operation]
        for name in operation.required:
            if not call.parameters.get(name):
                raise GatewayError(400, f"Missing{name}", f"{name} is mandatory for this action.")
        met = self.faults.meet(call.operation, call.parameters, caller)
        call.faults = tuple(met.names)
        if met.answer is not None:
            return met.answer
        context = Context(self.store, self.settings, self.now, met.quirks)
        payload = success(call.request_id, self.settings.error_cells)
        payload.update(operation.run(call.parameters, context))
        met.edit(payload)
        return Answer(200, encode(payload), {"x-acs-request-id": call.request_id}, delivery=met.delivery)

    def issue_credentials(self, lifetime: timedelta | None, url: str) -> Answer:
        """A new access key with a security token, in the format of the vendor's ``credentials_uri`` provider.

        Earlier ones stay valid until they expire.
        """
        with self._lock:
            self.credentials_issued += 1
            number = self.credentials_issued
        met: CallFaults = self.faults.meet(CREDENTIALS, {}, Caller(new_request_id(), "", url))
        if met.answer is not None:
            return met.answer
        key_id, token = f"STS.emulator{number:06d}", f"emulator-security-token-{number:06d}"
        expires = utc_now() + (self.settings.credential_lifetime if lifetime is None else lifetime)
        secret = f"emulator-sts-secret-{number:06d}"
        self.gatekeeper.add(key_id, AccessKey(secret, token, expires))
        body: dict[str, Any] = {
            "Code": "Success",
            "AccessKeyId": key_id,
            "AccessKeySecret": secret,
            "SecurityToken": token,
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return Answer(200, encode(body), delivery=met.delivery)


def describe_call(call: Call) -> Mapping[str, Any]:
    """A call as the control endpoint shows it, without headers: they hold the security token."""
    return {
        "operation": call.operation,
        "parameters": call.parameters,
        "access_key_id": call.access_key_id,
        "time": call.time.isoformat(),
        "request_id": call.request_id,
        "status": call.status,
        "code": call.code,
        "faults": list(call.faults),
    }
