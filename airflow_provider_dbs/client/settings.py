# SPDX-License-Identifier: Apache-2.0
"""All that a client needs to know, validated, in one frozen record that never prints a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

import msgspec

from airflow_provider_dbs.client.endpoints import endpoint_for
from airflow_provider_dbs.client.errors import DbsSettingsError
from airflow_provider_dbs.connection_fields import CONNECTION_FIELDS

# What each kind of credential needs, and what it may use besides (names as in alibabacloud_credentials.models.Config).
_NEEDS: dict[str, tuple[str, ...]] = {
    "access_key": ("access_key_id", "access_key_secret"),
    "sts": ("access_key_id", "access_key_secret", "security_token"),
    "ram_role_arn": ("access_key_id", "access_key_secret", "role_arn"),
    "ecs_ram_role": (),
    "oidc_role_arn": ("role_arn", "oidc_provider_arn", "oidc_token_file_path"),
    "credentials_uri": ("credentials_uri",),
    "default": (),
}
_ROLE_SESSION = ("role_session_name", "role_session_expiration", "sts_endpoint")
_MAY_USE: dict[str, tuple[str, ...]] = {
    "ram_role_arn": ("security_token", "external_id", *_ROLE_SESSION),
    "ecs_ram_role": ("role_name",),
    "oidc_role_arn": _ROLE_SESSION,
}
_CREDENTIAL_EXTRAS = {name for names in (*_NEEDS.values(), *_MAY_USE.values()) for name in names} - {
    "access_key_id",
    "access_key_secret",
}
_SHOWN_AS = {"access_key_id": "login (AccessKey ID)", "access_key_secret": "password (AccessKey secret)"}

# The official provider keeps these in the extra of its own connection type, beside fields that mean nothing to DBS.
_OFFICIAL_TYPE = "alibaba_cloud"
_HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)$")
_IPV6 = re.compile(r"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$")  # a connection URI loses the brackets


class CredentialSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the credential comes from; ``kind`` is one of connection_fields.CREDENTIAL_TYPES."""

    kind: str
    access_key_id: str | None = None
    access_key_secret: str | None = None
    security_token: str | None = None
    role_arn: str | None = None
    role_session_name: str | None = None
    role_session_expiration: int | None = None
    external_id: str | None = None
    role_name: str | None = None
    oidc_provider_arn: str | None = None
    oidc_token_file_path: str | None = None
    credentials_uri: str | None = None
    sts_endpoint: str | None = None

    def __repr__(self) -> str:
        return f"CredentialSettings(kind={self.kind!r}, access_key_id={masked(self.access_key_id)!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("kind", self.kind), ("access_key_id", masked(self.access_key_id))]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to call, as whom, how long and how often. Times are seconds.

    ``host``: host, or host:port, of the endpoint. ``timestamp_unit``: None means the default of each operation.
    ``console_url``: for people (see links.py), the client does not call it.
    ``retry_base``, ``retry_cap``: the retries' backoff before jitter; not a connection setting.
    """

    host: str
    credential: CredentialSettings
    region_id: str | None = None
    protocol: Literal["https", "http"] = "https"
    network: Literal["public", "vpc"] = "public"
    ca_bundle: str | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 10.0
    total_timeout: float = 60.0
    max_attempts: int = 5
    max_calls_per_second: float = 10.0
    max_pages_in_flight: int = 8
    timestamp_unit: Literal["ms", "s", "none"] | None = None
    console_url: str | None = None
    retry_base: float = 0.5
    retry_cap: float = 8.0

    @property
    def endpoint(self) -> str:
        """Protocol and host, as shown to people: ``https://dbs-api.cn-hangzhou.aliyuncs.com``."""
        return f"{self.protocol}://{self.host}"


def masked(access_key_id: str | None) -> str:
    """An access key id that a person recognises and nobody else can use: ``LTAI…wxyz``."""
    if not access_key_id:
        return "none"
    return f"{access_key_id[:4]}…{access_key_id[-4:]}" if len(access_key_id) > 12 else f"{access_key_id[:2]}…"


def settings_from_connection(
    *,
    conn_type: str | None = None,
    login: str | None = None,
    password: str | None = None,
    host: str | None = None,
    port: int | None = None,
    extra: Mapping[str, Any] | None = None,
    region_id: str | None = None,
) -> Settings:
    """The settings that an Airflow connection holds; ``region_id`` (from a task) wins over the connection's.

    An empty field counts as absent. Raises DbsSettingsError that names the setting, its value and the way out.
    """
    given = {name: value for name, value in (extra or {}).items() if not _is_absent(value)}
    if conn_type == _OFFICIAL_TYPE:
        login = login or given.get("access_key_id")
        password = password or given.get("access_key_secret")
        given.setdefault("region_id", given.get("region"))
        given = {name: value for name, value in given.items() if name in CONNECTION_FIELDS and value is not None}
    values = {name: _read(name, value) for name, value in given.items()}
    if region_id:
        values["region_id"] = _read("region_id", region_id)
    credential = _credential(login, password, values)
    if host and host.strip():
        host = _read_host(host.strip())
    else:
        host = endpoint_for(values.get("region_id"), values.get("network", "public"))
    # Airflow's form saves an empty port as 0.
    if port and not 0 < port < 65_536:
        raise DbsSettingsError(f"port is {port}, but must be from 1 to 65535, or empty")
    host = f"{host}:{port}" if port else host
    return Settings(host=host, credential=credential, **values)


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _read(name: str, value: Any) -> Any:
    """One extra field, typed as its schema says: a connection URI delivers every value as a string."""
    field = CONNECTION_FIELDS.get(name)
    if field is None:
        near = get_close_matches(name, CONNECTION_FIELDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"the known ones are {', '.join(CONNECTION_FIELDS)}"
        raise DbsSettingsError(f"the connection's extra has an unknown setting {name!r}: {hint}")
    schema = field["schema"]
    kind = schema["type"][0]
    if kind == "string":
        if not isinstance(value, str):
            shown = "***" if schema.get("format") == "password" else repr(value)
            raise DbsSettingsError(f"{name} must be a text, not {shown}")
        value = value.strip()
        # A region that is newer than the table is fine beside a host; without one, endpoint_for refuses it.
        if "enum" in schema and name != "region_id" and value not in schema["enum"]:
            raise DbsSettingsError(f"{name} is {value!r}, but must be one of {', '.join(schema['enum'])}")
        return value
    try:
        if isinstance(value, bool):
            raise ValueError
        number = int(str(value)) if kind == "integer" else float(value)
        if not schema["minimum"] <= number <= schema["maximum"]:
            raise ValueError
    except (TypeError, ValueError):
        wanted = f"{'a whole number' if kind == 'integer' else 'a number'} from {schema['minimum']} to"
        raise DbsSettingsError(f"{name} is {value!r}, but must be {wanted} {schema['maximum']}") from None
    return number


def _credential(login: str | None, password: str | None, values: dict[str, Any]) -> CredentialSettings:
    """Takes the credential's fields out of ``values``."""
    kind = values.pop("credential_type", None) or ("access_key" if login or password else "default")
    own = {name: values.pop(name) for name in sorted(_CREDENTIAL_EXTRAS) if name in values}
    if login:
        own["access_key_id"] = login.strip()
    if password:
        own["access_key_secret"] = password.strip()
    missing = [_SHOWN_AS.get(name, name) for name in _NEEDS[kind] if not own.get(name)]
    if missing:
        raise DbsSettingsError(f"credential_type {kind} needs {' and '.join(missing)}, which the connection lacks")
    usable = {*_NEEDS[kind], *_MAY_USE.get(kind, ()), "access_key_id", "access_key_secret"}
    unused = sorted(own.keys() - usable)
    if unused:
        takers = sorted({k for k in _NEEDS if unused[0] in (*_NEEDS[k], *_MAY_USE.get(k, ()))})
        raise DbsSettingsError(
            f"{unused[0]} is set, but credential_type {kind} does not use it: "
            f"set credential_type to {' or '.join(takers)}, or remove {unused[0]}"
        )
    return CredentialSettings(kind=kind, **{name: own[name] for name in own if name in usable})


def _read_host(host: str) -> str:
    if _IPV6.match(host):
        return f"[{host}]"
    if not _HOST.match(host):
        shown = re.sub(r":[^@/]*@", ":***@", host)  # an address with a password in it
        raise DbsSettingsError(
            f"host is {shown!r}, but must be a bare host name such as dbs-api.cn-hangzhou.aliyuncs.com: "
            "the protocol goes into the extra field protocol, the port into port, a path has no place"
        )
    return host
