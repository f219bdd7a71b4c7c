# SPDX-License-Identifier: Apache-2.0
"""Which call meets which fault, and how often."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_dbs.emulator.envelope import Answer, Delivery
from airflow_provider_dbs.emulator.fault_kinds import KINDS, Caller, Kind, Payload, Quirks, Stage


@dataclass
class Fault:
    name: str
    kind: Kind
    operation: str | None
    backup_plan_id: str | None
    remaining: int | None
    skip: int
    options: Mapping[str, Any]
    pages_served: int = 0

    def matches(self, operation: str, parameters: Mapping[str, str]) -> bool:
        if self.remaining == 0 or self.operation not in (None, operation):
            return False
        plan_ids = parameters.get("BackupPlanId", "").split(",")
        return self.backup_plan_id is None or self.backup_plan_id in plan_ids

    def describe(self) -> dict[str, Any]:
        return {
            "kind": self.name,
            "operation": self.operation,
            "backup_plan_id": self.backup_plan_id,
            "remaining": self.remaining,
            "options": {name: value for name, value in self.options.items() if name != "body"},
        }


@dataclass
class CallFaults:
    """What the faults make of one call. ``answer`` and ``delivery`` exclude each other; the others add up."""

    names: list[str] = field(default_factory=list)
    answer: Answer | None = None
    delivery: Delivery | None = None
    quirks: Quirks = field(default_factory=Quirks)
    edits: list[Fault] = field(default_factory=list)

    def edit(self, payload: Payload) -> None:
        for fault in self.edits:
            fault.kind.function(payload, **fault.options)


class Faults:
    def __init__(self, operations: Sequence[str]) -> None:
        self._operations = operations
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        kind: str,
        *,
        operation: str | None = None,
        backup_plan_id: str | None = None,
        times: int | None = 1,
        skip: int = 0,
        **options: Any,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"fault kind {kind!r} is unknown; there are {', '.join(sorted(KINDS))}")
        known = KINDS[kind]
        if operation is not None and operation not in self._operations:
            raise ValueError(f"operation {operation!r} is unknown; there are {', '.join(self._operations)}")
        for name in options:
            if name not in known.options:
                choices = ", ".join(sorted(known.options)) or "none"
                raise ValueError(f"fault {kind!r} has no option {name!r}; its options: {choices}")
        for parameter in inspect.signature(known.function).parameters.values():
            needed = parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
            if needed and parameter.name not in options:
                raise ValueError(f"fault {kind!r} needs the option {parameter.name!r}")
        _try_out(known, options)
        with self._lock:
            self._faults.append(Fault(kind, known, operation, backup_plan_id, times, skip, options))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def describe(self) -> list[dict[str, Any]]:
        """The faults that are still to come."""
        with self._lock:
            return [fault.describe() for fault in self._faults if fault.remaining != 0]

    def meet(self, operation: str, parameters: Mapping[str, str], caller: Caller) -> CallFaults:
        """Collect what applies to this call and use it up, oldest fault first."""
        met = CallFaults()
        with self._lock:
            matching = []
            for fault in self._faults:
                if fault.matches(operation, parameters):
                    if fault.skip:
                        fault.skip -= 1
                    else:
                        matching.append(fault)
            whole_call = [fault for fault in matching if fault.kind.stage in (Stage.ANSWER, Stage.DELIVERY)][:1]
            others = [fault for fault in matching if fault.kind.stage in (Stage.QUERY, Stage.PAYLOAD)]
            for fault in (*whole_call, *others):
                if met.answer is None and _apply(fault, met, caller):
                    met.names.append(fault.name)
                    if fault.remaining is not None:
                        fault.remaining -= 1
        return met


def _apply(fault: Fault, met: CallFaults, caller: Caller) -> bool:
    """Whether the fault took effect, which uses it up."""
    stage, function = fault.kind.stage, fault.kind.function
    if stage is Stage.ANSWER:
        met.answer = function(caller, **fault.options)
    elif stage is Stage.DELIVERY:
        met.delivery = function(**fault.options)
    elif stage is Stage.PAYLOAD:
        met.edits.append(fault)
    else:
        met.quirks.pages_served = fault.pages_served
        fault.pages_served += 1
        return function(met.quirks, **fault.options) is not False
    return True


def _try_out(kind: Kind, options: Mapping[str, Any]) -> None:
    """Let a wrong value of an option fail here, where the test adds the fault, and not in the middle of a call."""
    samples = {
        Stage.ANSWER: (Caller("", "", ""),),
        Stage.QUERY: (Quirks(),),
        Stage.PAYLOAD: ({"Items": {"Rows": [{}]}},),
        Stage.DELIVERY: (),
    }
    kind.function(*samples[kind.stage], **options)
