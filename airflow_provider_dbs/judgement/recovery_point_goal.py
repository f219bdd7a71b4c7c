# SPDX-License-Identifier: Apache-2.0
"""What a recovery-point gate asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, get_args

from airflow_provider_dbs.judgement.goal import Goal, check_choice
from airflow_provider_dbs.models import iso

Authority = Literal["computed", "service", "both"]
AUTHORITIES: tuple[str, ...] = get_args(Authority)


class RecoveryPointGoal(Goal, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The database can be restored to ``recovery_time``; ``source`` says in words where that comes from.

    ``backup_method``: the plan's own when None. ``authority``: who says so, this package's reading of the lists
    (``computed``), DescribeRestoreRangeInfo (``service``) or ``both``. ``count_open_tail``: the FILLING tail counts.
    Raises ValueError, naming the option, for an unknown authority, and as every goal does.
    """

    recovery_time: datetime
    source: str = "recovery_time"
    backup_method: str | None = None
    authority: Authority = "both"
    count_open_tail: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("authority", self.authority, AUTHORITIES)

    def subject(self) -> dict[str, Any]:
        moment = iso(self.recovery_time)
        return {
            "backup_plan_id": self.backup_plan_id,
            "recovery_time": moment,
            "window_start": moment,
            "window_end": moment,
            "window_source": self.source,
        }

    def __str__(self) -> str:
        return f"{iso(self.recovery_time)} ({self.source})"
