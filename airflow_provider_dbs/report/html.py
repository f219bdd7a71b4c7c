# SPDX-License-Identifier: Apache-2.0
"""An audit as one HTML file: no network, no script, light and dark, and it prints.

Everything that came from the service passes ``words.plain`` (user names, endpoints and key ids left out) and then
Jinja2's autoescape. The page forbids itself scripts and every request by a Content-Security-Policy of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_dbs.judgement.audit.findings import Audit, Finding, FullMark, PlanAudit, Severity, TickMark
from airflow_provider_dbs.report import heatmap, overview, sparkline, timeline, words

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_PICTURES = 50
MOST_ROWS = 100
MOST_LISTED = 20
# With more healthy plans than this their lines of the table are folded away.
MOST_HEALTHY_SHOWN = 20

T = TypeVar("T")


@dataclass(frozen=True)
class Rows(Generic[T]):
    """The first rows of a table and how many there are beyond them."""

    shown: Sequence[T]
    more: int

    @classmethod
    def of(cls, rows: Sequence[T], most: int = MOST_ROWS) -> Rows[T]:
        return cls(rows[:most], max(0, len(rows) - most))


@dataclass(frozen=True)
class Pictures:
    """A plan drawn; what it has no data for is None."""

    timeline: timeline.Timeline
    heatmap: heatmap.Heatmap | None
    sizes: sparkline.Sparkline | None
    durations: sparkline.Sparkline | None


@dataclass(frozen=True)
class PlanView:
    """A plan as the templates place it. ``section``: whether it has a section of its own below the table."""

    number: int
    plan: PlanAudit
    name: str
    section: bool
    opened: bool
    pictures: Pictures | None
    findings: list[Finding]
    fine: list[Finding]
    unevaluated: list[Finding]

    @property
    def fulls(self) -> Rows[FullMark]:
        return Rows.of(self.plan.fulls[::-1])

    @property
    def ticks(self) -> Rows[TickMark]:
        return Rows.of(self.plan.ticks[::-1])


def render_html(audit: Audit, *, pictures: int = MOST_PICTURES) -> str:
    """The whole report. ``pictures``: how many plans, worst first, are drawn; the page says so when some are not."""
    views = [_view(number, plan, audit, pictures) for number, plan in enumerate(overview.worst_first(audit.plans), 1)]
    healthy = [view for view in views if not view.plan.severity.is_open]
    fold = len(healthy) > MOST_HEALTHY_SHOWN
    changes = audit.changes
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            audit=audit,
            views=views,
            shown=[view for view in views if view.plan.severity.is_open] if fold else views,
            folded=healthy if fold else [],
            drawn=any(view.pictures for view in views),
            pictures=pictures,
            sections=[view for view in views if view.section],
            change_words=overview.change_words(audit),
            resolved=Rows.of(changes.resolved if changes else (), MOST_LISTED),
            unjudged=Rows.of(changes.unjudged if changes else (), MOST_LISTED),
            names={plan.backup_plan_id: overview.plan_name(plan) for plan in audit.plans},
        )
    )


def _view(number: int, plan: PlanAudit, audit: Audit, pictures: int) -> PlanView:
    def of(*severities: Severity) -> list[Finding]:
        return sorted((f for f in plan.findings if f.severity in severities), key=lambda f: -f.severity.rank)

    drawn = number <= pictures
    return PlanView(
        number=number,
        plan=plan,
        name=overview.plan_name(plan),
        section=drawn or plan.severity.is_open,
        opened=drawn and plan.severity.is_open,
        pictures=_pictures(plan, audit) if drawn else None,
        findings=of(Severity.ERROR, Severity.UNKNOWN, Severity.WARN),
        fine=of(Severity.INFO, Severity.OK),
        unevaluated=of(Severity.NOT_EVALUATED),
    )


def _pictures(plan: PlanAudit, audit: Audit) -> Pictures | None:
    if not (plan.fulls or plan.ticks or plan.logs or plan.coverage or plan.coverage_gaps):
        return None
    start = audit.window.start
    return Pictures(
        timeline=timeline.draw(plan, start, audit.as_of),
        heatmap=heatmap.draw(plan.ticks, start, audit.as_of) if plan.ticks else None,
        sizes=sparkline.draw(plan.sizes, start, audit.as_of),
        durations=sparkline.draw(plan.durations, start, audit.as_of),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("airflow_provider_dbs.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(words, name)
        for name in (
            "plain",
            "sentence",
            "duration",
            "instant",
            "timestamp",
            "local_instant",
            "size",
            "share",
            "quantity",
        )
    }
    environment.filters |= {"full_shape": timeline.full_shape, "cause_words": timeline.cause_words}
    texts: dict[str, Any] = {
        "count": words.count,
        "schedule": words.schedule,
        "overview": overview,
        "labels": words.SEVERITY_LABELS,
        "NONE": words.NONE,
        "CELL": heatmap.CELL,
        "SPARK_HEIGHT": sparkline.HEIGHT,
    }
    environment.globals |= texts
    return environment
