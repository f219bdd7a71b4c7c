# SPDX-License-Identifier: Apache-2.0
"""What an audit has to tell that the one before it has not told: the content of a notification.

``News`` is what a template of a notifier sees as ``dbs_audit``. Its texts are clean lines without user names, endpoints
and key ids; ``markdown`` and ``html`` are escaped for their format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape as escape_html

from airflow_provider_dbs.judgement.audit.findings import Audit, Finding, Severity
from airflow_provider_dbs.report import overview
from airflow_provider_dbs.report.markdown import escape as escape_markdown
from airflow_provider_dbs.report.words import NONE, SEVERITY_LABELS, plain, quantity, sentence

MOST_ITEMS = 10
MOST_EVIDENCE = 3

RESOLVED, LOST = "resolved", "not judged any more"
EVIDENCE = "evidence"


@dataclass(frozen=True)
class NewsItem:
    """One finding. ``change``: new, worse, resolved, or not judged any more. ``allowed``: the limit that it broke."""

    change: str
    severity: str
    backup_plan_id: str
    backup_plan_name: str
    check_id: str
    measured: str
    allowed: str
    summary: str
    evidence: str
    remediation: str

    @property
    def title(self) -> str:
        name = self.backup_plan_name
        plan = name if name == self.backup_plan_id else f"{name} ({self.backup_plan_id})"
        return f"{self.severity}, {self.change}: {plan}, {self.check_id}"

    @property
    def details(self) -> list[str]:
        """The finding, its figures, its evidence and what to do, a line each; empty for what is resolved."""
        if self.change == RESOLVED:
            return []
        figures = f"measured {self.measured}" + (f", allowed {self.allowed}" if self.allowed != NONE else "")
        lines = [f"{self.summary} ({figures})" if self.measured != NONE else self.summary]
        lines += [f"Evidence: {self.evidence}"] if self.evidence else []
        lines += [f"To do: {self.remediation}"] if self.remediation and self.change != LOST else []
        return lines


@dataclass(frozen=True)
class News:
    """``subject``: a line. ``report``: the report's address, or its path. ``items``: the worst first."""

    subject: str
    severity: str
    items: tuple[NewsItem, ...]
    report: str
    summary: str = ""

    @property
    def text(self) -> str:
        """Plain text of some lines, in which no plan's name calls the whole channel of a Slack."""
        return "\n".join(self._lines("- ", "  ", _without_calls, f"Report: {self.report}"))

    @property
    def markdown(self) -> str:
        is_address = self.report.startswith(("http://", "https://"))
        report = f"[Report]({self.report})" if is_address else f"Report: {escape_markdown(self.report)}"
        return "\n".join(self._lines("- ", "  ", escape_markdown, report, title="**{}**"))

    @property
    def html(self) -> str:
        address = escape_html(self.report)
        is_address = self.report.startswith(("http://", "https://"))
        report = f'<a href="{address}">Report</a>' if is_address else f"Report: {address}"
        return "<br>\n".join(self._lines("• ", "&emsp;", escape_html, report, title="<strong>{}</strong>"))

    def _lines(
        self, bullet: str, indent: str, escape: Callable[[str], str], report: str, title: str = "{}"
    ) -> Iterator[str]:
        yield title.format(escape(self.subject))
        if self.summary:
            yield escape(self.summary)
        for item in self.items[:MOST_ITEMS]:
            yield f"{bullet}{escape(item.title)}"
            yield from (f"{indent}{escape(line)}" for line in item.details)
        if len(self.items) > MOST_ITEMS:
            yield f"{bullet}+{len(self.items) - MOST_ITEMS:,} more"
        yield report


def _without_calls(line: str) -> str:
    """Slack takes ``<!channel>`` and ``<@U123>`` for mentions, in plain text as well."""
    return re.sub(r"<(?=[!@#])", "<\u200b", line)


def news_of(audit: Audit, report: str) -> News | None:
    """What is new, worse, resolved or out of sight since the last audit; None when nothing is.

    Without an earlier audit every open finding is new; an audit of no plan at all is news each time. ``report``: where
    the full report is.
    """
    if not audit.plans:
        return no_audit(f"{overview.headline(audit)}: there is none where the audit looked for them")
    items = tuple(sorted(_items(audit), key=lambda item: (item.change == RESOLVED, -_RANKS[item.severity])))
    if not items:
        return None
    amounts = {change: sum(item.change == change for item in items) for change in ("new", "worse", RESOLVED, LOST)}
    told = ", ".join(f"{amount:,} {change}" for change, amount in amounts.items() if amount)
    return News(
        subject=f"DBS backup audit: {overview.headline(audit)} ({told})",
        severity=audit.severity.value,
        items=items,
        report=plain(report, 2000),
        summary=f"{overview.plans_line(audit)}.",
    )


def no_audit(reason: str) -> News:
    """An audit that ended without a result: the worst news, since nobody knows how the backups are."""
    return News(
        subject="DBS backup audit: it ended without a result, so nothing is known of the backups",
        severity=Severity.UNKNOWN.value,
        items=(),
        report=NONE,
        summary=plain(reason, 500),
    )


_RANKS = {label: severity.rank for severity, label in SEVERITY_LABELS.items()}


def _items(audit: Audit) -> Iterator[NewsItem]:
    names = {plan.backup_plan_id: overview.plan_name(plan, 60) for plan in audit.plans}
    words = overview.change_words(audit)
    unread = set()
    for plan in audit.plans:
        findings = [finding for finding in plan.findings if finding.severity.is_open]
        if any(finding.check_id == EVIDENCE for finding in findings):
            unread.add(plan.backup_plan_id)
        for finding in findings:
            change = words.get(finding.fingerprint) if audit.changes else "new"
            if change in ("new", "worse") and not (plan.backup_plan_id in unread and _follows(finding)):
                yield _item(finding, change, names)
    if audit.changes:
        for finding in audit.changes.resolved:
            if not _follows(finding):
                yield _item(finding, RESOLVED, names)
        for finding in audit.changes.unjudged:
            if finding.plan_id not in unread:
                yield _item(finding, LOST, names)


def _follows(finding: Finding) -> bool:
    """Whether it says no more than that a list could not be read, which a finding of its own says once."""
    return finding.severity is Severity.UNKNOWN and finding.check_id != EVIDENCE


def _item(finding: Finding, change: str, names: dict[str, str]) -> NewsItem:
    plan_id = plain(finding.plan_id, 60)
    limit = finding.threshold.error if finding.severity is Severity.ERROR else finding.threshold.warn
    kept = [plain(f"{item.kind} {item.id}", 80) for item in finding.evidence[:MOST_EVIDENCE]]
    more = len(finding.evidence) - len(kept)
    return NewsItem(
        change=change,
        severity=SEVERITY_LABELS[finding.severity],
        backup_plan_id=plan_id,
        backup_plan_name=names.get(finding.plan_id, plan_id),
        check_id=finding.check_id,
        measured=quantity(finding.measured, finding.unit),
        allowed=quantity(limit, finding.unit),
        summary=sentence(plain(finding.summary)),
        evidence=", ".join(kept + ([f"{more} more"] if more else [])),
        remediation=plain(finding.remediation),
    )
