# SPDX-License-Identifier: Apache-2.0

"""Rows that a fault or an attacker could deliver: the audit neither falls over, nor slows down, nor believes them."""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_dbs.judgement.audit import Audit, Policy, audit_plan, roll_up
from airflow_provider_dbs.models import (
    BackupPlan,
    BackupPlanStatus,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
)

AS_OF = datetime(2026, 11, 21, 10, 0, tzinfo=timezone.utc)
MARKUP = "<script>alert(1)</script>\n\x1b[31m\x00| `x` [a](javascript:b) ' \" \u202e"


def test_markup_stays_data(world):
    case = world.healthy().with_plan(
        backup_plan_name=MARKUP, err_message=MARKUP, backup_plan_status=BackupPlanStatus.STOP
    )
    case.fail(-1, message=MARKUP).change(-1, backup_set_id=MARKUP)

    audit = roll_up([case.audit()], as_of=case.as_of, policy=Policy())
    plan = Audit.from_json(audit.to_json()).plans[0]

    assert plan.name == MARKUP
    assert plan.fulls[-1].err_message == MARKUP
    for finding in plan.findings:
        assert finding.summary.isprintable(), "a summary is one line without control characters"


def test_long_texts_make_short_findings(world):
    case = world.healthy().with_plan(
        backup_plan_name="n" * 10**5, err_message="e" * 10**5, backup_plan_status=BackupPlanStatus("s" * 10**5)
    )
    for place in range(len(case.fulls)):
        case.fail(place, message="m" * 10**5).change(place, backup_set_id=f"{'i' * 10**4}{place}")

    for finding in case.audit().findings:
        assert len(finding.summary) < 1500, finding.check_id


times = st.one_of(
    st.none(), st.just(0), st.integers(0, 253_402_300_799_999), st.integers(1_700_000_000_000, 1_800_000_000_000)
)
texts = st.one_of(st.none(), st.text(max_size=30), st.just(MARKUP))

full_rows = st.builds(
    FullBackup,
    backup_set_id=st.sampled_from(["a", "b", "c", "", MARKUP]),
    backup_status=st.sampled_from([*FullBackupStatus, FullBackupStatus("odd")]),
    create_time_ms=times,
    start_time_ms=times,
    end_time_ms=times,
    finish_time_ms=times,
    backup_set_expired_time_ms=times,
    backup_size=st.one_of(st.none(), st.integers(-(2**63), 2**63)),
    storage_method=texts,
    err_message=texts,
    backup_objects_raw=st.one_of(texts, st.just([{"a": 1}]), st.just({"a": []})),
    storage_encrypt_method=texts,
)  # fmt: skip
log_rows = st.builds(
    IncrementalBackup,
    backup_set_id=st.sampled_from(["bin.000001", "bin.000002", "bin.999999999999999999", "x", "", ".1", "bin.\u0661"]),
    backup_set_job_id=st.sampled_from(["j", "k"]),
    backup_status=st.sampled_from([*IncrementalBackupStatus, IncrementalBackupStatus("odd")]),
    start_time_ms=times,
    end_time_ms=times,
    backup_set_expired_time_ms=times,
    source_endpoint_ip_port=texts,
)
plans = st.builds(
    BackupPlan,
    backup_plan_id=st.sampled_from(["dbs1", "", MARKUP]),
    backup_plan_status=st.sampled_from([*BackupPlanStatus, BackupPlanStatus("odd")]),
    backup_plan_name=texts,
    backup_plan_create_time_ms=times,
    backup_method=st.sampled_from([None, "", "logical", "physical", "odd"]),
    backup_period=st.sampled_from([None, "Monday", "MONDAY,SUNDAY", "x", ",,", MARKUP]),
    backup_start_time=st.sampled_from([None, "02:00", "25:00", "02:00Z", MARKUP]),
    enable_backup_log=st.sampled_from([None, True, False]),
    backup_retention_period=st.one_of(st.none(), st.integers(-(2**63), 2**63)),
    err_message=texts,
    oss_bucket_region=texts,
    source_endpoint_region=texts,
)
everything = Policy.from_mapping(
    {
        "rpo": "1h", "recovery_window": "9d", "min_retention": "9d", "allowed_storage": ["ia"],
        "allowed_encryption": ["x"], "require_other_region": True,
    }
)  # fmt: skip


@pytest.mark.property
@settings(max_examples=300, deadline=None)
@given(
    plan=plans,
    fulls=st.lists(full_rows, max_size=8),
    logs=st.lists(log_rows, max_size=8),
    policy=st.sampled_from([Policy(), everything]),
)
def test_no_row_makes_the_audit_fall_over(plan, fulls, logs, policy):
    audit = roll_up([audit_plan(plan, fulls, logs, policy, AS_OF)], as_of=AS_OF, policy=policy)

    assert Audit.from_json(audit.to_json()) == audit
    assert all(finding.summary.isprintable() for finding in audit.plans[0].findings)


def test_as_of_without_a_zone_is_refused(world):
    case = world.healthy()

    with pytest.raises(ValueError, match="as_of=2026-11-21T10:00:00 has no time zone"):
        audit_plan(case.plan, case.fulls, case.logs, Policy(), world.AS_OF.replace(tzinfo=None))


def many(world, count):
    """As many fulls as given, one every ten minutes, every fifth failed, every seventh empty, some running."""
    rng = random.Random(count)
    case = world.healthy(log_days=1)
    case.fulls = [
        world.full(
            world.AS_OF - timedelta(minutes=10 * number + 11),
            lasts=timedelta(minutes=rng.uniform(1, 9)),
            size=0 if number % 7 == 0 else rng.randrange(1, 10**9),
            status="stop" if number % 5 == 0 else "running" if number % 101 == 0 else "finish",
            keeps=timedelta(days=100),
            backup_objects_raw=f'[{{"DBName":"{number % 3}"}}]',
        )
        for number in range(count)
    ]
    case.logs = [
        world.log(
            number,
            world.AS_OF - timedelta(minutes=10 * (count - number)),
            world.AS_OF - timedelta(minutes=10 * (count - number) - 10),
        )
        for number in range(count)
        if number % 97
    ]
    return case


def cpu_seconds(case):
    begun = time.process_time()
    audit = case.audit(everything)
    return time.process_time() - begun, audit


def test_ten_thousand_backups_stay_fast(world):
    small = min(cpu_seconds(many(world, 1_000))[0] for _ in range(3))
    (large, audit), again = (cpu_seconds(many(world, 10_000)) for _ in range(2))

    # Linear is 10, quadratic 100; the garbage collector and a busy machine have their part.
    assert min(large, again[0]) / small < 40
    assert all(len(finding.evidence) <= 20 for finding in audit.findings)
