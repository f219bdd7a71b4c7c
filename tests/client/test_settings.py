# SPDX-License-Identifier: Apache-2.0
"""A connection's fields → settings: every rule, and what its error says."""

from __future__ import annotations

import io
from typing import Any

import pytest

from airflow_provider_dbs.client.endpoints import endpoint_for
from airflow_provider_dbs.client.errors import DbsSettingsError
from airflow_provider_dbs.client.settings import Settings, masked, settings_from_connection
from airflow_provider_dbs.connection_fields import CONNECTION_FIELDS, REGIONS

KEY = {"login": "LTAI5tAbcdEfghIjkl", "password": "the-secret"}


def settings(**fields: Any) -> Settings:
    extra = {"region_id": "cn-hangzhou", **fields.pop("extra", {})}
    return settings_from_connection(**{**KEY, "extra": extra, **fields})


def refused(**fields: Any) -> str:
    with pytest.raises(DbsSettingsError) as caught:
        settings(**fields)
    assert isinstance(caught.value, ValueError)
    assert not caught.value.retryable
    assert "the-secret" not in str(caught.value)
    return str(caught.value)


# -- the endpoint ------------

SHARED = """cn-hangzhou cn-shanghai cn-beijing cn-qingdao cn-shenzhen cn-hongkong us-east-1 us-west-1
    cn-hangzhou-finance cn-shanghai-finance-1 cn-shenzhen-finance-1""".split()
OWN = """cn-zhangjiakou cn-wulanchabu cn-huhehaote cn-chengdu ap-southeast-1 ap-southeast-3 ap-southeast-5
    ap-northeast-1 eu-central-1 eu-west-1""".split()


def test_the_tables_name_the_same_regions() -> None:
    assert sorted(SHARED + OWN) == sorted(REGIONS)
    assert CONNECTION_FIELDS["region_id"]["schema"]["enum"] == list(REGIONS)


@pytest.mark.parametrize("region", SHARED + OWN)
def test_endpoint_of_each_region(region: str) -> None:
    public = "dbs-api.cn-hangzhou.aliyuncs.com" if region in SHARED else f"dbs-api.{region}.aliyuncs.com"
    assert settings(extra={"region_id": region}).endpoint == f"https://{public}"
    assert settings(extra={"region_id": region, "network": "vpc"}).host == f"dbs-api-vpc.{region}.aliyuncs.com"


@pytest.mark.parametrize("region", ["ap-southeast-2", "cn-hangzou", None])
def test_region_that_is_unknown_or_missing_is_an_error_with_the_known_ones(region: str | None) -> None:
    message = refused(extra={"region_id": region})
    assert (repr(region) if region else "region_id is not set") in message
    assert "cn-hangzhou, cn-shanghai" in message
    with pytest.raises(DbsSettingsError):
        endpoint_for(region, "vpc")


def test_region_of_the_task_wins() -> None:
    made = settings(region_id="eu-west-1")
    assert (made.region_id, made.host) == ("eu-west-1", "dbs-api.eu-west-1.aliyuncs.com")
    assert "'mars'" in refused(region_id="mars")


@pytest.mark.parametrize(
    ("host", "port", "endpoint"),
    [
        ("dbs.example.com", None, "https://dbs.example.com"),
        ("dbs.example.com", 0, "https://dbs.example.com"),
        ("dbs.example.com", 8443, "https://dbs.example.com:8443"),
        (" dbs.example.com ", None, "https://dbs.example.com"),
        ("dbs_emulator", 80, "https://dbs_emulator:80"),
        ("127.0.0.1", 65535, "https://127.0.0.1:65535"),
        ("[::1]", 8390, "https://[::1]:8390"),
        ("::1", 8390, "https://[::1]:8390"),
        ("fe80::a:1", None, "https://[fe80::a:1]"),
        ("", 0, "https://dbs-api.cn-hangzhou.aliyuncs.com"),
        (" ", None, "https://dbs-api.cn-hangzhou.aliyuncs.com"),
        (None, 8443, "https://dbs-api.cn-hangzhou.aliyuncs.com:8443"),
    ],
)
def test_host_and_port(host: str | None, port: int | None, endpoint: str) -> None:
    assert settings(host=host, port=port).endpoint == endpoint


def test_host_needs_no_known_region() -> None:
    assert settings(host="dbs.example.com", extra={"region_id": None}).region_id is None
    assert settings(host="dbs.example.com", extra={"region_id": "xx-new-9"}).region_id == "xx-new-9"


@pytest.mark.parametrize(
    "host", ["https://dbs.example.com", "dbs.example.com/path", "user@host", "host:80", "a b", "-x", "?", "[::1"]
)
def test_host_must_be_bare(host: str) -> None:
    assert f"host is {host!r}" in refused(host=host)


def test_host_with_a_password_in_it_is_not_repeated() -> None:
    assert "host is 'https://AKID:***@dbs.example.com'" in refused(host="https://AKID:s3cret@dbs.example.com")


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_port_must_be_one(port: int) -> None:
    assert f"port is {port}" in refused(port=port)


# -- the extra fields ------------


def test_defaults() -> None:
    made = settings()
    assert (made.protocol, made.network, made.ca_bundle, made.timestamp_unit) == ("https", "public", None, None)
    assert (made.connect_timeout, made.read_timeout, made.total_timeout) == (5, 10, 60)
    assert (made.max_attempts, made.max_calls_per_second, made.max_pages_in_flight) == (5, 10, 8)


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_empty_fields_count_as_absent(empty: str | None) -> None:
    extra = {name: empty for name in CONNECTION_FIELDS if name != "region_id"}
    assert settings(extra=extra) == settings()


def test_uri_delivers_texts() -> None:
    extra = {"max_attempts": "7", "read_timeout": "2.5", "max_calls_per_second": "0", "protocol": " http "}
    made = settings(extra=extra)
    assert (made.max_attempts, made.read_timeout, made.max_calls_per_second, made.protocol) == (7, 2.5, 0, "http")
    assert settings(extra={"max_attempts": 7}).max_attempts == 7


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("read_time_out", "did you mean 'read_timeout'?"),
        ("region", "did you mean 'region_id'?"),
        ("xyzzy", "the known ones are region_id, credential_type"),
        ("access_key_secret", "unknown setting 'access_key_secret'"),
    ],
)
def test_unknown_setting_is_named_with_the_nearest(name: str, hint: str) -> None:
    message = refused(extra={name: "the-secret"})
    assert repr(name) in message
    assert hint in message


NUMBERS = {name: field["schema"] for name, field in CONNECTION_FIELDS.items() if "minimum" in field["schema"]}
CHOICES = [name for name, field in CONNECTION_FIELDS.items() if "enum" in field["schema"] and name != "region_id"]
# Those of the credential go into a kind that uses them.
ROLE = {"credential_type": "ram_role_arn", "role_arn": "acs:ram::1:role/r"}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_have_their_range(name: str) -> None:
    low, high = NUMBERS[name]["minimum"], NUMBERS[name]["maximum"]
    for value in (low, high, str(low), str(high)):
        made = settings(extra={**ROLE, name: value})
        assert getattr(made, name, made.credential.role_session_expiration) == float(value)
    for value in (low - 1, high + 1, "many", True, [low], "nan", "inf"):
        message = refused(extra={**ROLE, name: value})
        assert message.startswith(f"{name} is {value!r}, but must be a ")
        assert f"from {low} to {high}" in message


@pytest.mark.parametrize("value", [2.5, "2.5", "5.0"])
def test_whole_numbers_are_whole(value: Any) -> None:
    assert "whole number" in refused(extra={"max_attempts": value})


@pytest.mark.parametrize("name", CHOICES)
def test_choices_are_named(name: str) -> None:
    message = refused(extra={name: "other"})
    assert message == f"{name} is 'other', but must be one of {', '.join(CONNECTION_FIELDS[name]['schema']['enum'])}"


def test_texts_are_texts_and_secrets_are_not_shown() -> None:
    assert refused(extra={"ca_bundle": 5}) == "ca_bundle must be a text, not 5"
    assert refused(extra={"security_token": 123456}) == "security_token must be a text, not ***"


# -- the credential ------------


def test_kind_follows_the_login() -> None:
    assert settings().credential.kind == "access_key"
    assert settings(login=None, password=None).credential.kind == "default"
    assert settings(login="", password="").credential.kind == "default"
    assert settings(login=" LTAI ", password=" s ").credential.access_key_secret == "s"


KINDS: list[tuple[str, dict[str, str], list[str]]] = [
    ("access_key", {}, []),
    ("sts", {"security_token": "t"}, []),
    ("ram_role_arn", {"role_arn": "a"}, ["security_token", "external_id", "role_session_name", "sts_endpoint"]),
    ("ecs_ram_role", {}, ["role_name"]),
    (
        "oidc_role_arn",
        {"role_arn": "a", "oidc_provider_arn": "p", "oidc_token_file_path": "/t"},
        ["role_session_name", "sts_endpoint"],
    ),
    ("credentials_uri", {"credentials_uri": "http://127.0.0.1/"}, []),
    ("default", {}, []),
]
FIELDS = """security_token role_arn role_session_name external_id role_name oidc_provider_arn oidc_token_file_path
    credentials_uri sts_endpoint""".split()


@pytest.mark.parametrize(("kind", "needed", "usable"), KINDS)
def test_fields_that_a_kind_needs_may_use_or_does_not_use(kind: str, needed: dict[str, str], usable: list[str]) -> None:
    extra = {"credential_type": kind, **needed}
    made = settings(extra=extra).credential
    assert (made.kind, made.access_key_id) == (kind, KEY["login"])
    for name, value in needed.items():
        assert getattr(made, name) == value
        message = refused(extra={**extra, name: None})
        assert message == f"credential_type {kind} needs {name}, which the connection lacks"
    for name in FIELDS:
        if name in usable:
            assert getattr(settings(extra={**extra, name: "v"}).credential, name) == "v"
        elif name not in needed:
            message = refused(extra={**extra, name: "v"})
            assert message.startswith(f"{name} is set, but credential_type {kind} does not use it")
            assert f"or remove {name}" in message


@pytest.mark.parametrize("kind", ["access_key", "sts", "ram_role_arn"])
def test_kinds_that_need_a_key(kind: str) -> None:
    message = refused(login=None, password=None, extra={"credential_type": kind})
    assert "needs login (AccessKey ID) and password (AccessKey secret)" in message
    assert "password (AccessKey secret)" in refused(password=None)


def test_password_without_login_is_not_passed_over() -> None:
    assert "needs login (AccessKey ID)" in refused(login=None)


def test_connection_of_the_official_provider() -> None:
    extra = {"access_key_id": "LTAI5tAbcdEfghIjkl", "access_key_secret": "the-secret", "region": "eu-west-1", "x": 1}
    made = settings_from_connection(conn_type="alibaba_cloud", extra=extra)
    assert made == settings(extra={"region_id": "eu-west-1"})
    assert (
        settings_from_connection(conn_type="alibaba_cloud", **KEY, region_id="eu-west-1").credential == made.credential
    )
    with pytest.raises(DbsSettingsError, match="region_id is not set"):
        settings_from_connection(conn_type="alibaba_cloud", extra={**extra, "region": None})


# -- what is printed ------------


def test_no_secret_is_printed() -> None:
    from rich.console import Console

    made = settings(extra={"credential_type": "sts", "security_token": "the-token"})
    console = Console(file=io.StringIO(), width=200)
    console.print(made, made.credential)
    for shown in (repr(made), str(made), f"{made}", repr(made.credential), console.file.getvalue()):  # type: ignore[attr-defined]
        assert "the-secret" not in shown
        assert "the-token" not in shown
        assert "LTAI…Ijkl" in shown


@pytest.mark.parametrize(
    ("key", "shown"),
    [(None, "none"), ("", "none"), ("LTAI5tAbcdEfghIjkl", "LTAI…Ijkl"), ("short", "sh…"), ("a" * 12, "aa…")],
)
def test_masked(key: str | None, shown: str) -> None:
    assert masked(key) == shown
