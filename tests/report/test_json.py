# SPDX-License-Identifier: Apache-2.0
"""``audit.json`` says everything, and the same thing every time."""

from __future__ import annotations

import json

import msgspec

from airflow_provider_dbs.judgement.audit.findings import Audit
from airflow_provider_dbs.report import render_json


def test_reads_back_as_the_same_audit(scribe):
    audit = scribe.fleet()
    assert Audit.from_json(render_json(audit)) == audit


def test_hostile_texts_survive_unchanged(hostile):
    audit = hostile.fleet()
    assert Audit.from_json(render_json(audit)) == audit


def test_same_audit_gives_same_bytes_whatever_the_order_of_its_versions(scribe):
    audit = scribe.fleet()
    reversed_versions = msgspec.structs.replace(audit, versions=dict(reversed(audit.versions.items())))
    assert render_json(reversed_versions) == render_json(audit)


def test_keys_stand_in_the_order_of_the_contract(scribe):
    written = json.loads(render_json(scribe.fleet()))
    assert list(written)[:5] == ["schema_version", "as_of", "window", "severity", "plans"]
    assert list(written["plans"][0])[:4] == ["backup_plan_id", "name", "severity", "findings"]
