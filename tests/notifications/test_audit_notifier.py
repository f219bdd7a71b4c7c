# SPDX-License-Identifier: Apache-2.0
"""The notifier that speaks up only when an audit has news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseNotifier

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.notifications.audit import DbsAuditNotifier
from tests.operators.audit_runs import add_plan, audit, audit_context

TEMPLATE = "{{ dbs_audit.text }}"


class Chat(BaseNotifier):
    """As Airflow's own notifiers: fields are templates, and sending is a call of its own."""

    template_fields: Sequence[str] = ("text", "channel")

    def __init__(self, sent: list[str], text: str = TEMPLATE, channel: str = "{{ dbs_audit.severity }}") -> None:
        super().__init__()
        self.sent = sent
        self.text = text
        self.channel = channel

    def notify(self, context: Any) -> None:
        self.sent.append(f"#{self.channel} {self.text}")


class Broken(Chat):
    def notify(self, context: Any) -> None:
        raise ConnectionError("the chat is down")


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture
def tell(sent: list[str]) -> DbsAuditNotifier:
    return DbsAuditNotifier(Chat(sent))


def ago(hours: float) -> datetime:
    return datetime.now(timezone.utc) - timedelta(hours=hours)


def after_audit(output: Path, **settings: Any) -> Any:
    """The context of a callback of a task that has audited."""
    context = audit_context()
    context["ti"].xcom_push("return_value", audit(output, context, **settings)[0])
    return context


def test_what_is_new_is_told_once_and_what_is_resolved_as_well(
    dbs: Emulator, tmp_path: Path, tell: DbsAuditNotifier, sent: list[str]
) -> None:
    add_plan(dbs, "orders")
    tell(after_audit(tmp_path, as_of=ago(5)))
    assert sent == []

    add_plan(dbs, "billing", failed=[0, 1], error="The disk of 10.1.2.3 is full.")
    context = after_audit(tmp_path, as_of=ago(4), report_url="https://reports.example.com")
    tell(context)
    assert len(sent) == 1
    assert sent[0].startswith("#error DBS backup audit: 1 of 2 backup plans is in error (3 new)")
    assert "error, new: billing (dbsbilling), failures.consecutive" in sent[0]
    assert "measured 2, allowed 2" in sent[0]
    assert "Evidence: full 1full0000" in sent[0]
    assert "The disk of [endpoint] is full." in sent[0]
    assert f"Report: {context['ti'].xcoms['return_value']['report_url']}" in sent[0]

    tell(after_audit(tmp_path, as_of=ago(3)))
    assert len(sent) == 1

    dbs.add_full_backup("dbsbilling", start=ago(2.5), end=ago(2.2))
    tell(after_audit(tmp_path, as_of=ago(1)))
    assert "2 resolved" in sent[1]
    assert "error, resolved: billing (dbsbilling), full.age" in sent[1]
    tell(after_audit(tmp_path))
    assert len(sent) == 2


def test_a_plan_that_cannot_be_read_is_one_item_of_news(
    dbs: Emulator, tmp_path: Path, tell: DbsAuditNotifier, sent: list[str]
) -> None:
    add_plan(dbs, "orders", failed=[0, 1])
    audit(tmp_path, as_of=ago(5))
    dbs.add_fault("forbidden", operation="DescribeFullBackupList", times=None)
    tell(after_audit(tmp_path, as_of=ago(3)))
    assert sent[0].count("\n- ") == 1
    assert "unknown, new: orders (dbsorders), evidence" in sent[0]
    dbs.clear_faults()
    tell(after_audit(tmp_path))
    assert "resolved: orders (dbsorders), evidence" in sent[1]
    assert "error, new: orders (dbsorders), failures.consecutive" in sent[1]


def test_a_plan_that_is_gone_is_told(dbs: Emulator, tmp_path: Path, tell: DbsAuditNotifier, sent: list[str]) -> None:
    add_plan(dbs, "orders")
    add_plan(dbs, "billing", failed=[0, 1])
    audit(tmp_path, as_of=ago(5))
    tell(after_audit(tmp_path, backup_plan_ids="dbsorders"))
    assert "error, not judged any more: dbsbilling, failures.consecutive" in sent[0]


def test_an_audit_without_a_report_is_the_worst_news(tell: DbsAuditNotifier, sent: list[str], tmp_path: Path) -> None:
    tell({**audit_context(), "exception": RuntimeError("no list of backup plans")})
    assert "#unknown DBS backup audit: it ended without a result" in sent[0]
    assert "no list of backup plans" in sent[0]
    context = audit_context()
    context["ti"].xcom_push("return_value", {"audit_json": str(tmp_path / "gone.json"), "report_url": "/r"})
    tell(context)
    assert "The audit cannot be read" in sent[1]


class Killed:
    task_id, map_index = "audit", -1

    def xcom_pull(self, **which: Any) -> None:
        raise RuntimeError("there is no task runner here")


def test_a_callback_outside_the_task_knows_no_summary(tell: DbsAuditNotifier, sent: list[str]) -> None:
    tell({**audit_context(), "ti": Killed()})
    assert "it ended without a result" in sent[0]


def test_a_later_task_names_the_audit(dbs: Emulator, tmp_path: Path, sent: list[str]) -> None:
    add_plan(dbs, "billing", failed=[0, 1])
    summary, _ = audit(tmp_path)
    tell = DbsAuditNotifier(Chat(sent), audit_json="{{ params.audit }}")
    for _ in range(2):  # the notifier is as it was, whatever was rendered
        tell({**audit_context(), "params": {"audit": summary["audit_json"]}})
    assert sent[0] == sent[1]
    assert f"Report: {summary['audit_html']}" in sent[0]


def test_one_notifier_that_fails_does_not_silence_the_others(dbs: Emulator, tmp_path: Path, sent: list[str]) -> None:
    add_plan(dbs, "billing", failed=[0, 1])
    with pytest.raises(ConnectionError):
        DbsAuditNotifier(Broken(sent), Chat(sent))(after_audit(tmp_path))
    assert len(sent) == 1


def test_nothing_of_the_service_is_markup(dbs: Emulator, tmp_path: Path, sent: list[str]) -> None:
    name = "<b>*x*</b> {{ 7 * 7 }} [a](https://evil.example)"
    add_plan(dbs, "billing", plan={"backup_plan_name": name}, failed=[0, 1], error="<script>{{ 6 * 6 }}</script>")
    chats = [Chat(sent, text=f"{{{{ dbs_audit.{form} }}}}") for form in ("html", "markdown", "text")]
    DbsAuditNotifier(*chats)(after_audit(tmp_path))
    html, markdown, text = sent
    assert "<script>" not in html
    assert "<b>" not in html
    assert "\\*x\\*" in markdown
    assert "<b>" not in markdown
    assert "https://evil" not in markdown
    assert name in text


def test_a_plan_cannot_call_a_whole_channel(dbs: Emulator, tmp_path: Path, sent: list[str]) -> None:
    add_plan(dbs, "billing", plan={"backup_plan_name": "<!channel> <@U1> <b>"}, failed=[0, 1])
    DbsAuditNotifier(*(Chat(sent, text=f"{{{{ dbs_audit.{form} }}}}") for form in ("text", "markdown")))(
        after_audit(tmp_path)
    )
    assert not any(call in told for told in sent for call in ("<!", "<@"))
    assert "<b>" in sent[0]


def test_many_items_are_counted(dbs: Emulator, tmp_path: Path, tell: DbsAuditNotifier, sent: list[str]) -> None:
    for number in range(8):
        add_plan(dbs, f"p{number}", failed=[0, 1])
    tell(after_audit(tmp_path))
    assert "- +14 more" in sent[0]
    assert len(sent[0]) < 8000
