# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 - tables read better unbroken
"""Changes to the input that must not change the answer, or only in one direction."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_dbs.judgement.audit import Policy, roll_up
from airflow_provider_dbs.models import FullBackupStatus, IncrementalBackupStatus

pytestmark = pytest.mark.property

POLICY = Policy.from_mapping(
    {"rpo": "4h", "recovery_window": "5d", "min_retention": "20d", "allowed_storage": ["standard"]}
)

# Each spoils a plan in its own way; a number says where.
SPOIL = {
    "fail": lambda case, n: case.fail(n % len(case.fulls)),
    "miss": lambda case, n: case.fulls.pop(n % len(case.fulls)),
    "empty": lambda case, n: case.change(n % len(case.fulls), backup_size=0),
    "shrink": lambda case, n: case.change(-1, backup_size=1 + n),
    "reverse": lambda case, n: case.change(n % len(case.fulls), end_time_ms=1_600_000_000_000),
    "run": lambda case, n: case.change(n % len(case.fulls), backup_status=FullBackupStatus.RUNNING, end_time_ms=0, finish_time_ms=0),
    "archive": lambda case, n: case.change(n % len(case.fulls), storage_method="Archive"),
    "expire": lambda case, n: case.change(n % len(case.fulls), backup_set_expired_time_ms=case.fulls[-1].start_time_ms),
    "gap": lambda case, n: case.logs.pop(n % len(case.logs)),
    "break": lambda case, n: case.change_log(n % len(case.logs), backup_status=IncrementalBackupStatus.UNCOMPLETED),
    "endpoint": lambda case, n: case.change_log(n % len(case.logs), source_endpoint_ip_port="10.0.0.2:3306"),
    "incomplete": lambda case, n: case.missing("throttled", ("fulls", "logs")[n % 2]),
}  # fmt: skip

spoilt = st.lists(st.tuples(st.sampled_from(sorted(SPOIL)), st.integers(0, 10**6)), max_size=6)
quick = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def build(request):
    from pathlib import Path

    conftest = next(
        plugin
        for plugin in request.config.pluginmanager.get_plugins()
        if getattr(plugin, "__file__", None) == str(Path(__file__).with_name("conftest.py"))
    )

    def build(seed, spoilers, **how):
        case = conftest.healthy(seed, log_days=6, **how)
        for name, number in spoilers:
            SPOIL[name](case, number)
        return case

    return build


def shifted(row, by):
    times = {name: getattr(row, name) for name in row.__struct_fields__ if name.endswith("_ms")}
    return msgspec.structs.replace(row, **{name: value + by if value else value for name, value in times.items()})


@quick
@given(seed=st.integers(0, 999), spoilers=spoilt, weeks=st.integers(-200, 200))
def test_shifting_all_times_shifts_all_evidence_and_no_verdict(build, seed, spoilers, weeks):
    case = build(seed, spoilers)
    before = case.audit(POLICY)
    by = timedelta(weeks=weeks)
    ms = round(by.total_seconds() * 1000)
    case.plan = shifted(case.plan, ms)
    case.fulls = [shifted(row, ms) for row in case.fulls]
    case.logs = [shifted(row, ms) for row in case.logs]
    case.as_of += by

    after = case.audit(POLICY)

    assert [(f.check_id, f.severity, f.measured) for f in after.findings] == [
        (f.check_id, f.severity, f.measured) for f in before.findings
    ]
    assert [[(e.start, e.end) for e in f.evidence] for f in after.findings] == [
        [(e.start and e.start + by, e.end and e.end + by) for e in f.evidence] for f in before.findings
    ]
    assert [(mark.at, mark.outcome) for mark in after.ticks] == [(mark.at + by, mark.outcome) for mark in before.ticks]


@quick
@given(seed=st.integers(0, 999), spoilers=spoilt, shuffle=st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(build, seed, spoilers, shuffle: random.Random):
    case = build(seed, spoilers)
    before = case.audit(POLICY)
    case.fulls += shuffle.sample(case.fulls, len(case.fulls) // 2)
    case.logs += shuffle.sample(case.logs, len(case.logs) // 2)
    shuffle.shuffle(case.fulls)
    shuffle.shuffle(case.logs)

    assert case.audit(POLICY) == before


@quick
@given(seed=st.integers(0, 999), spoilers=spoilt)
def test_a_healthy_plan_changes_no_other_plans_findings(build, seed, spoilers):
    sick, healthy = build(seed, spoilers), build(1000, [])
    alone = roll_up([sick.audit(POLICY)], as_of=sick.as_of, policy=POLICY)
    together = roll_up([healthy.audit(POLICY), sick.audit(POLICY)], as_of=sick.as_of, policy=POLICY)

    assert alone.plans[0] in together.plans
    assert together.severity.rank >= alone.severity.rank


STRICTER = {
    "rpo": (None, "1d", "4h", "1m"),
    "max_age": ("9d", "3d", "20h", "1h"),
    "recovery_window": (None, "1d", "3d", "20d"),
    "min_redundancy": (1, 2, 20, 99),
    "min_size": (1, 1000, 10**10, 10**15),
    "min_retention": (None, "1d", "20d", "99d"),
    "allowed_storage": (None, ["standard", "ia", "archive"], ["standard"], ["ia"]),
    "allowed_encryption": (None, ["encrypted"]),
    "require_other_region": (False, True),
}


@settings(max_examples=80, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99), spoilers=spoilt, setting=st.sampled_from(sorted(STRICTER)))
def test_a_stricter_policy_never_removes_a_finding(build, data, seed, spoilers, setting):
    lax = data.draw(st.integers(0, len(STRICTER[setting]) - 2))
    strict = data.draw(st.integers(lax + 1, len(STRICTER[setting]) - 1))
    case = build(seed, spoilers)
    before = case.audit({setting: STRICTER[setting][lax]})
    after = {finding.check_id: finding for finding in case.audit({setting: STRICTER[setting][strict]}).findings}

    for finding in before.findings:
        # An answer made of fewer usable fulls can only be "nothing to judge by", and another check says so.
        if finding.severity.is_open and after[finding.check_id].severity.value != "not_evaluated":
            assert after[finding.check_id].severity.rank >= finding.severity.rank, (finding, after[finding.check_id])
    assert max(f.severity.rank for f in after.values()) >= before.severity.rank


@quick
@given(seed=st.integers(0, 999), spoilers=spoilt, lists=st.sampled_from([("fulls",), ("logs",), ("fulls", "logs")]))
def test_what_was_not_read_never_makes_a_plan_look_well(build, seed, spoilers, lists):
    case = build(seed, [each for each in spoilers if each[0] != "incomplete"])
    known = {finding.check_id: finding for finding in case.audit(POLICY).findings}
    partly = case.missing("throttled", *lists).audit(POLICY)

    assert partly.severity.is_open
    for finding in partly.findings:
        assert finding.severity in (known[finding.check_id].severity, "unknown")


@quick
@given(seed=st.integers(0, 999), spoilers=spoilt, cut=st.integers(1, 29))
def test_a_missing_row_is_never_an_error_of_absence(build, seed, spoilers, cut):
    """With the list marked incomplete, taking rows away may hide errors but invents no absence."""
    case = build(seed, [each for each in spoilers if each[0] != "incomplete"])
    del case.fulls[-min(cut, len(case.fulls)) :]
    findings = {f.check_id: f for f in case.missing("page 2 failed", "fulls", "logs").audit(POLICY).findings}

    for check in (
        "full.age",
        "content.age",
        "redundancy",
        "schedule.missed",
        "coverage",
        "retention.expiry",
        "log.lag",
    ):
        assert findings[check].severity.value in ("ok", "unknown", "not_evaluated")
