# SPDX-License-Identifier: Apache-2.0
"""The statuses of backup plans, full backups and incremental backups, as the service writes them.

Full backup statuses are lower case and those of increments upper case; both are read in any case.
"""

from __future__ import annotations

from enum import Enum
from typing import Any


class _Status(str, Enum):
    """A status as the service writes it. One that no page names is kept as its raw string, and means nothing."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if not isinstance(value, str) or not value.strip():
            return None
        for member in cls:
            if member.value.lower() == value.strip().lower():
                return member
        unknown = str.__new__(cls, value)
        unknown._name_, unknown._value_ = "UNKNOWN", value
        return unknown

    @property
    def is_known(self) -> bool:
        """Whether a page of the service names this status."""
        return self._name_ != "UNKNOWN"

    def __str__(self) -> str:
        return str(self.value)


class FullBackupStatus(_Status):
    """``BackupStatus`` of a full backup. ``STOP`` means failed, not stopped by a user; ``PAUSE`` can be resumed."""

    SCHEDULE = "schedule"
    RUNNING = "running"
    FINISH = "finish"
    STOP = "stop"
    PAUSE = "pause"

    @property
    def is_success(self) -> bool:
        return self is FullBackupStatus.FINISH

    @property
    def is_terminal(self) -> bool:
        return self in (FullBackupStatus.FINISH, FullBackupStatus.STOP)


class IncrementalBackupStatus(_Status):
    """``BackupStatus`` of a log segment. The newest segment of a live plan stays ``FILLING``, with a moving EndTime."""

    INIT = "INIT"
    FILLING = "FILLING"
    COMPLETED = "COMPLETED"
    UNCOMPLETED = "UNCOMPLETED"

    @property
    def is_success(self) -> bool:
        return self is IncrementalBackupStatus.COMPLETED

    @property
    def is_terminal(self) -> bool:
        return self in (IncrementalBackupStatus.COMPLETED, IncrementalBackupStatus.UNCOMPLETED)


class BackupPlanStatus(_Status):
    """``BackupPlanStatus``. A plan never ends by itself, so "terminal" means: no backup comes until a person acts."""

    WAIT = "wait"
    INIT = "init"
    RUNNING = "running"
    STOP = "stop"
    PAUSE = "pause"
    LOCKED = "locked"
    CHECK_PASS = "check_pass"  # noqa: S105

    @property
    def is_success(self) -> bool:
        return self is BackupPlanStatus.RUNNING

    @property
    def is_terminal(self) -> bool:
        return self in (BackupPlanStatus.STOP, BackupPlanStatus.LOCKED)
