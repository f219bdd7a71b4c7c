# SPDX-License-Identifier: Apache-2.0
"""What is not known is not told as known: the newest full of a plan whose list could not be read."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_provider_dbs.judgement.audit import PlanAudit, Policy, audit_plan, audit_unavailable, roll_up
from airflow_provider_dbs.models import BackupPlan, BackupPlanStatus
from airflow_provider_dbs.report import render_html, render_markdown
from airflow_provider_dbs.report.news import news_of
from airflow_provider_dbs.report.overview import last_full

AS_OF = datetime(2026, 11, 21, 10, 0, tzinfo=timezone.utc)
PLAN = BackupPlan(backup_plan_id="dbs1", backup_plan_status=BackupPlanStatus.RUNNING)


def judged(**incomplete: str) -> PlanAudit:
    return audit_plan(PLAN, [], [], Policy(), AS_OF, incomplete=incomplete)


@pytest.mark.parametrize(
    ("plan", "words"),
    [(judged(), "none"), (judged(fulls="HTTP 403"), "–"), (audit_unavailable("dbs1", "gone", as_of=AS_OF), "–")],
)
def test_there_is_none_only_where_that_is_known(plan: PlanAudit, words: str) -> None:
    assert last_full(plan) == words
    audit = roll_up([plan], as_of=AS_OF, policy=Policy())
    assert f"| {words}" in render_markdown(audit)
    assert render_html(audit)


def test_news_of_a_first_audit_are_all_open_findings_once() -> None:
    audit = roll_up([judged(fulls="HTTP 403")], as_of=AS_OF, policy=Policy())
    news = news_of(audit, "/audits/audit.html")
    assert news is not None
    assert [item.check_id for item in news.items].count("evidence") == 1
    assert news.markdown.splitlines()[-1] == "Report: /audits/audit.html"


def test_an_audit_of_no_plan_is_no_good_news() -> None:
    news = news_of(roll_up([], as_of=AS_OF, policy=Policy()), "/r")
    assert news is not None
    assert "No backup plan was audited" in news.text
