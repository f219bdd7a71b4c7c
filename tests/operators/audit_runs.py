# SPDX-License-Identifier: Apache-2.0
"""Plans to audit, and an audit task run as a worker would."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.judgement.audit import Audit, Finding, PlanAudit
from airflow_provider_dbs.operators.audit_files import read_audit
from airflow_provider_dbs.operators.dbs import DbsBackupAuditOperator
from tests.operators.conftest import run

POLICY = {"recovery_window": "3d", "rpo": "2h"}
HEALTHY: dict[str, Any] = {"days": 20, "retention": "60d"}


@dataclass
class TaskInstance:
    dag_id: str = "nightly"
    task_id: str = "audit"
    map_index: int | None = -1
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, *, task_ids: str, map_indexes: int | None) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcoms.get("return_value")


def audit_context(*, started: datetime | None = None, **instance: Any) -> Any:
    """The context of a DAG run that has just started."""
    now = datetime.now(timezone.utc)
    return {"ti": TaskInstance(**instance), "dag_run": SimpleNamespace(run_after=now, start_date=started or now)}


def add_plan(dbs: Emulator, name: str, *, plan: dict[str, Any] | None = None, **history: Any) -> None:
    """A plan ``dbs<name>``, healthy but for what ``history`` says. Its ticks were 20 hours ago, and daily before."""
    tick = datetime.now(timezone.utc) - timedelta(hours=20)
    dbs.load(
        {
            "plans": [
                {
                    "backup_plan_id": f"dbs{name}",
                    "backup_plan_name": name,
                    "backup_start_time": f"{tick:%H:%M}",
                    "backup_retention_period": 60,
                    **(plan or {}),
                    "history": {**HEALTHY, **history},
                }
            ]
        }
    )


def auditing(output: Path | str, **settings: Any) -> DbsBackupAuditOperator:
    settings = {"policy": POLICY, **settings}
    return DbsBackupAuditOperator(task_id="audit", output_path=str(output), **settings)


def audit(output: Path | str, context: Any = None, **settings: Any) -> tuple[dict[str, Any], Audit]:
    """The summary of an audit that may not fail, and the audit itself."""
    summary = run(auditing(output, **{"fail_on": "never", **settings}), context or audit_context())
    return summary, read_audit(summary["audit_json"])


def plan_of(audit: Audit, plan_id: str) -> PlanAudit:
    return next(plan for plan in audit.plans if plan.backup_plan_id == plan_id)


def finding_of(audit: Audit, plan_id: str, check_id: str) -> Finding:
    return next(finding for finding in plan_of(audit, plan_id).findings if finding.check_id == check_id)
