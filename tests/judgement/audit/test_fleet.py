# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from airflow_provider_dbs.judgement.audit import (
    Audit,
    Policy,
    Severity,
    audit_unavailable,
    compare,
    format_catalogue,
    logs_since,
    merge,
    required_inputs,
    roll_up,
)
from airflow_provider_dbs.judgement.audit.catalogue import CHECKS
from airflow_provider_dbs.judgement.audit.policy import CHECK_IDS

POLICY = Policy()


def together(*cases, as_of=None, **how):
    audits = [case.audit(POLICY) if hasattr(case, "audit") else case for case in cases]
    return roll_up(audits, as_of=as_of or cases[0].as_of, policy=POLICY, **how)


def checks(audit, fingerprints):
    return sorted(f.check_id for plan in audit.plans for f in plan.findings if f.fingerprint in fingerprints)


def test_the_worst_plan_comes_first(world):
    audit = together(world.healthy(1), world.healthy(2).without_newest(3), world.healthy(3).fail(-2, -4))

    assert [plan.backup_plan_id for plan in audit.plans] == ["dbs2", "dbs3", "dbs1"]
    assert audit.severity is Severity.ERROR
    assert audit.complete
    assert audit.window.end - audit.window.start == timedelta(days=60)
    assert [f.severity.rank for f in audit.plans[0].findings] == sorted(
        (f.severity.rank for f in audit.plans[0].findings), reverse=True
    )


def test_no_plan_is_not_ok(world):
    audit = roll_up([], as_of=world.AS_OF, policy=POLICY)

    assert audit.severity is Severity.UNKNOWN
    assert not audit.complete


def test_one_plans_failure_is_its_own(world):
    lost = audit_unavailable(
        "dbs9", "Forbidden (RequestId 1)", as_of=world.AS_OF, name="nine", call="DescribeFullBackupList"
    )
    audit = together(world.healthy(1), lost, as_of=world.AS_OF)

    assert [(plan.backup_plan_id, plan.severity) for plan in audit.plans] == [
        ("dbs9", Severity.UNKNOWN),
        ("dbs1", Severity.OK),
    ]
    assert "Forbidden (RequestId 1)" in audit.plans[0].findings[0].summary
    assert not audit.complete


def test_json_round_trip(world):
    audit = together(world.healthy(1).without_newest(3), world.healthy(2), api_calls=7, versions={"airflow": "3.3"})

    assert Audit.from_json(audit.to_json()) == audit
    plain = msgspec.json.decode(audit.to_json())
    assert plain["schema_version"] == 1
    assert set(plain["plans"][0]["findings"][0]) == {
        "check_id", "plan_id", "severity", "measured", "unit", "threshold", "basis", "summary", "remediation",
        "evidence", "as_of", "fingerprint",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["{}", "[]", "nonsense", ""])
def test_another_shape_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Audit.from_json(text)


def test_another_schema_version_is_refused(world):
    later = msgspec.structs.replace(together(world.healthy(1)), schema_version=2)

    for text in (later.to_json(), '{"schema_version": 2, "plans": "in another shape"}'):
        with pytest.raises(ValueError, match="schema_version 2, not 1"):
            Audit.from_json(text)


def test_what_is_new_ongoing_and_resolved(world):
    before = together(world.healthy(1).change(-3, backup_size=0), world.healthy(2).fail(-2, -9))
    after = together(
        world.healthy(1), world.healthy(2).fail(-2, -9), world.healthy(3).change(-3, backup_size=0), previous=before
    )
    changes = after.changes

    assert changes.since == before.as_of
    assert checks(after, changes.new) == ["size.zero"]
    assert checks(after, changes.ongoing) == ["success.ratio"]
    assert [(f.plan_id, f.check_id) for f in changes.resolved] == [("dbs1", "size.zero")]
    assert changes.worsened == changes.unjudged == ()


def test_an_ever_longer_row_of_failures_is_one_matter_that_gets_worse(world):
    before, after = together(world.healthy(1).fail(-2, -1)), together(world.healthy(1).fail(-3, -2, -1))
    first = together(world.healthy(1).fail(-1))

    assert "failures.consecutive" in checks(before, compare(first, before).worsened)
    assert "failures.consecutive" in checks(after, compare(before, after).ongoing)
    assert compare(first, before).resolved == ()


def test_other_evidence_is_a_new_matter(world):
    before, after = world.healthy(1), world.healthy(1)
    del before.fulls[-9], after.fulls[-3]
    changes = compare(together(before), together(after))

    assert checks(together(after), changes.new) == ["schedule.missed"]
    assert changes.resolved == ()


def test_what_cannot_be_judged_now_is_not_resolved(world):
    before = together(world.healthy(1).without_newest(3), world.healthy(2).without_newest(3))
    unread = audit_unavailable("dbs1", "500", as_of=world.AS_OF)
    after = together(unread, world.healthy(2).without_newest(3).missing("429", "fulls"), as_of=world.AS_OF)
    changes = compare(before, after)

    assert changes.resolved == ()
    assert ("dbs1", "full.age") in {(f.plan_id, f.check_id) for f in changes.unjudged}
    assert ("dbs2", "full.age") in {(f.plan_id, f.check_id) for f in changes.unjudged}
    assert checks(after, changes.new).count("evidence") == 2
    assert "full.age" in checks(after, changes.new), "that it is unknown is news"


def test_what_is_only_worth_a_note_now_is_resolved(world):
    before, after = world.healthy(1).without_newest(30), world.healthy(1).without_newest(30)
    after.with_plan(backup_plan_create_time_ms=world.ms(world.AS_OF - world.HOUR))

    resolved = compare(together(before), together(after)).resolved
    assert {"full.age", "redundancy"} <= {finding.check_id for finding in resolved}


def test_a_gone_plan_is_unjudged(world):
    changes = compare(
        together(world.healthy(1).change(-3, backup_size=0), world.healthy(2)), together(world.healthy(2))
    )

    assert [f.check_id for f in changes.unjudged] == ["size.zero"]


def test_merging_parts(world):
    one, two = (
        together(world.healthy(1), api_calls=3, versions={"a": "1"}),
        together(world.healthy(2).fail(-1), api_calls=4),
    )
    merged = merge([two, one])

    assert [plan.backup_plan_id for plan in merged.plans] == ["dbs2", "dbs1"]
    assert merged.api_calls == 7
    assert merged.versions == {"a": "1"}
    assert merged.policy_digest == POLICY.digest
    assert merged.changes is None
    assert merge([two, one], previous=one).changes.since == one.as_of


def test_merging_counts_the_newest_judgement_and_no_guesses(world):
    old = together(world.healthy(1).fail(-1))
    new = roll_up(
        [world.healthy(1).audit()], as_of=world.AS_OF + world.HOUR, policy=Policy(min_redundancy=3), api_calls=2
    )
    merged = merge([new, old])

    assert merged.severity is Severity.OK
    assert merged.as_of == world.AS_OF
    assert merged.api_calls is None
    assert merged.policy_digest is None


def test_of_two_judgements_of_one_instant_the_worse_counts(world):
    good, bad = together(world.healthy(1)), together(world.healthy(1).fail(-1))

    assert merge([good, bad]).plans == merge([bad, good]).plans == bad.plans


def test_what_is_not_known_does_not_read_like_a_fact(world):
    plan = world.healthy().with_plan(backup_period="Someday").missing("403", "logs").audit()

    assert plan.summary.reasons == ("not all read", "backup missed?")
    assert plan.findings[0].check_id == "evidence"


def test_merging_nothing_is_refused():
    with pytest.raises(ValueError, match="no audit to merge"):
        merge([])


def test_fetch_only_what_the_checks_need(world):
    plan, as_of = world.healthy().plan, world.AS_OF
    inputs = required_inputs(POLICY, plan, as_of=as_of)
    assert (inputs.fulls, inputs.logs) == (True, True)
    assert as_of - inputs.fulls_since == timedelta(days=60)
    assert as_of - inputs.logs_since == timedelta(days=3)

    wide = required_inputs(Policy.from_mapping({"recovery_window": "90d"}), plan, as_of=as_of)
    assert as_of - wide.fulls_since == as_of - wide.logs_since == timedelta(days=93)

    odd = msgspec.structs.replace(plan, backup_period="x")
    assert required_inputs(POLICY, odd, as_of=as_of).logs_since == inputs.logs_since
    off = msgspec.structs.replace(plan, enable_backup_log=False)
    assert not required_inputs(POLICY, off, as_of=as_of).logs
    assert required_inputs(Policy.from_mapping({"recovery_window": "1d"}), off, as_of=as_of).logs

    reading_logs = [check.id for check in CHECKS if "logs" in check.reads]
    assert not required_inputs(Policy.from_mapping({"leave_out": reading_logs}), plan, as_of=as_of).logs
    reading = [check.id for check in CHECKS if check.reads]
    assert not required_inputs(Policy.from_mapping({"leave_out": reading}), plan, as_of=as_of).fulls


def test_the_lists_fetched_are_enough(world):
    """Judging only the rows since ``required_inputs`` gives the same findings as judging all."""
    case = world.healthy(5, log_days=30)
    policy = Policy.from_mapping({"recovery_window": "7d", "rpo": "2h"})
    inputs = required_inputs(policy, case.plan, as_of=case.as_of)
    everything = case.audit(policy)
    case.logs = [log for log in case.logs if log.start_time >= inputs.logs_since]

    assert [f.severity for f in case.audit(policy).findings] == [f.severity for f in everything.findings]


def test_while_fulls_fail_the_logs_are_read_back_to_the_last_good_one(world):
    case = world.healthy(5, log_days=30).fail(*range(-12, 0))
    policy = Policy.from_mapping({"recovery_window": "3d", "rpo": "2h"})
    inputs = required_inputs(policy, case.plan, as_of=case.as_of)
    since = logs_since(inputs, policy, case.plan, case.fulls, as_of=case.as_of)
    everything = case.audit(policy)
    assert everything.summary.coverage_ratio == 1
    case.logs = [log for log in case.logs if log.start_time >= since]

    assert since < inputs.logs_since
    assert case.audit(policy).summary.coverage_ratio == 1
    assert [f.severity for f in case.audit(policy).findings] == [f.severity for f in everything.findings]
    assert logs_since(inputs, policy, case.plan, [], as_of=case.as_of) == inputs.logs_since
    well = world.healthy(5)
    assert logs_since(inputs, policy, well.plan, well.fulls, as_of=case.as_of) == inputs.logs_since


def test_the_catalogue_can_be_printed():
    text = format_catalogue(Policy.from_mapping({"rpo": "15m"}))

    assert [check.id for check in CHECKS] == list(CHECK_IDS)
    for check in CHECKS:
        assert f"{check.id}  ({check.number})" in text
    assert "rpo=15 min" in text
    assert "allowed_storage=IA,Archive" in format_catalogue(Policy(allowed_storage=("IA", "Archive")))
    assert max(map(len, text.splitlines())) <= 110
