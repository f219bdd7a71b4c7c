# SPDX-License-Identifier: Apache-2.0
"""All that Airflow reads about the package without importing the rest of it."""

from __future__ import annotations

from typing import Any

from airflow_provider_dbs.connection_fields import CONNECTION_FIELDS, CONNECTION_NAME, CONNECTION_TYPE

# What a DBS connection makes of the form's standard fields. port stays visible: the Test button of Airflow 3.3.2 fails
# for a connection that is saved without one.
STANDARD_FIELDS: dict[str, Any] = {
    "hidden-fields": ["schema"],
    "relabeling": {"login": "AccessKey ID", "password": "AccessKey secret", "host": "Endpoint (optional)"},
    "placeholders": {
        "login": "empty: the vendor's default credential chain",
        "host": "empty: worked out from the region; e.g. a proxy",
        "port": "443",
    },
}

_INTEGRATION = "Alibaba Cloud Database Backup (DBS)"


def get_provider_info() -> dict[str, Any]:
    """The ``apache_airflow_provider`` entry point; Airflow's provider_info.schema.json describes the shape."""
    return {
        "package-name": "airflow-provider-dbs",
        "name": "Alibaba Cloud DBS",
        "description": "Gates DAGs on database backups of Alibaba Cloud DBS.",
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://www.alibabacloud.com/help/en/dbs/",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": _INTEGRATION, "python-modules": ["airflow_provider_dbs.hooks.dbs"]}],
        "sensors": [{"integration-name": _INTEGRATION, "python-modules": ["airflow_provider_dbs.sensors.dbs"]}],
        "operators": [{"integration-name": _INTEGRATION, "python-modules": ["airflow_provider_dbs.operators.dbs"]}],
        "triggers": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": ["airflow_provider_dbs.triggers.dbs", "airflow_provider_dbs.triggers.assets"],
            }
        ],
        "asset-uris": [{"schemes": ["dbs"], "handler": "airflow_provider_dbs.asset_uri.sanitize_uri"}],
        "extra-links": [
            "airflow_provider_dbs.links.DbsConsoleLink",
            "airflow_provider_dbs.links.DbsApiPageLink",
            "airflow_provider_dbs.links.DbsAuditReportLink",
        ],
        "notifications": ["airflow_provider_dbs.notifications.audit.DbsAuditNotifier"],
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": "airflow_provider_dbs.hooks.dbs.DbsHook",
                "hook-name": CONNECTION_NAME,
                "ui-field-behaviour": STANDARD_FIELDS,
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
    }
