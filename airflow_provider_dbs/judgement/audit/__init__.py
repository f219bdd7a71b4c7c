# SPDX-License-Identifier: Apache-2.0
"""Judges every plan of an account at one instant and keeps the evidence.

Rows (``models``) → ``normalise`` → ``history`` → one pure function per check → ``findings``, which are ``audit.json``.
"""

from __future__ import annotations

from airflow_provider_dbs.judgement.audit.audit import (
    RequiredInputs,
    audit_plan,
    audit_unavailable,
    logs_since,
    required_inputs,
)
from airflow_provider_dbs.judgement.audit.catalogue import format_catalogue
from airflow_provider_dbs.judgement.audit.findings import Audit, Finding, PlanAudit, Severity
from airflow_provider_dbs.judgement.audit.fleet import compare, merge, roll_up
from airflow_provider_dbs.judgement.audit.policy import Policy, PolicyError

__all__ = [
    "Audit",
    "Finding",
    "PlanAudit",
    "Policy",
    "PolicyError",
    "RequiredInputs",
    "Severity",
    "audit_plan",
    "audit_unavailable",
    "compare",
    "format_catalogue",
    "logs_since",
    "merge",
    "required_inputs",
    "roll_up",
]
