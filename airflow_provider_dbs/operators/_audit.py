# SPDX-License-Identifier: Apache-2.0
"""What both audit operators do with an audit: compare it, write it, tell it, and fail by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, BaseOperator

from airflow_provider_dbs.links import DbsAuditReportLink

# What judges and renders is loaded by the task, not by every parse of its DAG file.
if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_dbs.judgement.audit import Audit
    from airflow_provider_dbs.operators.audit_files import AuditFiles

LATEST = "latest"

# Severities that fail the task. An audit that could not see is no better than one that saw an error.
FAIL_ON = {"error": ("error", "unknown"), "warn": ("error", "unknown", "warn"), "never": ()}


class DbsAuditTask(BaseOperator):
    """Ends an audit. ``report_link`` is what the button on the task's Details tab opens."""

    template_fields: Sequence[str] = ("output_path", "previous", "report_url")
    operator_extra_links = (DbsAuditReportLink(),)
    sends_gauges: ClassVar[bool] = True

    def __init__(
        self,
        *,
        output_path: str | None = None,
        previous: str | None = LATEST,
        fail_on: str = "error",
        report_url: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if fail_on not in FAIL_ON:
            raise ValueError(f"fail_on={fail_on!r} is not one of {', '.join(map(repr, FAIL_ON))}")
        self.output_path = output_path
        self.previous = previous
        self.fail_on = fail_on
        self.report_url = report_url
        self.report_link = ""

    def files(self, context: Context) -> AuditFiles:
        """Where this task keeps its audits. Raises ValueError, also for a place that is out of reach."""
        from airflow_provider_dbs.operators.audit_files import AuditFiles, default_output

        output = (self.output_path or "").strip() or default_output()
        ti = context["ti"]
        files = AuditFiles(output, (self.report_url or "").strip() or None, ti.dag_id, ti.task_id, _map_index(ti))
        try:
            files.prepare()
        except OSError as error:
            raise ValueError(f"output_path={output!r} cannot be written: {error}") from None
        return files

    def last_audit(self, context: Context, files: AuditFiles, as_of: datetime) -> Audit | None:
        """The audit that this one is compared with. Raises ValueError for a ``previous`` that is not there.

        "latest" means before this DAG run: a retry is compared with what its first try was compared with.
        """
        from airflow_provider_dbs.operators.audit_files import read_audit, without_pictures

        previous = (self.previous or "").strip()
        if not previous or (previous == LATEST and files.map_index >= 0):
            return None  # parts are compared when they are merged
        if previous != LATEST:
            try:
                return without_pictures(read_audit(previous))
            except (OSError, ValueError) as error:
                raise ValueError(f"previous={previous!r} is no audit.json that can be read: {error}") from None
        begun = context["dag_run"].start_date
        try:
            audit = files.latest(min(as_of, begun) if begun else as_of)
        except (OSError, ValueError) as error:
            self.log.warning("The last audit cannot be read, so nothing is said of what is new: %s", error)
            return None
        return without_pictures(audit) if audit else None

    def conclude(self, audit: Audit, files: AuditFiles, context: Context) -> dict[str, Any]:
        """Write, tell, and return the summary; or fail, after the summary has gone to XCom."""
        from airflow_provider_dbs.metrics import send_gauges
        from airflow_provider_dbs.operators.audit_words import failure_reason, say, summarise
        from airflow_provider_dbs.report import render_markdown

        say(audit, self.log.info)
        try:
            paths = files.write(audit)
        except Exception:
            self.log.error("The report could not be written. What it says in short:\n%s", render_markdown(audit))
            raise
        self.report_link = paths.url or ""
        self.log.info("Report: %s", paths.url or paths.html)
        if self.sends_gauges:
            send_gauges(audit)
        summary = summarise(audit, paths)
        if audit.severity.value not in FAIL_ON[self.fail_on]:
            return summary
        if self.do_xcom_push:
            context["ti"].xcom_push(key="return_value", value=summary)
        # What is wrong stays wrong in a retry; what could not be read may be read then.
        kind = AirflowException if audit.severity.value == "unknown" else AirflowFailException
        reason = failure_reason(audit, paths, self.fail_on)
        self.log.error(reason)
        raise kind(reason)


def _map_index(ti: Any) -> int:
    return -1 if ti.map_index is None else int(ti.map_index)
