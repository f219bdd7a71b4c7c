# SPDX-License-Identifier: Apache-2.0
"""What Airflow reads about the package: the provider info, the connection's form, and what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.providers.common.compat.sdk import BaseHook
from airflow.providers_manager import ProvidersManager

from airflow_provider_dbs.connection_fields import CONNECTION_FIELDS, CREDENTIAL_TYPES
from airflow_provider_dbs.hooks.dbs import DbsHook
from airflow_provider_dbs.provider import get_provider_info


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((files("airflow") / name).read_text())
    return loaded


def test_the_entry_point_leads_to_the_provider_info() -> None:
    (entry,) = [
        entry
        for entry in entry_points(group="apache_airflow_provider")
        if entry.value.startswith("airflow_provider_dbs")
    ]
    assert entry.load() is get_provider_info


def test_the_info_is_what_airflow_describes() -> None:
    info = get_provider_info()
    jsonschema.validate(info, schema("provider_info.schema.json"))
    assert info.keys() <= schema("provider_info.schema.json")["properties"].keys()


def test_the_connection_type_is_what_airflow_describes() -> None:
    described = schema("provider.yaml.schema.json")["properties"]["connection-types"]
    jsonschema.validate(get_provider_info()["connection-types"], described)


def test_every_module_that_is_named_exists() -> None:
    info = get_provider_info()
    named = [
        module
        for part in ("hooks", "sensors", "operators", "triggers")
        for row in info.get(part, [])
        for module in row["python-modules"]
    ]
    assert named
    for module in named:
        import_module(module)


def test_the_form_knows_every_field_and_hides_what_means_nothing() -> None:
    (form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "alibabadbs"]
    assert form.hook_name == "Alibaba Cloud DBS"
    assert form.extra_fields is not None
    assert list(form.extra_fields) == list(CONNECTION_FIELDS)
    assert form.extra_fields["security_token"]["schema"]["format"] == "password"
    assert form.extra_fields["credential_type"]["schema"]["enum"] == list(CREDENTIAL_TYPES)
    assert all("null" in field["schema"]["type"] for field in form.extra_fields.values())
    standard = form.standard_fields
    assert standard is not None
    assert standard.login is not None
    assert standard.login.title == "AccessKey ID"
    assert standard.password is not None
    assert standard.password.title == "AccessKey secret"
    assert standard.url_schema is not None
    assert standard.url_schema.hidden
    assert standard.port is not None
    assert not standard.port.hidden


def test_airflow_finds_the_hook_of_a_connection(connect: Callable[..., None]) -> None:
    assert "airflow-provider-dbs" in ProvidersManager().providers
    connect("backups", conn_type="alibabadbs")
    hook = BaseHook.get_hook("backups")
    assert isinstance(hook, DbsHook)
    assert hook.dbs_conn_id == "backups"


def test_the_form_of_airflow_3_1_is_drawn_from_the_same_table() -> None:
    pytest.importorskip("wtforms")
    # Airflow 3.1 looks only at what the hook's class defines itself.
    assert {"get_connection_form_widgets", "get_ui_field_behaviour"} <= DbsHook.__dict__.keys()
    widgets = DbsHook.get_connection_form_widgets()
    assert list(widgets) == list(CONNECTION_FIELDS)
    kinds = {name: widget.field_class.__name__ for name, widget in widgets.items()}
    assert kinds["security_token"] == "PasswordField"
    assert kinds["max_attempts"] == "IntegerField"
    assert kinds["connect_timeout"] == "StringField"
    (choice,) = [check for check in widgets["network"].kwargs["validators"] if hasattr(check, "values")]
    assert choice.values == ["public", "vpc"]
    jsonschema.validate(DbsHook.get_ui_field_behaviour(), schema("customized_form_field_behaviours.schema.json"))


LIGHT = """
import sys
import airflow.sdk, airflow.providers.common.compat.sdk
before = set(sys.modules)
import {modules}
heavy = ("aiohttp", "requests", "darabonba", "Tea", "alibabacloud_")
print([name for name in sys.modules if name not in before and name.startswith(heavy)])
"""


def test_importing_the_rooms_that_dag_files_import_loads_nothing_heavy() -> None:
    info = get_provider_info()
    modules = [
        module
        for part in ("hooks", "sensors", "operators", "triggers")
        for row in info.get(part, [])
        for module in row["python-modules"]
    ]
    code = LIGHT.format(modules=", ".join(["airflow_provider_dbs.provider", *modules]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
