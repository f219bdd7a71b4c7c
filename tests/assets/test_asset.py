# SPDX-License-Identifier: Apache-2.0
"""The asset as a DAG's author meets it: its URI, its watcher, and the backup in an event."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from airflow.sdk import DAG, Asset
from airflow.triggers.base import BaseEventTrigger

from airflow_provider_dbs.assets import attach_to_outlets, backup_of, dbs_backup_asset
from airflow_provider_dbs.provider import get_provider_info
from tests.assets.conftest import PLAN, REGION
from tests.deferral import recreated

RECORD = {
    "backup_plan_id": PLAN,
    "region_id": REGION,
    "backup_set_id": "1full0night",
    "start_time": "2026-11-21T02:00:00Z",
    "end_time": "2026-11-21T02:10:00Z",
    "backup_set_expired_time": None,
    "backup_size": 4711,
    "storage_method": "Standard",
    "backup_status": "finish",
}


def test_the_uri_names_region_and_plan_and_nothing_else() -> None:
    asset = dbs_backup_asset(PLAN, dbs_conn_id="other", region_id=REGION, poll_interval=5)
    assert asset.uri == asset.name == f"dbs://{REGION}/{PLAN}"
    assert dbs_backup_asset(PLAN).uri == f"dbs://default/{PLAN}"


def test_the_watcher_carries_the_arguments_and_survives_the_database() -> None:
    asset = dbs_backup_asset(PLAN, "other", REGION, timedelta(minutes=5))
    (watcher,) = asset.watchers
    wanted = {"backup_plan_id": PLAN, "dbs_conn_id": "other", "region_id": REGION, "poll_interval": 300.0}
    assert recreated(watcher.trigger).serialize()[1] == wanted
    defaults = recreated(dbs_backup_asset(PLAN).watchers[0].trigger).serialize()[1]
    assert defaults == {"backup_plan_id": PLAN, "dbs_conn_id": "dbs_default", "region_id": None, "poll_interval": 60.0}


@pytest.mark.parametrize("interval", [60, 60.0, timedelta(minutes=1)])
def test_equal_watchers_are_one_trigger_to_airflow(interval: Any) -> None:
    hashes = {
        BaseEventTrigger.hash(*asset.watchers[0].trigger.serialize())
        for asset in (dbs_backup_asset(PLAN), dbs_backup_asset(PLAN, poll_interval=interval))
    }
    assert len(hashes) == 1


def test_a_dag_with_it_can_be_stored() -> None:
    from airflow.serialization import serialized_objects

    dag = DAG("d", schedule=[dbs_backup_asset(PLAN)], start_date=datetime(2026, 1, 1, tzinfo=timezone.utc))
    serialization = getattr(serialized_objects, "DagSerialization", serialized_objects.SerializedDAG)
    stored = json.loads(json.dumps(serialization.to_dict(dag)))
    (asset,) = (asset for _, asset in serialization.from_dict(stored).timetable.asset_condition.iter_assets())
    assert asset.uri == f"dbs://default/{PLAN}"
    trigger = asset.watchers[0].trigger
    classpath, kwargs = (trigger["classpath"], trigger["kwargs"]) if isinstance(trigger, dict) else trigger.serialize()
    assert Trigger(classpath, kwargs).kwargs["backup_plan_id"] == PLAN


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backup_plan_id": ""}, "backup_plan_id='' is no id of a backup plan: give one such as"),
        ({"backup_plan_id": "{{ params.plan }}"}, "Templates are not rendered here"),
        ({"backup_plan_id": "a/b"}, "backup_plan_id='a/b' is no id"),
        ({"backup_plan_id": None}, "backup_plan_id=None is no id"),
        ({"region_id": "cn hangzhou"}, "region_id='cn hangzhou' is no id of a region: give one such as 'cn-hangzhou'"),
        ({"region_id": ""}, "region_id='' is no id of a region"),
        ({"poll_interval": 0}, "poll_interval=0 is too short: give at least 1 second"),
        ({"poll_interval": -1}, "poll_interval=-1 is negative"),
        ({"poll_interval": "60"}, "poll_interval='60' is no duration"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-z_]+=") as caught:
        dbs_backup_asset(**{"backup_plan_id": PLAN, **arguments})
    assert message in str(caught.value)


def test_airflow_spells_the_same_asset_one_way() -> None:
    assert Asset(f"DBS://CN-Hangzhou/{PLAN}/").uri == f"dbs://{REGION}/{PLAN}"


@pytest.mark.parametrize(
    "uri", ["dbs:///plan", "dbs://cn-hangzhou", "dbs://cn-hangzhou/a/b", "dbs://cn-hangzhou/a?b=c", "dbs://me@cn/plan"]
)
def test_airflow_refuses_what_is_no_plan(uri: str) -> None:
    with pytest.raises(ValueError, match="is no asset of DBS: write dbs://<region>/<backup plan>, such as"):
        Asset(uri)


def test_airflow_finds_the_handler_where_provider_info_says() -> None:
    (entry,) = get_provider_info()["asset-uris"]
    module, _, name = entry["handler"].rpartition(".")
    assert entry["schemes"] == ["dbs"]
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"from_trigger": True, "payload": RECORD}, id="a watcher"),
        pytest.param(RECORD, id="a task's outlet"),
        pytest.param({**RECORD, "from_rest_api": True}, id="REST"),
        pytest.param({"payload": RECORD, "from_rest_api": True}, id="REST, as a watcher's"),
    ],
)
def test_the_backup_of_an_event(extra: dict[str, Any]) -> None:
    assert backup_of(SimpleNamespace(extra=extra)) == RECORD
    assert backup_of({"asset_id": 1, "extra": extra}) == RECORD


def test_what_an_event_does_not_tell_is_none() -> None:
    found = backup_of({"extra": {"backup_set_id": "1full0night", "from_rest_api": True}})
    assert found == {**dict.fromkeys(RECORD), "backup_set_id": "1full0night"}


@pytest.mark.parametrize("extra", [{}, {"from_rest_api": True}, {"payload": None}, {"payload": "1full"}, None])
def test_an_event_without_a_backup_is_refused(extra: Any) -> None:
    with pytest.raises(ValueError, match="this asset event carries no backup"):
        backup_of(SimpleNamespace(extra=extra))


def test_a_gates_result_goes_to_the_outlets_of_its_plan() -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    xcom = {**RECORD, "verdict": "pass", "reason": "fresh", "window_start": "2026-11-21T00:00:00Z"}
    del xcom["region_id"]
    mine, other, foreign = dbs_backup_asset(PLAN, region_id=REGION), dbs_backup_asset("dbsother"), Asset("s3://b/k")
    events = OutletEventAccessors()
    attach_to_outlets(xcom, [mine, other, foreign], events)
    assert backup_of(events[mine]) == RECORD
    assert events[mine].extra == RECORD, "the record, and nothing of the gate"
    assert not events[other].extra
    assert not events[foreign].extra


def test_a_gate_without_a_backup_attaches_nothing() -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    asset, events = dbs_backup_asset(PLAN), OutletEventAccessors()
    attach_to_outlets({"verdict": "pass", "backup_plan_id": PLAN}, [asset], events)
    assert not events[asset].extra


def test_a_dag_file_loads_no_http_client() -> None:
    code = "import sys; from airflow_provider_dbs.assets import *; dbs_backup_asset('dbsx'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "msgspec" in loaded
    assert not loaded & {"aiohttp", "alibabacloud_credentials", "alibabacloud_tea_openapi", "Tea"}
