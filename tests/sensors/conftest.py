# SPDX-License-Identifier: Apache-2.0
"""A gate's task, run as a worker would run it, without a database."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
)

from tests.deferral import deferral, outcome_of, recreated, resume

PLAN = "dbsr179qz0001"
NOW = datetime.now(timezone.utc).replace(microsecond=0)


@dataclass
class Ending:
    """How one execution of a task ended."""

    outcome: str
    message: str = ""
    xcom: Any = None

    @property
    def reason(self) -> str:
        """The verdict's word: of the XCom, or the one in brackets in the message."""
        return str(self.xcom["reason"]) if self.xcom else self.message.partition("(")[2].partition(")")[0]


_ENDINGS = {AirflowFailException: "failed", AirflowSensorTimeout: "timed out", AirflowSkipException: "skipped"}


class TaskInstance:
    """What a sensor asks of its task instance."""

    def __init__(self, first_reschedule: datetime | None = None) -> None:
        self._first_reschedule = first_reschedule

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self._first_reschedule


def run_context(*, run_after: datetime = NOW, first_reschedule: datetime | None = None, **dates: datetime) -> Any:
    """The context of a run; the keys of a data interval are absent unless they are given."""
    return {"dag_run": SimpleNamespace(run_after=run_after), "ti": TaskInstance(first_reschedule), **dates}


def run(sensor: BaseSensorOperator, context: Any = None) -> Ending:
    """Execute the task once; what it does besides passing, failing, timing out and skipping is raised."""
    return ending(lambda: sensor.execute(context or run_context()))


def ending(step: Callable[[], Any]) -> Ending:
    try:
        return Ending("passed", xcom=step())
    except tuple(_ENDINGS) as error:
        return Ending(_ENDINGS[type(error)], str(error))


def run_deferred(sensor: BaseSensorOperator, context: Any = None) -> Ending:
    """Carry the task through a triggerer: its first look finds no service, its trigger's only look finds it."""
    context = context or run_context()
    with unreachable_service():
        deferred = deferral(sensor, context)
    at_its_deadline = recreated(deferred.trigger, deadline=datetime.now(timezone.utc).isoformat())
    (event,) = outcome_of(at_its_deadline)
    return ending(lambda: resume(sensor, deferred, event, context))


@contextmanager
def unreachable_service() -> Iterator[None]:
    """Every connection leads to a port where nobody listens."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in [item for item in os.environ.items() if item[0].startswith("AIRFLOW_CONN_")]:
            fields = json.loads(value)
            fields.update(port=1, extra={**fields.get("extra", {}), "max_attempts": 1})
            patch.setenv(name, json.dumps(fields))
        yield


class Mode(NamedTuple):
    """A way to wait: the sensor's ``options`` for it, with no time to wait in, and how its task is ``run``."""

    options: dict[str, Any]
    run: Callable[..., Ending]


# A deferrable gate is judged by its task's first look, or later by its trigger: both must do what the others do.
MODES = {
    "poke": Mode({"mode": "poke", "timeout": 0}, run),
    "reschedule": Mode({"mode": "reschedule", "timeout": 0}, run),
    "deferrable, decided at once": Mode({"deferrable": True, "timeout": 0}, run),
    "deferrable, decided in the triggerer": Mode({"deferrable": True, "timeout": 60}, run_deferred),
}


def ending_in_every_mode(sensor_type: type[BaseSensorOperator], **options: Any) -> Ending:
    """How the gate of ``PLAN`` ends; all modes must agree on it."""
    endings = {
        name: mode.run(sensor_type(task_id="gate", backup_plan_id=PLAN, **{**mode.options, **options}))
        for name, mode in MODES.items()
    }
    told = {name: (ending.outcome, ending.reason, ending.xcom) for name, ending in endings.items()}
    assert told == dict.fromkeys(MODES, told["poke"])
    return endings["poke"]


@pytest.fixture(params=MODES.values(), ids=MODES)
def mode(request: pytest.FixtureRequest) -> Mode:
    """Each mode in which a gate can wait; they must not differ in anything."""
    found: Mode = request.param
    return found


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """The messages that the gates have logged since the last call."""

    def read() -> list[str]:
        lines = [line for line in capsys.readouterr().out.splitlines() if " loc=_base.py:" in line]
        return [line.partition("] ")[2].rpartition(" [airflow.task.")[0].strip() for line in lines]

    return read
