# SPDX-License-Identifier: Apache-2.0
"""The operator that makes one audit of the parts of a fleet's."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.judgement.audit import Severity
from airflow_provider_dbs.operators.audit_files import read_audit
from airflow_provider_dbs.operators.dbs import DbsMergeAuditsOperator
from tests.operators.audit_runs import add_plan, audit, audit_context, finding_of
from tests.operators.conftest import run


def merging(output: Path, inputs: Any, **settings: Any) -> DbsMergeAuditsOperator:
    return DbsMergeAuditsOperator(task_id="whole", inputs=inputs, output_path=str(output), **settings)


@pytest.fixture
def parts(dbs: Emulator, tmp_path: Path) -> list[dict[str, Any]]:
    """What the two tasks of a mapped audit return; billing is in error."""
    add_plan(dbs, "orders")
    add_plan(dbs, "billing", failed=[0, 1])
    plans = ("dbsorders", "dbsbilling")
    return [audit(tmp_path, audit_context(map_index=n), backup_plan_ids=plan)[0] for n, plan in enumerate(plans)]


def test_parts_become_one_report_that_fails_like_any_audit(parts: list[dict[str, Any]], tmp_path: Path) -> None:
    context = audit_context(task_id="whole")
    with pytest.raises(AirflowFailException, match=r"1 of 2 backup plans is in error .* billing \(dbsbilling\)"):
        run(merging(tmp_path, parts, backup_plan_ids="dbsorders,dbsbilling"), context)
    whole = read_audit(context["ti"].xcoms["return_value"]["audit_json"])
    assert [plan.name for plan in whole.plans] == ["billing", "orders"]
    assert whole.api_calls == sum(part["api_calls"] for part in parts)
    assert whole.policy_digest == read_audit(parts[0]["audit_json"]).policy_digest
    assert {"billing", "orders"} <= set(Path(context["ti"].xcoms["return_value"]["audit_html"]).read_text().split())


def test_a_plan_that_no_part_has_judged_is_unknown(parts: list[dict[str, Any]], tmp_path: Path) -> None:
    operator = merging(tmp_path, [parts[0]["audit_json"]], backup_plan_ids=["dbsorders", "dbsbilling"])
    context = audit_context(task_id="whole")
    with pytest.raises(AirflowException, match="1 of 2 backup plans could not be judged"):
        run(operator, context)
    whole = read_audit(context["ti"].xcoms["return_value"]["audit_json"])
    assert "in none of the merged audits" in finding_of(whole, "dbsbilling", "evidence").summary
    assert whole.severity is Severity.UNKNOWN
    assert not whole.complete


def test_the_whole_is_compared_with_the_last_whole(parts: list[dict[str, Any]], tmp_path: Path, dbs: Emulator) -> None:
    early = datetime.now(timezone.utc) - timedelta(hours=1)
    before = [audit(tmp_path, audit_context(map_index=9), backup_plan_ids=["dbsorders", "dbsbilling"], as_of=early)[0]]
    first = run(merging(tmp_path, before, fail_on="never"), audit_context(task_id="whole"))
    assert first["changes"] is None
    second = run(merging(tmp_path, parts, fail_on="never"), audit_context(task_id="whole"))
    assert second["changes"]["since"] == first["as_of"]
    assert (second["changes"]["new"], second["changes"]["ongoing"] > 0) == (0, True)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "inputs is empty"),
        (None, "inputs is empty"),
        ("/nowhere/audit.json", "/nowhere/audit.json"),
        ([{"severity": "ok"}], "inputs holds None: give paths"),
        ([7], "inputs holds 7: give paths"),
    ],
)
def test_wrong_inputs_are_named(tmp_path: Path, inputs: Any, message: str) -> None:
    with pytest.raises(AirflowFailException, match=f"Bad argument: .*{message}"):
        run(merging(tmp_path, inputs), audit_context(task_id="whole"))
