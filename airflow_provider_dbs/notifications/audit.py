# SPDX-License-Identifier: Apache-2.0
"""A notifier that speaks up only when an audit has something new to tell, through any other notifier of Airflow."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_dbs.report.news import News


class DbsAuditNotifier(BaseNotifier):
    """Tells an audit's news through the notifiers that it is given; their templates see it as ``dbs_audit``.

    .. code-block:: python

        tell = DbsAuditNotifier(
            SlackWebhookNotifier(slack_webhook_conn_id="slack", text="{{ dbs_audit.text }}"),
            SmtpNotifier(to="dba@example.com", subject="{{ dbs_audit.subject }}", html_content="{{ dbs_audit.html }}"),
        )
        DbsBackupAuditOperator(task_id="audit", on_success_callback=tell, on_failure_callback=tell)

    News are findings that are new or worse since the last audit, and once those that are resolved or that can not be
    judged any more. Without any, nothing is sent. An audit that ended without a result is news too.

    ``dbs_audit`` has ``subject``, ``text``, ``markdown``, ``html``, ``severity``, ``report`` (address or path), and
    ``items`` with ``change``, ``severity``, ``backup_plan_id``, ``backup_plan_name``, ``check_id``, ``measured``,
    ``allowed``, ``summary``, ``evidence``, ``remediation``. For another way to send, override ``send``.

    :param notifiers: what sends; each is called with the task's context.
    :param audit_json: the path of an ``audit.json`` (templated). Without it that of the task whose callback this is; a
        later task gives ``"{{ ti.xcom_pull('audit')['audit_json'] }}"``.
    """

    template_fields: Sequence[str] = ("audit_json",)

    def __init__(self, *notifiers: BaseNotifier, audit_json: str | None = None, context: Context | None = None) -> None:
        super().__init__(context)
        self.notifiers = notifiers
        self.audit_json = audit_json

    def __call__(self, *args: Any) -> None:
        # Airflow calls one notifier for many runs, and rendering a template replaces it.
        super(DbsAuditNotifier, copy.copy(self)).__call__(*args)

    def notify(self, context: Context) -> None:
        news = self._news(context)
        if news is None:
            self.log.info("The audit has no news: nothing is sent")
            return
        self.send(news, context)

    def send(self, news: News, context: Context) -> None:
        """Send to each notifier; one that fails does not keep the others from being told."""
        failures = []
        for notifier in self.notifiers:
            told: Any = {**context, "dbs_audit": news}
            try:
                copy.copy(notifier)(told)
            except Exception as error:
                self.log.exception("%s did not send the audit's news", type(notifier).__name__)
                failures.append(error)
        if failures:
            raise failures[0]

    def _news(self, context: Context) -> News | None:
        from airflow_provider_dbs.operators.audit_files import HTML, read_audit
        from airflow_provider_dbs.report.news import news_of, no_audit

        if self.audit_json:
            path, report = self.audit_json, f"{self.audit_json.rpartition('/')[0]}/{HTML}"
        else:
            summary = self._summary(context)
            if summary is None:
                return no_audit(f"{context.get('exception') or 'No reason is known; the log of the task may tell.'}")
            path, report = summary["audit_json"], summary["report_url"] or summary["audit_html"]
        try:
            return news_of(read_audit(path), report)
        except (OSError, ValueError) as error:
            return no_audit(f"The audit cannot be read: {error}")

    def _summary(self, context: Context) -> Mapping[str, Any] | None:
        """What the task has left in XCom; None when it did not get that far."""
        ti: Any = context["ti"]
        try:
            summary = ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index)
        except Exception as error:  # a callback of a killed task runs where there is no XCom
            self.log.info("The audit's summary cannot be had: %s", error)
            return None
        return summary if isinstance(summary, Mapping) and "audit_json" in summary else None
