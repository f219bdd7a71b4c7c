# SPDX-License-Identifier: Apache-2.0
"""An audit, written down for whoever reads it.

| for | function | what it is |
|---|---|---|
| programs | ``render_json`` | the whole audit: the contract of ``judgement/audit/findings.py`` |
| a chat, a pull request | ``render_markdown`` | the verdict and the worst plans, small enough for one message |
| an operator, an auditor | ``render_html`` | one file with tables and pictures; needs no network and no script |

Nothing here judges: every verdict, limit and gap is read from the ``Audit``. ``overview`` and ``words`` choose words,
``axis``, ``timeline``, ``heatmap`` and ``sparkline`` compute geometry, the templates place it.
"""

from __future__ import annotations

from airflow_provider_dbs.judgement.audit.findings import Audit
from airflow_provider_dbs.report.html import render_html
from airflow_provider_dbs.report.markdown import render_markdown

__all__ = ["render_html", "render_json", "render_markdown"]


def render_json(audit: Audit) -> bytes:
    """``audit.json``."""
    return audit.to_json()
