# SPDX-License-Identifier: Apache-2.0
"""What the plan itself says about backups that do not come: it is unknown, elsewhere, paused, stopped or locked."""

from __future__ import annotations

import msgspec

from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.models import BackupPlan
from airflow_provider_dbs.statuses import BackupPlanStatus


class PlanNotFound(msgspec.Struct, frozen=True):
    """The service was asked for the plan and does not list it."""


class PlanTrouble(msgspec.Struct, frozen=True):
    """Why no backup will come by itself: the machine's word and a sentence."""

    reason: str
    message: str


_STATUS_TROUBLE = {
    BackupPlanStatus.PAUSE: ("plan_paused", "is paused: no backup comes until it is started again"),
    BackupPlanStatus.STOP: ("plan_stopped", "has failed and stopped: no backup comes until it is repaired"),
    BackupPlanStatus.LOCKED: ("plan_locked", "is locked by the service, mostly over an unpaid bill"),
    BackupPlanStatus.WAIT: ("plan_not_configured", "is not configured yet"),
    BackupPlanStatus.INIT: ("plan_not_started", "is not started: its precheck has not passed"),
    BackupPlanStatus.CHECK_PASS: ("plan_not_started", "has passed its precheck but is not started"),
}


def plan_trouble(
    plan_id: str, plan: BackupPlan | PlanNotFound | None, region_id: str | None = None
) -> PlanTrouble | None:
    """What is wrong with the plan; None when it runs or was not read. ``region_id`` is the region that was asked."""
    if plan is None:
        return None
    if isinstance(plan, PlanNotFound):
        where = f"in region {region_id}" if region_id else "in the connection's region"
        return PlanTrouble(
            "plan_not_found",
            f"DBS does not know plan {plan_id} {where}: check backup_plan_id, region_id and the account.",
        )
    if region_id and plan.backup_plan_region and plan.backup_plan_region != region_id:
        return PlanTrouble(
            "plan_in_other_region",
            f"Plan {plan_id} is in region {clean(plan.backup_plan_region)}, and {region_id} was asked: set region_id.",
        )
    if plan.backup_plan_status.is_success:
        return None
    reason, words = _STATUS_TROUBLE.get(
        plan.backup_plan_status,
        ("plan_status_unknown", f"has the status {clean(plan.backup_plan_status, 40)}, which no page of DBS names"),
    )
    because = f" ({clean(plan.err_message)})" if plan.err_message else ""
    return PlanTrouble(reason, f"Plan {plan_id} {words}{because}.")


def log_trouble(
    plan_id: str, plan: BackupPlan | PlanNotFound | None, region_id: str | None = None
) -> PlanTrouble | None:
    """As ``plan_trouble``, for gates that need logs: also a plan that backs up none."""
    trouble = plan_trouble(plan_id, plan, region_id)
    if trouble is None and isinstance(plan, BackupPlan) and plan.enable_backup_log is False:
        return PlanTrouble("plan_without_logs", f"Plan {plan_id} backs up no logs (EnableBackupLog is false).")
    return trouble
