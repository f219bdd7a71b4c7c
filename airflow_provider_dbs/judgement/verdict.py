# SPDX-License-Identifier: Apache-2.0
"""What a gate concludes from the rows that it was shown: go on, look again later, or give up."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec


class Outcome(str, Enum):
    """PASS: the DAG may go on. WAIT: a later look may differ. FAIL: no later look can differ, so a person is needed."""

    PASS = "pass"  # noqa: S105
    WAIT = "wait"
    FAIL = "fail"

    def __str__(self) -> str:
        return self.value


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One conclusion, complete in itself: it can be logged, carried in a trigger's event and put into XCom.

    ``reason`` is the machine's word (``fresh``, ``window_closed``), ``message`` what a person reads.
    ``subject`` says what was judged (plan and window), ``evidence`` what the verdict rests on: plain JSON values.
    ``needs_plan``, ``needs_restore_ranges``: a second judgement with these read from the service says more.
    """

    outcome: Outcome
    reason: str
    message: str
    subject: dict[str, Any]
    evidence: dict[str, Any] = {}
    needs_plan: bool = False
    needs_restore_ranges: bool = False

    def xcom(self) -> dict[str, Any]:
        """The small dict that every gate returns: verdict, reason, subject and evidence; times are ISO 8601 in UTC."""
        return {"verdict": self.outcome.value, "reason": self.reason, **self.subject, **self.evidence}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for a trigger's event; ``from_json`` reads them back."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Verdict:
        return msgspec.convert(plain, cls)
