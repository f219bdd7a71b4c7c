# SPDX-License-Identifier: Apache-2.0
"""Settings → a credential, from ``alibabacloud-credentials``: one source per credential settings and process.

The vendor caches per client object, and its async refresh deadlocks between two coroutines; so there is one client for
each connection, and it is read in a thread, by one caller at a time. Nothing bounds that reading as a whole (a source
may send a byte now and then for ever), so the caller does, and leaves a thread that is stuck behind.
"""

from __future__ import annotations

import asyncio
import copy
import re
import threading
import time
from concurrent.futures import Future
from typing import Any

import msgspec

from airflow_provider_dbs.client import vendor
from airflow_provider_dbs.client.errors import DbsCredentialsError
from airflow_provider_dbs.client.settings import CredentialSettings, masked
from airflow_provider_dbs.client.single_flight import SingleFlight

# A key is read from the vendor's client at most this often; the client renews it 15 minutes before it expires.
_HOLD_SECONDS = 60.0


class Credential(msgspec.Struct, frozen=True):
    """A key to sign with; ``security_token`` goes with a temporary one."""

    kind: str
    access_key_id: str
    access_key_secret: str
    security_token: str | None = None

    def __repr__(self) -> str:
        return f"Credential(kind={self.kind!r}, access_key_id={masked(self.access_key_id)!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("kind", self.kind), ("access_key_id", masked(self.access_key_id))]


class CredentialSource:
    """The current credential of one connection, shared by all its clients in this process. Get it from ``source``."""

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings
        self._reading = threading.Lock()
        self._flights: SingleFlight[Credential] = SingleFlight()
        self._client: Any = None
        self._held: Credential | None = None
        self._held_until = 0.0
        self._drops = 0

    async def get(self, timeout: float) -> Credential:
        """The current credential. Raises DbsCredentialsError when its source gives none within ``timeout`` seconds."""
        held = self._held
        if held is not None and time.monotonic() < self._held_until:
            return held
        try:
            # Whoever comes after a drop does not join a reading that began before it.
            return await asyncio.wait_for(self._flights.do(self._drops, self._get), timeout)
        except asyncio.TimeoutError:
            shared = _no_key(self._settings, "did not answer in time", retryable=True)
        except DbsCredentialsError as error:
            shared = error
        # Each caller gets an error of its own to note its operation on.
        raise copy.copy(shared)

    def drop(self, refused: Credential) -> None:
        """Forget the credential that the service refused, and ask its source anew next time: keys rotate."""
        if self._held == refused:
            self._held = self._client = None
            self._drops += 1

    async def _get(self) -> Credential:
        module = await vendor.load("alibabacloud_credentials.client")
        drops, problem = self._drops, None
        try:
            held = await self._read_in_thread(module)
        except asyncio.CancelledError:
            # Nobody waits for this reading any more, so the next one must not wait for its thread.
            self._reading, self._client = threading.Lock(), None
            raise
        except Exception as error:  # whatever the vendor and its transports raise; its text may hold the answer of STS
            problem = _explain(self._settings, error)
        if problem is not None:
            raise problem
        if drops == self._drops:
            self._held, self._held_until = held, time.monotonic() + _HOLD_SECONDS
        return held

    async def _read_in_thread(self, module: Any) -> Credential:
        """In a daemon of its own: neither the end of a loop nor that of the process waits for one that is stuck."""
        reading: Future[Credential] = Future()
        reading.set_running_or_notify_cancel()

        def read() -> None:
            try:
                reading.set_result(self._read(module))
            except Exception as error:
                reading.set_exception(error)

        threading.Thread(target=read, name="dbs-credential", daemon=True).start()
        return await asyncio.wrap_future(reading)

    def _read(self, module: Any) -> Credential:
        with self._reading, vendor.silence():
            if self._client is None:
                self._client = module.Client(_config(self._settings))
            read = self._client.get_credential()
        return Credential(self._settings.kind, read.access_key_id, read.access_key_secret, read.security_token or None)


def _config(settings: CredentialSettings) -> Any:
    """The vendor's Config; None makes it walk its default chain."""
    if settings.kind == "default":
        return None
    from alibabacloud_credentials.models import Config

    facts = {name: value for name, value in msgspec.structs.asdict(settings).items() if value is not None}
    return Config(type=facts.pop("kind"), **facts)


def _explain(settings: CredentialSettings, error: Exception) -> DbsCredentialsError:
    """An error that says what failed without repeating the vendor's text, which may hold an answer with keys in it."""
    text = str(error)
    status = re.search(r"(?i)http_?code\s*[:=]\s*(\d{3})", text)
    http_status = int(status[1]) if status else None
    code = re.search(r'"Code"\s*:\s*"([\w.]{1,80})"', text)
    why = f"answered HTTP {http_status}" if http_status else f"failed ({type(error).__name__})"
    # A refusal stays one until somebody changes something; so does an empty chain or a missing token file.
    is_remote = settings.kind not in ("default", "access_key", "sts")
    is_local_fault = isinstance(error, (FileNotFoundError, PermissionError, ValueError))
    is_lasting = is_local_fault or not (http_status is None or http_status == 429 or http_status >= 500)
    return _no_key(
        settings, why, code=code[1] if code else None, http_status=http_status, retryable=is_remote and not is_lasting
    )


def _no_key(settings: CredentialSettings, why: str, **facts: Any) -> DbsCredentialsError:
    check = _CHECK.get(settings.kind, "the login and password of the connection")
    return DbsCredentialsError(
        f"the source of credential_type {settings.kind} {why} and gave no key: check {check}", **facts
    )


_CHECK = {
    "default": "the environment, profile files or role of this machine, or fill in the connection's login",
    "ecs_ram_role": "that this machine is an ECS instance with a RAM role, and role_name",
    "ram_role_arn": "role_arn, its trust policy, and that the STS endpoint can be reached",
    "oidc_role_arn": "role_arn, oidc_provider_arn, oidc_token_file_path, and that the STS endpoint can be reached",
    "credentials_uri": "that credentials_uri can be reached and answers with a temporary key",
}

_sources: dict[CredentialSettings, CredentialSource] = {}
_registering = threading.Lock()


def source(settings: CredentialSettings) -> CredentialSource:
    """The one source for these settings in this process."""
    with _registering:
        return _sources.setdefault(settings, CredentialSource(settings))
