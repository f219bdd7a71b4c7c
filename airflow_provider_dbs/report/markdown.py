# SPDX-License-Identifier: Apache-2.0
"""An audit as Markdown that fits one chat message or a comment on a pull request."""

from __future__ import annotations

import re

from airflow_provider_dbs.judgement.audit.findings import Audit, PlanAudit, Severity
from airflow_provider_dbs.report import overview
from airflow_provider_dbs.report.words import NONE, SEVERITY_LABELS, duration, instant, plain, share

MOST_ROWS = 20
# What every common chat takes in one message; Slack recommends to stay under 4,000 characters.
MOST_CHARACTERS = 4000

_ICONS = {
    Severity.ERROR: "❌",
    Severity.UNKNOWN: "❔",
    Severity.WARN: "⚠️",
    Severity.INFO: "✅",
    Severity.OK: "✅",
    Severity.NOT_EVALUATED: "➖",
}
_HEAD = ("| | Plan | Why | Last full (allowed) | Recoverable to | Coverage |", "|---|---|---|---|---|---:|")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    """The text as it stands, in a table cell: nothing in it is markup, a link or a mention."""
    literal = re.sub(r"[&<>]", lambda found: _ENTITIES[found[0]], text)
    literal = re.sub(r"[\\`*_\[\]|~]", r"\\\g<0>", literal)
    # A zero-width space keeps addresses from becoming links, names from being called, and a plan's name from being
    # a template where the message passes through a templated field of a notifier.
    return re.sub(r"(?i)(@|://|\bwww|\{(?=[{%#]))", "\\1\u200b", literal)


def render_markdown(audit: Audit, report_url: str | None = None) -> str:
    """The verdict, what changed, and the worst plans: at most 20 rows and 4,000 characters, then "+k more"."""
    plans = overview.worst_first(audit.plans)
    above = [
        f"**DBS backup audit: {overview.headline(audit)}**",
        "",
        f"As of {instant(audit.as_of)} UTC. {overview.plans_line(audit)}.",
    ]
    above += [line for line in (overview.changes_line(audit), overview.incompleteness(audit)) if line]
    below = ([f"[Full report]({_address(report_url)})", ""] if report_url else []) + [overview.LIMITATION]
    room = MOST_CHARACTERS - sum(len(line) + 1 for line in [*above, *_HEAD, *below]) - 60  # 60 for the "+k more" line
    rows: list[str] = []
    for plan in plans[:MOST_ROWS]:
        row = _row(plan)
        room -= len(row) + 1
        if room < 0:
            break
        rows.append(row)
    table = ["", *_HEAD, *rows] if rows else []
    left = plans[len(rows) :]
    if left:
        worst = left[0].severity
        table += ["", f"+{len(left):,} more ({SEVERITY_LABELS[worst]}{'' if worst is Severity.OK else ' or better'})"]
    return "\n".join([*above, *table, "", *below, ""])


def _row(plan: PlanAudit) -> str:
    summary = plan.summary
    age = overview.last_full(plan)
    if summary.full_age_allowed is not None:
        age += f" ({duration(summary.full_age_allowed)})"
    cells = (
        f"{_ICONS[plan.severity]} {SEVERITY_LABELS[plan.severity]}",
        _plan_cell(plan),
        escape(overview.why(plan, 80)) or NONE,
        age,
        instant(summary.recoverable_to),
        share(summary.coverage_ratio),
    )
    return f"| {' | '.join(cells)} |"


def _plan_cell(plan: PlanAudit) -> str:
    name, plan_id = overview.plan_name(plan, 40), plain(plan.backup_plan_id, 40)
    return escape(name) if name == plan_id else f"{escape(name)} ({escape(plan_id)})"


def _address(url: str) -> str:
    """The URL with the characters that would end a Markdown link or open HTML percent-encoded."""
    return re.sub(r"[\x00-\x20()<>\"\\|]", lambda found: f"%{ord(found[0]):02X}", url)
