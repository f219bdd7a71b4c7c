# SPDX-License-Identifier: Apache-2.0
"""The connection form of Airflow 3.1, drawn from the tables that later versions read as data."""

from __future__ import annotations

from typing import Any

from airflow_provider_dbs.connection_fields import CONNECTION_FIELDS
from airflow_provider_dbs.provider import STANDARD_FIELDS


def form_widgets() -> dict[str, Any]:
    """A WTForms field per extra field. There is no number field in 3.1: those are texts, and the client reads them."""
    from wtforms import IntegerField, PasswordField, StringField  # type: ignore[import-untyped]
    from wtforms.validators import Optional, any_of  # type: ignore[import-untyped]

    widgets: dict[str, Any] = {}
    for name, field in CONNECTION_FIELDS.items():
        schema = field["schema"]
        kind = StringField
        if schema["type"][0] == "integer":
            kind = IntegerField
        elif schema.get("format") == "password":
            kind = PasswordField
        validators = [Optional()]
        if "enum" in schema:
            validators.append(any_of(schema["enum"]))
        widgets[name] = kind(field["label"], validators=validators, description=field["description"])
    return widgets


def field_behaviour() -> dict[str, Any]:
    """The standard fields, under the names that Airflow 3.1 gives the keys."""
    return {key.replace("-", "_"): value for key, value in STANDARD_FIELDS.items()}
