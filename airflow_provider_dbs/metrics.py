# SPDX-License-Identifier: Apache-2.0
"""An audit as gauges, through whatever metrics backend Airflow is configured with (``[metrics]``).

| gauge | of a plan |
|---|---|
| ``dbs.full_age_seconds`` | age of the newest usable full backup |
| ``dbs.content_age_seconds`` | age of the newest state that can be recovered |
| ``dbs.coverage_ratio`` | recoverable part of the policy's recovery window, 0 to 1 |
| ``dbs.redundancy`` | usable full backups |
| ``dbs.findings`` | open findings, by ``severity``: error, unknown, warn |
| ``dbs.audit_timestamp`` | when it was audited, seconds since 1970: alert when it stops moving |

The plan is the tag ``backup_plan_id``. Plain StatsD drops tags, and all plans would share one series: there the plan
(and the severity) becomes part of the name, as in ``dbs.full_age_seconds.dbsr179qz0001`` and
``dbs.findings.dbsr179qz0001.error``. What an audit could not find out is not sent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from airflow_provider_dbs.judgement.audit import Audit, PlanAudit, Severity

_OPEN = (Severity.ERROR, Severity.UNKNOWN, Severity.WARN)
# Backends that keep tags: [metrics] settings of Airflow.
_TAGGED_BACKENDS = ("statsd_datadog_enabled", "statsd_influxdb_enabled", "otel_on")


def send_gauges(audit: Audit) -> None:
    from airflow.providers.common.compat.sdk import Stats, conf

    has_tags = any(conf.getboolean("metrics", name, fallback=False) for name in _TAGGED_BACKENDS)
    for plan in audit.plans:
        for name, value, tags in _gauges(plan, audit):
            labels = {"backup_plan_id": plan.backup_plan_id, **tags}
            ending = "" if has_tags else "".join(f".{_normalised(label)}" for label in labels.values())
            Stats.gauge(f"dbs.{name}{ending}", value, tags=labels)


def _gauges(plan: PlanAudit, audit: Audit) -> Iterator[tuple[str, float, dict[str, str]]]:
    summary = plan.summary
    for name, value in (
        ("full_age_seconds", summary.full_age),
        ("content_age_seconds", summary.content_age),
        ("coverage_ratio", summary.coverage_ratio),
        ("redundancy", summary.redundancy),
        ("audit_timestamp", audit.as_of.timestamp()),
    ):
        if value is not None:
            yield name, value, {}
    counts = Counter(finding.severity for finding in plan.findings)
    for severity in _OPEN:
        yield "findings", counts[severity], {"severity": severity.value}


def _normalised(label: str) -> str:
    """A dot would be a level of its own."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", label)
