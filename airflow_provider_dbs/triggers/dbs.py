# SPDX-License-Identifier: Apache-2.0
"""The wait of a deferred gate: it holds no worker slot, and shares its listings with all that ask the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.triggers.loading import load_shared_reading

# A poll_interval of 0 means "at once" to a sensor; in the triggerer it would be a busy loop for all.
_SHORTEST_SECONDS = 1.0
_LONGEST_BACKOFF_SECONDS = 3600.0
_JITTER = 0.1


class DbsGateTrigger(BaseTrigger):
    """Looks until the gate's verdict is PASS or FAIL, or its deadline has come.

    ``gate``, ``goal``: the gate's kind and its goal in plain JSON values, window and all: nothing is resolved again.
    ``poke_interval``, ``max_wait``: seconds. ``deadline``: ISO 8601, the end of the sensor's timeout.

    The event holds ``outcome`` (``decided``, ``timed_out`` or ``crashed``) and ``verdict`` (Verdict.to_json()), or
    ``error`` (text) after a crash, which the task raises so that its retries apply.
    """

    def __init__(
        self,
        *,
        gate: str,
        goal: dict[str, Any],
        dbs_conn_id: str,
        region_id: str | None,
        poke_interval: float,
        deadline: str,
        exponential_backoff: bool = False,
        max_wait: float | None = None,
        silent_fail: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.gate = gate
        self.goal = goal
        self.dbs_conn_id = dbs_conn_id
        self.region_id = region_id
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.exponential_backoff = exponential_backoff
        self.max_wait = max_wait
        self.silent_fail = silent_fail

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "gate": self.gate,
            "goal": self.goal,
            "dbs_conn_id": self.dbs_conn_id,
            "region_id": self.region_id,
            "poke_interval": self.poke_interval,
            "deadline": self.deadline,
            "exponential_backoff": self.exponential_backoff,
            "max_wait": self.max_wait,
            "silent_fail": self.silent_fail,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        try:
            # Not at the top: a triggerer imports its triggers on the loop, and this takes as long as a stall may last.
            await load_shared_reading()
            from airflow_provider_dbs.hooks.shared import sharing

            async with sharing():
                found = await self._wait()
        except Exception as error:
            # As an event, for a trigger that raises ends the task in a way of its own under soft_fail.
            self.log.exception("The gate's trigger crashed")
            found = {"outcome": "crashed", "error": f"{type(error).__name__}: {error}"}
        yield TriggerEvent(found)

    async def _wait(self) -> dict[str, Any]:
        from airflow_provider_dbs.gates import open_gate, utc_now
        from airflow_provider_dbs.hooks.shared import SharedReader

        gate = open_gate(self.gate, self.goal)
        deadline = datetime.fromisoformat(self.deadline)
        interval = max(self.poke_interval, _SHORTEST_SECONDS)
        # The sensor has just looked, and a trigger that fires at once loses a race in Airflow's scheduler.
        pause = interval * random.uniform(0.5, 1.0)
        last_reason = None
        while True:
            left = (deadline - utc_now()).total_seconds()
            await asyncio.sleep(max(0.0, min(pause, left)))
            try:
                reader = SharedReader(self.dbs_conn_id, self.region_id, interval)
                verdict = await gate.evaluate(reader, deadline)
            except Exception as error:
                if not self.silent_fail:
                    raise
                self.log.exception("The look failed, and silent_fail is set")
                verdict = gate.verdict_on_crash(error)
            if verdict.outcome is not Outcome.WAIT:
                return _event("decided", verdict)
            if utc_now() >= deadline:
                return _event("timed_out", verdict)
            if verdict.reason != last_reason:
                last_reason = verdict.reason
                self.log.info("Waiting (%s): %s", verdict.reason, verdict.message)
            if self.exponential_backoff:
                interval = min(interval * 2, self.max_wait or _LONGEST_BACKOFF_SECONDS)
            # Never shorter than the interval: a look that comes early would only see again what it has seen.
            pause = interval * random.uniform(1.0, 1.0 + _JITTER)


def _event(outcome: str, verdict: Verdict) -> dict[str, Any]:
    return {"outcome": outcome, "verdict": verdict.to_json()}
