# SPDX-License-Identifier: Apache-2.0
"""Which backup plans a task asks for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from airflow_provider_dbs.models import BackupPlan
from airflow_provider_dbs.statuses import BackupPlanStatus

_PLAN_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class PlanFilters:
    """Plans of these ids, in this status, of this region; None is no restriction."""

    backup_plan_ids: list[str] | None
    status: BackupPlanStatus | None
    region: str | None

    @classmethod
    def read(cls, backup_plan_ids: Collection[str] | str | None, status: str | None, region: str | None) -> PlanFilters:
        """From rendered settings; ValueError for an id that is none and a status that no plan can have."""
        return cls(_read_ids(backup_plan_ids), _read_status(status), (region or "").strip() or None)

    def __str__(self) -> str:
        given = {
            "backup_plan_ids": None if self.backup_plan_ids is None else f"[{', '.join(self.backup_plan_ids)}]",
            "status": self.status,
            "region": self.region,
        }
        return ", ".join(f"{name}={value}" for name, value in given.items() if value is not None) or "no filter"

    def keep(self, plan: BackupPlan) -> bool:
        """Whether the plan passes every filter, as far as it tells: the region is not on every plan."""
        return (
            (self.backup_plan_ids is None or plan.backup_plan_id in self.backup_plan_ids)
            and self.status in (None, plan.backup_plan_status)
            and (not self.region or plan.backup_plan_region in (None, self.region))
        )

    def missing_from(self, plans: Iterable[BackupPlan]) -> list[str]:
        """The ids asked for that none of ``plans`` has."""
        known = {plan.backup_plan_id for plan in plans}
        return [plan_id for plan_id in self.backup_plan_ids or () if plan_id not in known]


def _read_ids(given: Any) -> list[str] | None:
    """A text without any id is an empty list, not "all": it may be a template that rendered to nothing."""
    if given is None:
        return None
    if isinstance(given, str):
        ids: list[Any] = [part.strip() for part in given.split(",") if part.strip()]
    elif isinstance(given, Iterable):
        ids = list(given)
    else:
        ids = [given]
    for plan_id in ids:
        if not isinstance(plan_id, str) or not _PLAN_ID.fullmatch(plan_id):
            raise ValueError(
                f"backup_plan_ids holds {plan_id!r}, which is no plan id: give a list of ids such as dbsr179qz0001, "
                "or one string with commas between them. A template gives a list only in a DAG with "
                "render_template_as_native_obj=True; a task's .output always does"
            )
    return list(dict.fromkeys(ids))


def _read_status(given: str | None) -> BackupPlanStatus | None:
    if not given:
        return None
    status = BackupPlanStatus(given) if isinstance(given, str) and given.strip() else None
    if status is None or not status.is_known:
        known = ", ".join(BackupPlanStatus)
        raise ValueError(f"status={given!r} is not the status of a backup plan: give one of {known}")
    return status
