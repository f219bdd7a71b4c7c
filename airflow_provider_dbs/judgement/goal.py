# SPDX-License-Identifier: Apache-2.0
"""What a gate asks for, complete and resolved, in a form that a deferred trigger can carry."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.words import clean

SETTLE = timedelta(minutes=5)

# Beyond any backup's life, and far from where datetime ends.
LONGEST = timedelta(days=36_500)

_Goal = TypeVar("_Goal", bound="Goal")


class Goal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all goals: the plan, and how a goal travels.

    ``settle``: the service's lists may lag, so nothing counts as missing before that long after the time asked for.
    Raises ValueError, naming the setting, for an empty plan id, a negative duration and a switch that is no bool: the
    text "false" would count as true, and widen what passes.
    """

    backup_plan_id: str
    settle: timedelta = SETTLE

    def __post_init__(self) -> None:
        if not isinstance(self.backup_plan_id, str) or not self.backup_plan_id.strip():
            raise ValueError(
                f"backup_plan_id={self.backup_plan_id!r} names no plan: give the id of a backup plan, "
                "such as dbsr179qz0001"
            )
        as_duration("settle", self.settle)
        for field in msgspec.structs.fields(self):
            if field.type is bool:
                check_switch(field.name, getattr(self, field.name))

    @abstractmethod
    def subject(self) -> dict[str, Any]:
        """The keys that every XCom of this gate has: plan and window."""

    def verdict(self, outcome: Outcome, reason: str, message: str, **details: Any) -> Verdict:
        return Verdict(outcome=outcome, reason=reason, message=message, subject=self.subject(), **details)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: times as ISO 8601, durations in seconds. ``from_json`` gives an equal goal."""
        plain: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(timedelta,))
        return {name: value.total_seconds() if isinstance(value, timedelta) else value for name, value in plain.items()}

    @classmethod
    def from_json(cls: type[_Goal], plain: dict[str, Any]) -> _Goal:
        """Raises msgspec.ValidationError for a field that is missing, unknown or of another type."""
        return msgspec.convert(plain, cls, strict=False)


def api_error_verdict(goal: Goal, message: str) -> Verdict:
    """The list could not be read this time (throttled, 5xx, network, incomplete): the next look tries again."""
    return goal.verdict(
        Outcome.WAIT, "api_error", f"DBS did not answer, the next look tries again: {clean(message, 800)}"
    )


def call_failed_verdict(goal: Goal, message: str) -> Verdict:
    """The call failed for good (permission, parameter, signature, shape). ``message`` has the code and request id."""
    return goal.verdict(
        Outcome.FAIL, "call_failed", f"DBS refused to tell about plan {goal.backup_plan_id}: {clean(message, 800)}"
    )


def as_duration(name: str, value: timedelta | float) -> timedelta:
    """A setting given as a timedelta or a number of seconds; ValueError, naming it, when it is neither or negative."""
    try:
        if isinstance(value, bool):
            raise TypeError
        length = value if isinstance(value, timedelta) else timedelta(seconds=value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}={value!r} is no duration: give a timedelta or a number of seconds") from None
    if length < timedelta(0):
        raise ValueError(f"{name}={value!r} is negative: give a timedelta or a number of seconds from 0 on")
    if length > LONGEST:
        raise ValueError(f"{name}={value!r} is longer than a century: give a shorter one, in seconds or as a timedelta")
    return length


def check_switch(name: str, value: object) -> None:
    """ValueError, naming the setting, unless ``value`` is a bool."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}={value!r} is neither True nor False: give one of them")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """ValueError, naming the setting and the choices, unless ``value`` is one of them."""
    if value not in choices:
        raise ValueError(f"{name}={value!r} is unknown: give one of {', '.join(map(repr, choices))}")
