# SPDX-License-Identifier: Apache-2.0
"""A fleet audited in parts, merged into one report, and told about."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import BaseNotifier
from airflow.sdk import DAG

from airflow_provider_dbs.notifications.audit import DbsAuditNotifier
from airflow_provider_dbs.operators.dbs import (
    DbsBackupAuditOperator,
    DbsListBackupPlansOperator,
    DbsMergeAuditsOperator,
)

OUTPUT = os.path.join(os.environ["AIRFLOW_HOME"], "reports")


class Note(BaseNotifier):
    """Writes what it is told to a file."""

    template_fields: Sequence[str] = ("text",)

    def __init__(self) -> None:
        super().__init__()
        self.text = "{{ dbs_audit.text }}"

    def notify(self, context: Any) -> None:
        Path(OUTPUT, "told.txt").write_text(self.text)


with DAG("audits", schedule=None) as dag:
    plans = DbsListBackupPlansOperator(task_id="plans")
    parts = DbsBackupAuditOperator.partial(task_id="parts", output_path=OUTPUT, fail_on="never").expand(
        backup_plan_ids=plans.output
    )
    DbsMergeAuditsOperator(
        task_id="audit",
        inputs=parts.output,
        backup_plan_ids=plans.output,
        output_path=OUTPUT,
        report_url="https://reports.example.com",
        on_failure_callback=DbsAuditNotifier(Note()),
        retries=3,
    )
