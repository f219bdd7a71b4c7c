# SPDX-License-Identifier: Apache-2.0
"""The extra fields of a DBS connection: one table for Airflow's form, for both of its dialects, and for the check.

Pure data and free of imports, because Airflow reads it in every process that lists providers. A field's ``schema`` is
JSON schema as Airflow's ``conn-fields`` take it; "null" is among the types since a form saves an empty field as null.
"""

from __future__ import annotations

from typing import Any

CONNECTION_TYPE = "alibabadbs"
CONNECTION_NAME = "Alibaba Cloud DBS"

CREDENTIAL_TYPES = (
    "access_key",
    "sts",
    "ram_role_arn",
    "ecs_ram_role",
    "oidc_role_arn",
    "credentials_uri",
    "default",
)

# Regions of the service; client/endpoints.py knows their endpoints. ap-southeast-2 is being closed.
REGIONS = (
    "cn-hangzhou",
    "cn-shanghai",
    "cn-beijing",
    "cn-qingdao",
    "cn-shenzhen",
    "cn-zhangjiakou",
    "cn-wulanchabu",
    "cn-huhehaote",
    "cn-chengdu",
    "cn-hongkong",
    "ap-southeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-northeast-1",
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-west-1",
    "cn-hangzhou-finance",
    "cn-shanghai-finance-1",
    "cn-shenzhen-finance-1",
)


def _text(label: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"], **schema}}


def _choice(label: str, description: str, *choices: str) -> dict[str, Any]:
    return _text(label, description, enum=list(choices))


def _number(kind: str, label: str, description: str, minimum: float, maximum: float) -> dict[str, Any]:
    schema = {"type": [kind, "null"], "minimum": minimum, "maximum": maximum}
    return {"label": label, "description": description, "schema": schema}


CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "region_id": _choice("Region", "The region whose backup plans are asked about, e.g. cn-hangzhou.", *REGIONS),
    "credential_type": _choice(
        "Credential type",
        "How the provider proves who it is. Empty: access_key when there is an AccessKey ID, else default "
        "(the vendor's chain: environment, OIDC, profile files, ECS role, credentials URI).",
        *CREDENTIAL_TYPES,
    ),
    "security_token": _text("Security token", "For sts, and for ram_role_arn on a temporary key.", format="password"),
    "role_arn": _text("Role ARN", "For ram_role_arn and oidc_role_arn, e.g. acs:ram::123456789012:role/dbs-reader."),
    "role_session_name": _text("Role session name", "For ram_role_arn and oidc_role_arn; shown in ActionTrail."),
    "role_session_expiration": _number(
        "integer",
        "Role session (s)",
        "For ram_role_arn and oidc_role_arn, at least 900. Below 1,200 the vendor's package renews it at every use.",
        900,
        43_200,
    ),
    "external_id": _text("External ID", "For ram_role_arn, when the role's trust policy asks for one."),
    "role_name": _text("ECS role name", "For ecs_ram_role; empty: the role that the instance has."),
    "oidc_provider_arn": _text("OIDC provider ARN", "For oidc_role_arn."),
    "oidc_token_file_path": _text("OIDC token file", "For oidc_role_arn: the path of the token on the workers."),
    "credentials_uri": _text("Credentials URI", "For credentials_uri: an address that answers with a temporary key."),
    "sts_endpoint": _text("STS endpoint", "For ram_role_arn and oidc_role_arn, e.g. sts-vpc.cn-hangzhou.aliyuncs.com."),
    "network": _choice("Network", "public (default), or vpc for the endpoint inside a VPC.", "public", "vpc"),
    "protocol": _choice("Protocol", "https (default), or http.", "https", "http"),
    "ca_bundle": _text("CA bundle", "A file of CA certificates on the workers, for an endpoint behind a private CA."),
    "connect_timeout": _number("number", "Connect timeout (s)", "Default 5.", 0.1, 120),
    "read_timeout": _number("number", "Read timeout (s)", "Between two pieces of an answer. Default 10.", 0.1, 600),
    "total_timeout": _number("number", "Total timeout (s)", "For a call with its retries. Default 60.", 0.1, 3600),
    "max_attempts": _number("integer", "Attempts", "Requests for one call, the first included. Default 5.", 1, 20),
    "max_calls_per_second": _number(
        "number",
        "Calls per second",
        "Per endpoint and access key in one process; the burst is twice that. 0: no limit. Default 10.",
        0,
        1000,
    ),
    "max_pages_in_flight": _number("integer", "Pages in flight", "Of one list at a time. Default 8.", 1, 64),
    "timestamp_unit": _choice(
        "Timestamp unit",
        "Unit of the service's time filter, which is not documented. Empty: full backups are listed without it, "
        "incremental ones with ms. none: never send it.",
        "ms",
        "s",
        "none",
    ),
    "console_url": _text(
        "Console URL",
        "Where the tasks' console link leads, with {region_id} and {backup_plan_id} where they belong. "
        "Empty: the home page of the DMS console.",
    ),
}
