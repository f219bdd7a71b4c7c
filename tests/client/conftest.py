# SPDX-License-Identifier: Apache-2.0
"""Clients of the emulator over HTTP: quick in their retries, without a call rate unless a test asks for one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import hypothesis
import msgspec
import pytest

from airflow_provider_dbs.client import transport
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import Settings, settings_from_connection
from airflow_provider_dbs.emulator import Emulator

# A busy machine must not fail a property.
hypothesis.settings.register_profile("unhurried", deadline=None, database=None)
hypothesis.settings.load_profile("unhurried")

_SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the machine says of proxies is not what a test is about."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    transport._proxy.cache_clear()
    yield
    transport._proxy.cache_clear()


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    """The bytes of a published sample response."""
    return lambda name: (_SAMPLES / f"{name}.json").read_bytes()


@pytest.fixture
def plan(dbs_emulator: Emulator) -> str:
    """A plan without backups. Its id is new, since what is known of a plan's time filter outlives a test."""
    plan_id = f"dbs{uuid.uuid4().hex[:12]}"
    dbs_emulator.add_plan(plan_id)
    return plan_id


@pytest.fixture
def settings(dbs_emulator: Emulator) -> Callable[..., Settings]:
    """``settings(max_attempts=2)``: to the emulator, with extra fields of the connection, or others of its fields."""

    def make(emulator: Emulator = dbs_emulator, *, connection: dict[str, Any] | None = None, **extra: Any) -> Settings:
        fields = emulator.airflow_connection(**{"max_calls_per_second": 0, **extra})
        made = settings_from_connection(**{**fields, **(connection or {})})
        return msgspec.structs.replace(made, retry_base=0.002, retry_cap=0.004)

    return make


@pytest.fixture
async def client(settings: Callable[..., Settings]) -> AsyncIterator[Callable[..., DbsClient]]:
    """``client(max_attempts=2)``, as ``settings``; closed at the end."""
    yield lambda *args, **options: DbsClient(settings(*args, **options))
    await transport.close()


@pytest.fixture
def uri_client(dbs_emulator: Emulator, client: Callable[..., DbsClient]) -> Callable[..., DbsClient]:
    """A client whose keys come from the emulator's credential source; ``lifetime`` is that of the keys."""

    def make(lifetime: str = "1h", **extra: Any) -> DbsClient:
        # An address of its own, for sources are shared in the process.
        uri = f"{dbs_emulator.credentials_uri}?lifetime={lifetime}&test={uuid.uuid4().hex}"
        return client(
            connection={"login": None, "password": None},
            credential_type="credentials_uri",
            credentials_uri=uri,
            **extra,
        )

    return make


@pytest.fixture
def utc() -> Callable[..., datetime]:
    return lambda *parts: datetime(*parts, tzinfo=timezone.utc)
