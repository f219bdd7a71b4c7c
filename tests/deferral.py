# SPDX-License-Identifier: Apache-2.0
"""What Airflow does between a task's deferral and its end, without a database: the trigger is stored and made anew."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from airflow.providers.common.compat.sdk import BaseSensorOperator, TaskDeferred
from airflow.triggers.base import BaseTrigger

from airflow_provider_dbs.hooks import shared

try:
    from airflow.serialization.decoders import smart_decode_trigger_kwargs as decode
except ImportError:  # before Airflow 3.2

    def decode(d: Any) -> Any:
        return d


PATIENCE = 20


def deferral(sensor: BaseSensorOperator, context: Any) -> TaskDeferred:
    """What the task hands to Airflow when it waits; anything else that it does is raised."""
    with pytest.raises(TaskDeferred) as caught:
        sensor.execute(context)
    return caught.value


def recreated(trigger: BaseTrigger, **changes: Any) -> Any:
    """The trigger as a triggerer makes it from its row in the database, with some arguments changed."""
    classpath, kwargs = trigger.serialize()
    assert json.loads(json.dumps(kwargs)) == kwargs, "the arguments are plain JSON"
    row = Trigger(classpath, kwargs)
    stored = {name: decode(value) for name, value in row.kwargs.items()}
    assert stored == kwargs
    module, _, name = row.classpath.rpartition(".")
    return getattr(importlib.import_module(module), name)(**{**stored, **changes})


def outcome_of(*triggers: Any) -> list[dict[str, Any]]:
    """The event of each trigger, all run in one loop of a new triggerer, as it comes out of the database."""

    async def only_event(trigger: BaseTrigger) -> Any:
        (event,) = [event async for event in trigger.run()]
        return json.loads(json.dumps(event.payload))

    async def run_all() -> list[dict[str, Any]]:
        return await asyncio.wait_for(asyncio.gather(*map(only_event, triggers)), PATIENCE)

    shared.forget()
    return asyncio.run(run_all())


def resume(sensor: BaseSensorOperator, deferred: TaskDeferred, event: dict[str, Any], context: Any) -> Any:
    """The worker's second turn."""
    return sensor.resume_execution(deferred.method_name, {**(deferred.kwargs or {}), "event": event}, context)
