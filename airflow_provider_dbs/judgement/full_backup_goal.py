# SPDX-License-Identifier: Apache-2.0
"""What a full-backup gate asks for: which backups belong to its window, and until when they are waited for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from airflow_provider_dbs.judgement.goal import Goal, as_duration, check_choice
from airflow_provider_dbs.judgement.window import Window
from airflow_provider_dbs.judgement.words import duration
from airflow_provider_dbs.models import FullBackup

Anchor = Literal["start", "end", "contained"]
UsableAt = Literal["now", "window_end"]
ANCHORS: tuple[str, ...] = get_args(Anchor)
USABLE_AT: tuple[str, ...] = get_args(UsableAt)


class FullBackupGoal(Goal, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A usable full backup of ``window``.

    ``anchor``: which of its times must lie in the window: its start, its end, or both ("contained").
    ``grace``: how long after the window's end a backup still counts; ``accept_later``: however late.
    ``usable_at``: whether the set must be unexpired now or only at the window's end.
    ``min_size``: in units of BackupSize. ``fail_on_stopped``: a failed backup inside the window ends the wait at once.
    Raises ValueError, naming the option, for a value outside its choices or below 0.
    """

    window: Window
    anchor: Anchor = "start"
    grace: timedelta = timedelta(0)
    accept_later: bool = False
    usable_at: UsableAt = "now"
    min_size: int = 1
    fail_on_stopped: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("anchor", self.anchor, ANCHORS)
        check_choice("usable_at", self.usable_at, USABLE_AT)
        as_duration("grace", self.grace)
        if not isinstance(self.min_size, int) or isinstance(self.min_size, bool) or self.min_size < 0:
            raise ValueError(f"min_size={self.min_size!r} must be a whole number from 0 on: 0 accepts an empty backup")

    def subject(self) -> dict[str, Any]:
        return {"backup_plan_id": self.backup_plan_id, **self.window.as_dict()}

    @property
    def stretch(self) -> str:
        """The window in words, with what widens it and where it comes from."""
        widened = (
            ", or any later one" if self.accept_later else f" + {duration(self.grace)} of grace" if self.grace else ""
        )
        return f"{self.window}{widened} ({self.window.source}; by {self.anchor})"

    @property
    def limit(self) -> datetime | None:
        """A backup placed from here on comes too late; None when none can."""
        return None if self.window.end is None or self.accept_later else self.window.end + self.grace

    def closed(self, as_of: datetime) -> bool:
        """Whether the window is over and the list has had time to show everything in it."""
        return self.window.end is not None and as_of >= self.window.end + self.grace + self.settle

    def holds(self, full: FullBackup) -> bool:
        """Whether the backup belongs to the window; while its anchor is unknown, by where it stands in time."""
        left = right = full.placed_time
        if self.anchor != "start":
            right = full.completed_time or right
        if self.anchor == "end":
            left = right
        return left is not None and right is not None and self.window.start <= left and self._in_time(right)

    def matches(self, full: FullBackup) -> bool:
        """Whether the backup's anchor is known and lies in the window."""
        known = (full.start_time or self.anchor == "end") and (full.completed_time or self.anchor == "start")
        return bool(known) and self.holds(full)

    def awaits(self, full: FullBackup, as_of: datetime) -> bool:
        """Whether the backup is unfinished and could yet become a match."""
        placed = full.placed_time
        if full.backup_status.is_terminal or placed is None or not self._in_time(placed):
            return False
        if self.anchor == "start":
            return placed >= self.window.start
        if self.anchor == "contained" and full.start_time is not None and full.start_time < self.window.start:
            return False
        return self.limit is None or not self.closed(as_of)

    def _in_time(self, moment: datetime) -> bool:
        return self.limit is None or moment < self.limit
