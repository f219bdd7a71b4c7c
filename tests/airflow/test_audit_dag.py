# SPDX-License-Identifier: Apache-2.0
"""Audits as real tasks of real Airflow, and the demo of one."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.operators.audit_files import read_audit
from tests.airflow.conftest import Airflow
from tests.airflow.test_demo import Demo, demo  # noqa: F401 - a fixture
from tests.operators.audit_runs import add_plan

DAGS = Path(__file__).parent / "dags"


def test_a_fleet_is_audited_in_parts_and_told_about(airflow: Airflow, airflow_home: Path, dbs: Emulator) -> None:
    add_plan(dbs, "orders")
    add_plan(dbs, "users")
    add_plan(dbs, "billing", failed=[0, 1])
    result = airflow_home / "result.json"
    dag_file = shutil.copy(DAGS / "audits.py", airflow_home / "dags")
    done = airflow("demo.run_dag", str(dag_file), str(result), datetime.now(timezone.utc).isoformat())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    tasks: dict[str, Any] = json.loads(result.read_text())["tasks"]
    # Wrong is wrong: it has failed without a second try, whatever ``retries`` says, and its summary is there.
    assert {name: task["state"] for name, task in tasks.items()} == {
        "plans": "success",
        "parts": "success",
        "audit": "failed",
    }
    summary = tasks["audit"]["xcom"]
    assert summary["headline"] == "1 of 3 backup plans is in error"
    assert summary["report_url"].startswith("https://reports.example.com/audits/audit/")
    with closing(sqlite3.connect(airflow_home / "airflow.db")) as database:
        rows = database.execute("select task_id, value from xcom where key = '_link_DbsAuditReportLink'").fetchall()
    # The button opens the report, also of a task that failed; where no browser could open one there is no button.
    assert {task_id: json.loads(link) for task_id, link in rows} == {"audit": summary["report_url"], "parts": ""}
    audit = read_audit(summary["audit_json"])
    assert [(plan.name, plan.severity.value) for plan in audit.plans] == [
        ("billing", "error"),
        ("orders", "ok"),
        ("users", "ok"),
    ]
    told = (airflow_home / "reports" / "told.txt").read_text()
    assert told.startswith("DBS backup audit: 1 of 3 backup plans is in error")
    assert f"Report: {summary['report_url']}" in told
    assert dbs.access_key_secret not in done.stdout + told


def test_the_demo_ends_with_a_reason_and_a_report_that_is_kept(demo: Demo) -> None:  # noqa: F811 - the fixture
    done = demo("audit")
    assert done.returncode == 1
    screen = " ".join(done.stdout.split())
    assert "Auditing 12 backup plans as of" in screen
    assert "6 of 12 backup plans are in error (fail_on='error'). sessions (dbs0sessions) error:" in screen
    assert "error billing full too old, newest failed" in screen
    assert "unknown mail not all read" in screen
    address = re.search(r"Report +(file://\S+)", done.stdout)
    assert address is not None
    report = Path(unquote(urlsplit(address[1]).path))
    assert report.read_text().startswith("<!DOCTYPE html>")
    # The emulator's past is counted from now, so the same plans are wrong whenever it is shown.
    audit = read_audit(str(report.with_name("audit.json")))
    assert {plan.name for plan in audit.plans if plan.severity.is_open} == {
        "billing",
        "payments",
        "inventory",
        "sessions",
        "catalogue",
        "search",
        "mail",
    }
