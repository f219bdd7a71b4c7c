# SPDX-License-Identifier: Apache-2.0
"""Backup plans with their full and incremental backups, in memory. A test may change them while the server reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_dbs.emulator import rows
from airflow_provider_dbs.emulator.backups import KNOWN_CELLS, Backup, Kind, NewBackup, make_backup
from airflow_provider_dbs.emulator.progress import STATUSES, Progression, make_progress
from airflow_provider_dbs.emulator.rows import Row
from airflow_provider_dbs.emulator.settings import Settings
from airflow_provider_dbs.emulator.times import Clock

_REMEMBERED_LISTINGS = 64
_ORDERS: Mapping[str, Callable[[Backup], tuple[int, int]]] = {
    "shuffled": lambda backup: (-backup.pushed, backup.shuffled_place),
    "newest": lambda backup: (-backup.pushed, -backup.placed_at),
    "oldest": lambda backup: (-backup.pushed, backup.placed_at),
}


@dataclass(eq=False)
class Plan:
    row: Row
    backups: dict[Kind, list[Backup]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    listings: dict[Kind, dict[Hashable, list[Backup]]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    """Ordered and filtered lists already worked out; emptied by every change."""
    restore_ranges: list[Row] | None = None
    pushed: int = 0


class Store:
    def __init__(self, settings: Callable[[], Settings], now: Clock) -> None:
        self._settings = settings
        self._now = now
        self._lock = threading.RLock()
        self._plans: dict[str, Plan] = {}
        self._by_set_id: dict[str, list[Backup]] = {}
        self._timed: set[Backup] = set()
        self._made_up = 0

    def clear(self) -> None:
        with self._lock:
            self._plans.clear()
            self._by_set_id.clear()
            self._timed.clear()
            self._made_up = 0

    # -- reading ------------

    def plan(self, backup_plan_id: str) -> Plan | None:
        return self._plans.get(backup_plan_id)

    def plans(self) -> list[Plan]:
        """In the order they were added, those pushed in front first."""
        with self._lock:
            return sorted(self._plans.values(), key=lambda plan: -plan.pushed)

    def listing(
        self,
        kind: Kind,
        backup_plan_id: str,
        filter_key: Hashable = None,
        keep: Callable[[Backup], bool] | None = None,
    ) -> Sequence[Backup]:
        """The plan's backups that ``keep`` selects, in the set order. The result is remembered under ``filter_key``."""
        with self._lock:
            self._pass_time()
            plan = self._plans.get(backup_plan_id)
            if plan is None:
                return ()
            order = self._settings().order
            known = plan.listings[kind]
            found = known.get((order, filter_key))
            if found is None:
                chosen = [item for item in plan.backups[kind] if keep is None or keep(item)]
                if len(known) >= _REMEMBERED_LISTINGS:
                    known.clear()
                found = known[order, filter_key] = sorted(chosen, key=_ORDERS[order])
            return found

    # -- adding ------------

    def add_plan(self, backup_plan_id: str, region: str, fields: Mapping[str, Any], *, in_front: bool = False) -> None:
        with self._lock:
            if backup_plan_id in self._plans:
                raise ValueError(f"backup plan {backup_plan_id!r} exists already")
            plan = Plan(rows.plan_row(backup_plan_id, region, fields))
            self._plans[backup_plan_id] = plan
            plan.pushed = len(self._plans) if in_front else 0

    def update_plan(self, backup_plan_id: str, fields: Mapping[str, Any]) -> None:
        with self._lock:
            self._need_plan(backup_plan_id).row.update(rows.cells(fields, rows.PLAN_CELLS))

    def set_restore_ranges(self, backup_plan_id: str, ranges: list[Row] | None) -> None:
        with self._lock:
            self._need_plan(backup_plan_id).restore_ranges = ranges

    def add(
        self, kind: Kind, backup_plan_id: str, backup_set_id: str | None, new: NewBackup, *, in_front: bool = False
    ) -> str:
        """Returns the backup set id, made up if it is None. ``in_front``: the service lists it first from now on."""
        with self._lock:
            plan = self._need_plan(backup_plan_id)
            settings, now = self._settings(), self._now()
            set_id = backup_set_id or self._make_up(plan, kind)
            if kind is Kind.FULL and any(item.plan_id == backup_plan_id for item in self._by_set_id.get(set_id, ())):
                raise ValueError(f"backup plan {backup_plan_id!r} has a backup set {set_id!r} already")
            progress = make_progress(
                new.progression or settings.progression,
                new.outcome,
                {**settings.durations, **(new.durations or {})},
                STATUSES[kind],
                now,
            )
            backup = make_backup(kind, plan.row, set_id, new, progress, now)
            plan.backups[kind].append(backup)
            plan.listings[kind].clear()
            backup.pushed = len(plan.backups[kind]) if in_front else 0
            self._by_set_id.setdefault(set_id, []).append(backup)
            self._track(backup)
            while progress.mode is Progression.IMMEDIATELY and (following := progress.next_status(backup.status)):
                self._enter(backup, following, now)
            return set_id

    def add_plan_in_front(self) -> None:
        """A plan that the service lists first from now on."""
        with self._lock:
            self._made_up += 1
            self.add_plan(f"dbspushed{self._made_up:06d}", "cn-hangzhou", {}, in_front=True)

    # -- moving on ------------

    def set_status(
        self,
        backup_set_id: str,
        status: str,
        *,
        backup_plan_id: str | None,
        start: datetime | None,
        end: datetime | None,
        cells: Mapping[str, Any],
    ) -> None:
        with self._lock:
            backup = self._need_backup(backup_set_id, backup_plan_id)
            known = KNOWN_CELLS[backup.kind]
            times = {name: moment for name, moment in (("StartTime", start), ("EndTime", end)) if moment is not None}
            checked = rows.cells(cells, known)
            backup.row.update(rows.cells(times, known))
            if end is not None:
                backup.row.pop("FinishTime", None)
            self._enter(backup, status, self._now(), keep_end=end is not None)
            backup.row.update(checked)

    def advance(self, backup_set_id: str | None = None) -> int:
        """One step of that backup, or of every one that has a step to take. Returns how many moved."""
        with self._lock:
            self._pass_time()
            if backup_set_id is None:
                chosen = [item for plan in self._plans.values() for kind in Kind for item in plan.backups[kind]]
            else:
                chosen = [self._need_backup(backup_set_id, None)]
            steps = [(item, following) for item in chosen if (following := item.progress.next_status(item.status))]
            for backup, following in steps:
                self._enter(backup, following, self._now())
            return len(steps)

    def _pass_time(self) -> None:
        """Take the steps that ``by_time`` backups have reached, each at its own moment."""
        if not self._timed:
            return
        now = self._now()
        for backup in list(self._timed):
            while step := backup.progress.due(backup.status, now):
                self._enter(backup, *step)

    def _enter(self, backup: Backup, status: str, moment: datetime, *, keep_end: bool = False) -> None:
        backup.enter(status, moment, keep_end=keep_end)
        self._track(backup)
        self._plans[backup.plan_id].listings[backup.kind].clear()

    def _track(self, backup: Backup) -> None:
        if backup.progress.mode is Progression.BY_TIME and backup.progress.next_status(backup.status):
            self._timed.add(backup)
        else:
            self._timed.discard(backup)

    # -- helpers ------------

    def _make_up(self, plan: Plan, kind: Kind) -> str:
        if kind is Kind.INCREMENTAL:
            return f"mysql-bin.{len(plan.backups[kind]) + 1:06d}"
        self._made_up += 1
        return f"1full{self._made_up:06d}"

    def _need_plan(self, backup_plan_id: str) -> Plan:
        plan = self._plans.get(backup_plan_id)
        if plan is None:
            raise ValueError(f"there is no backup plan {backup_plan_id!r}; add_plan({backup_plan_id!r}) comes first")
        return plan

    def _need_backup(self, backup_set_id: str, backup_plan_id: str | None) -> Backup:
        found = [
            item
            for item in self._by_set_id.get(backup_set_id, ())
            if backup_plan_id is None or item.plan_id == backup_plan_id
        ]
        if not found:
            raise ValueError(f"there is no backup set {backup_set_id!r}")
        if len({item.plan_id for item in found}) > 1:
            raise ValueError(f"backup set {backup_set_id!r} exists in several plans: give backup_plan_id as well")
        return found[-1]
