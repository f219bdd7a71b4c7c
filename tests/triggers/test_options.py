# SPDX-License-Identifier: Apache-2.0
"""Every option of every sensor survives its deferral: the trigger that Airflow makes anew asks for the same."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseSensorOperator

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.gates import open_gate
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor, DbsIncrementalBackupSensor, DbsRecoveryPointSensor
from tests.deferral import deferral, recreated
from tests.sensors.conftest import NOW, run_context, unreachable_service

SENSORS = (DbsFullBackupSensor, DbsIncrementalBackupSensor, DbsRecoveryPointSensor)
HOUR = timedelta(hours=1)

# Another value than the default of each argument, and of the arguments it needs to matter.
CHANGED: dict[str, dict[str, Any]] = {
    "backup_plan_id": {"backup_plan_id": "dbsanother"},
    "dbs_conn_id": {"dbs_conn_id": "another"},
    "region_id": {"region_id": "cn-beijing"},
    "timeout": {"timeout": 7 * HOUR},
    "poke_interval": {"poke_interval": timedelta(seconds=17)},
    "exponential_backoff": {"exponential_backoff": True},
    "max_wait": {"max_wait": HOUR},
    "silent_fail": {"silent_fail": True},
    "window_start": {"window_start": NOW - 9 * HOUR},
    "window_end": {"window_end": NOW - 3 * HOUR},
    "lookback": {"lookback": 5 * HOUR},
    "open_end": {"open_end": True},
    "anchor": {"anchor": "contained"},
    "grace": {"grace": HOUR},
    "settle": {"settle": 90},
    "accept_later": {"accept_later": True},
    "usable_at": {"usable_at": "window_end"},
    "min_size": {"min_size": 77},
    "fail_on_stopped": {"fail_on_stopped": True},
    "count_open_tail": {"count_open_tail": True},
    "recovery_time": {"recovery_time": NOW - 3 * HOUR},
    "backup_method": {"backup_method": "logical"},
    "authority": {"authority": "computed"},
}
# How a task waits and what it does with a refusal is its own affair, before and after the trigger.
OF_THE_TASK = {"deferrable", "mode", "soft_fail", "never_fail"}


def arguments(sensor_type: type[BaseSensorOperator]) -> set[str]:
    """What its constructor takes, and those of its bases up to Airflow's sensor."""
    bases = sensor_type.__mro__[: sensor_type.__mro__.index(BaseSensorOperator) + 1]
    parameters = [parameter for base in bases for parameter in inspect.signature(base.__init__).parameters.values()]
    return {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}


def trigger_of(sensor_type: type[BaseSensorOperator], **options: Any) -> dict[str, Any]:
    """The arguments of the trigger in the triggerer; its deadline as hours from now."""
    sensor = sensor_type(**{"task_id": "gate", "backup_plan_id": "dbsr179qz0001", "deferrable": True, **options})
    with unreachable_service():
        deferred = deferral(sensor, run_context())
    trigger = recreated(deferred.trigger)
    assert isinstance(sensor, BaseSensorOperator)
    assert open_gate(trigger.gate, trigger.goal).goal == sensor._gate.goal
    left = datetime.fromisoformat(trigger.deadline) - datetime.now(timezone.utc)
    return {**trigger.serialize()[1], "deadline": round(left / HOUR, 1)}


@pytest.fixture(autouse=True)
def connections(dbs: Emulator, connect: Any) -> None:
    connect("another", **dbs.airflow_connection())


@pytest.mark.parametrize(
    ("sensor_type", "name"),
    [(each, name) for each in SENSORS for name in sorted(arguments(each) - OF_THE_TASK)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_an_option_reaches_the_trigger(sensor_type: type[BaseSensorOperator], name: str) -> None:
    assert name in CHANGED, "a new argument: carry it in the trigger, and give another value for it here"
    assert trigger_of(sensor_type, **CHANGED[name]) != trigger_of(sensor_type)


@pytest.mark.parametrize("sensor_type", SENSORS)
def test_all_options_together_reach_the_trigger(sensor_type: type[BaseSensorOperator]) -> None:
    names = arguments(sensor_type) - OF_THE_TASK - {"lookback", "open_end"}  # these exclude others
    trigger = trigger_of(sensor_type, **{key: value for name in names for key, value in CHANGED[name].items()})
    goal = trigger.pop("goal")
    assert trigger == {
        "gate": trigger["gate"],
        "dbs_conn_id": "another",
        "region_id": "cn-beijing",
        "poke_interval": 17.0,
        "deadline": 7.0,
        "exponential_backoff": True,
        "max_wait": 3600.0,
        "silent_fail": True,
    }
    assert goal["backup_plan_id"] == "dbsanother"
    for name in names & {"anchor", "accept_later", "usable_at", "min_size", "count_open_tail", "authority"}:
        assert goal[name] == CHANGED[name][name]


def test_the_window_is_resolved_once(dbs: Emulator) -> None:
    trigger = trigger_of(DbsFullBackupSensor, lookback=5 * HOUR)
    window = trigger["goal"]["window"]
    ends = [datetime.fromisoformat(window[name].replace("Z", "+00:00")) for name in ("start", "end")]
    assert ends == [NOW - 5 * HOUR, NOW]
