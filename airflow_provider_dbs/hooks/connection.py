# SPDX-License-Identifier: Apache-2.0
"""An Airflow connection, read and checked: the settings of a client.

Secrets go to Airflow's masker here, as they are and as they look in a URL, before anything can print them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from airflow.providers.common.compat.connection import get_async_connection
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, Connection
from airflow.sdk.log import mask_secret

from airflow_provider_dbs.client.errors import DbsSettingsError
from airflow_provider_dbs.client.settings import Settings, settings_from_connection
from airflow_provider_dbs.connection_fields import CONNECTION_TYPE

if TYPE_CHECKING:
    from pydantic import JsonValue

# The official Alibaba provider's type is accepted too, so that teams can reuse theirs. A connection whose JSON names no
# type is what its id says; that of another system is a wrong id, and its password is none of DBS' business.
_TYPES = (CONNECTION_TYPE, "alibaba_cloud")


def read_settings(dbs_conn_id: str, region_id: str | None = None) -> Settings:
    """The settings that the connection holds, ``region_id`` winning over its own. Blocks: for tasks.

    Raises DbsSettingsError that names the connection and what is wrong with it.
    """
    try:
        connection = BaseHook.get_connection(dbs_conn_id)
    except AirflowNotFoundException:
        raise _not_defined(dbs_conn_id) from None
    settings = _settings(connection, dbs_conn_id, region_id)
    mask_secret(_secrets(settings))
    return settings


async def aread_settings(dbs_conn_id: str, region_id: str | None = None) -> Settings:
    """The same for an event loop: no call blocks it. Each call asks Airflow, so do not call it for every poll."""
    try:
        connection = await get_async_connection(dbs_conn_id)
    except AirflowNotFoundException:
        raise _not_defined(dbs_conn_id) from None
    settings = _settings(connection, dbs_conn_id, region_id)
    await _amask(_secrets(settings))
    return settings


def _not_defined(dbs_conn_id: str) -> DbsSettingsError:
    return DbsSettingsError(
        f"connection {dbs_conn_id!r} is not defined, or Airflow cannot read it: create it with the type "
        f"{CONNECTION_TYPE} in Airflow's UI, in a secrets backend or in the variable AIRFLOW_CONN_{dbs_conn_id.upper()}"
    )


def _settings(connection: Connection, dbs_conn_id: str, region_id: str | None) -> Settings:
    try:
        if connection.conn_type and connection.conn_type not in _TYPES:
            raise DbsSettingsError(f"its type is {connection.conn_type!r}, but must be {' or '.join(_TYPES)}")
        return settings_from_connection(
            conn_type=connection.conn_type,
            login=connection.login,
            password=connection.password,
            host=connection.host,
            port=connection.port,
            extra=_extra(connection.extra),
            region_id=region_id,
        )
    except DbsSettingsError as error:
        raise DbsSettingsError(f"connection {dbs_conn_id!r}: {error.message}") from None


def _extra(text: str | None) -> Mapping[str, Any]:
    """Not Airflow's ``extra_dejson``: it reads text that is no JSON as an empty extra, and masks over IPC each time."""
    try:
        extra = json.loads(text or "{}")
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise DbsSettingsError('its extra must be a JSON object such as {"region_id": "cn-hangzhou"}')
    return extra


def _secrets(settings: Settings) -> JsonValue:
    held = (settings.credential.access_key_secret, settings.credential.security_token)
    return [
        form
        for secret in held
        if secret
        for form in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    ]


async def _amask(secrets: JsonValue) -> None:
    try:
        from airflow.sdk.log import amask_secret
    except ImportError:  # before Airflow 3.3.2
        # On the loop it masks in this process and leaves the supervisor out; from a thread its message would mix into
        # the triggerer's others and break them all.
        mask_secret(secrets)
    else:
        await amask_secret(secrets)
