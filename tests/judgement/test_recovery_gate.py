# SPDX-License-Identifier: Apache-2.0
"""The recovery-point gate. Its instant is 06:00; the full backup before it ran from 02:00 to 03:00."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_dbs.judgement.plan import PlanNotFound
from airflow_provider_dbs.judgement.recovery_gate import RecoveryPointGoal, judge_recovery_point
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.models import BackupPlan, FullBackup, IncrementalBackup, RestoreRange, RestoreRangeBackup

Clock = Callable[..., datetime]
Full = Callable[..., FullBackup]
Log = Callable[..., IncrementalBackup]
Goal = Callable[..., RecoveryPointGoal]
Plan = Callable[..., BackupPlan]

PASS, WAIT, FAIL = Outcome.PASS, Outcome.WAIT, Outcome.FAIL


@pytest.fixture(scope="session")
def goal(t: Clock) -> Goal:
    def build(**options: Any) -> RecoveryPointGoal:
        defaults = {
            "backup_plan_id": "dbs1",
            "recovery_time": t(6),
            "source": "data_interval_end",
            "backup_method": "physical",
            "authority": "computed",
        }
        return RecoveryPointGoal(**{**defaults, **options})

    return build


@pytest.fixture(scope="session")
def nightly(full: Full, t: Clock) -> FullBackup:
    return full("nightly", t(2), t(3))


def hourly(log: Log, t: Clock, *numbers: int) -> list[IncrementalBackup]:
    return [log(number, t(number), t(number + 1)) for number in numbers]


def told(verdict: Verdict) -> tuple[Outcome, str]:
    return verdict.outcome, verdict.reason


# --- PASS -------------------------------------------------------------------------------------------------------------


def test_an_instant_under_an_unbroken_run_passes(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point([nightly], hourly(log, t, 2, 3, 4, 5, 6), goal(), t(7))
    assert told(verdict) == (PASS, "recoverable")
    assert verdict.xcom() == {
        "verdict": "pass",
        "reason": "recoverable",
        "backup_plan_id": "dbs1",
        "recovery_time": "2026-11-20T06:00:00Z",
        "window_start": "2026-11-20T06:00:00Z",
        "window_end": "2026-11-20T06:00:00Z",
        "window_source": "data_interval_end",
        "backup_set_id": "nightly",
        "start_time": "2026-11-20T02:00:00Z",
        "end_time": "2026-11-20T03:00:00Z",
        "kind": "range",
        "covered_until": "2026-11-20T07:00:00Z",
        "authority": "computed",
        "first_segment": "mysql-bin.000003",
        "last_segment": "mysql-bin.000005",
    }
    assert len(json.dumps(verdict.xcom())) < 1024
    assert "with the logs mysql-bin.000003 to mysql-bin.000005." in verdict.message


def test_the_end_of_a_full_backup_passes_without_logs(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point([full("f", t(5), t(6))], [], goal(), t(7))
    assert told(verdict) == (PASS, "recoverable")
    assert verdict.evidence["kind"] == "point"
    assert "and needs no logs" in verdict.message


def test_a_logical_backup_needs_the_logs_over_its_own_duration(
    nightly: FullBackup, log: Log, goal: Goal, t: Clock
) -> None:
    logical = goal(backup_method="logical")
    assert told(judge_recovery_point([nightly], hourly(log, t, 2, 3, 4, 5), logical, t(7))) == (PASS, "recoverable")
    late = judge_recovery_point([nightly], hourly(log, t, 3, 4, 5), logical, t(7))
    assert told(late) == (FAIL, "logs_start_late")
    assert "the oldest log listed begins at 2026-11-20T03:00:00Z" in late.message


def test_the_plan_gives_the_method(nightly: FullBackup, log: Log, goal: Goal, plan: Plan, t: Clock) -> None:
    rows = [nightly], hourly(log, t, 3, 4, 5)
    unknown = judge_recovery_point(*rows, goal(backup_method=None), t(7))
    assert told(unknown) == (WAIT, "backup_method_unknown")
    assert unknown.needs_plan
    assert judge_recovery_point(*rows, goal(backup_method=None), t(7), None, plan()).outcome is PASS
    logical = plan(backup_method="logical")
    assert judge_recovery_point(*rows, goal(backup_method=None), t(7), None, logical).outcome is FAIL
    assert judge_recovery_point(*rows, goal(), t(7), None, logical).outcome is PASS
    # Not known to be consistent by itself: the strictest reading.
    assert judge_recovery_point(*rows, goal(backup_method=None), t(7), None, PlanNotFound()).outcome is FAIL


# --- WAIT -------------------------------------------------------------------------------------------------------------


def test_an_instant_ahead_waits(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point([nightly], hourly(log, t, 2, 3, 4, 5), goal(), t(5, 50))
    assert told(verdict) == (WAIT, "not_yet")
    assert "lies 10 min ahead" in verdict.message


def test_an_unbroken_run_that_has_not_reached_the_instant_waits(
    nightly: FullBackup, log: Log, goal: Goal, t: Clock
) -> None:
    logs = [*hourly(log, t, 2, 3), log(4, t(4), t(6, 10), "FILLING")]
    verdict = judge_recovery_point([nightly], logs, goal(), t(12))
    assert told(verdict) == (WAIT, "not_reached")
    assert "mysql-bin.000004 is FILLING up to 2026-11-20T06:10:00Z" in verdict.message
    assert "count_open_tail=True" in verdict.message
    assert not verdict.needs_plan
    counted = judge_recovery_point([nightly], logs, goal(count_open_tail=True), t(12))
    assert told(counted) == (PASS, "recoverable")


def test_logs_that_have_not_reached_the_full_backups_end_wait(full: Full, log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point([full("f", t(2), t(5))], hourly(log, t, 2), goal(backup_method="logical"), t(7))
    assert told(verdict) == (WAIT, "not_reached")
    assert verdict.needs_plan


def test_a_full_backup_that_ends_at_the_instant_counts(full: Full, log: Log, goal: Goal, t: Clock) -> None:
    logical, rows = goal(backup_method="logical"), [full("f", t(5), t(6))]
    assert told(judge_recovery_point(rows, hourly(log, t, 4), logical, t(7))) == (WAIT, "not_reached")
    assert told(judge_recovery_point(rows, hourly(log, t, 4, 5), logical, t(7))) == (PASS, "recoverable")


def test_a_first_segment_that_is_still_open_waits(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point([nightly], [log(1, t(2), None, "FILLING")], goal(), t(9))
    assert told(verdict) == (WAIT, "not_reached")
    assert "no sealed logs hold 2026-11-20T03:00:00Z" in verdict.message
    assert "is FILLING and counts" in verdict.message


def test_a_missing_segment_without_a_later_sealed_one_waits(
    nightly: FullBackup, log: Log, goal: Goal, t: Clock
) -> None:
    logs = [*hourly(log, t, 2, 3), log(5, t(5), t(6, 10), "FILLING")]
    assert told(judge_recovery_point([nightly], logs, goal(), t(7))) == (WAIT, "not_reached")


def test_a_full_backup_that_seems_to_run_waits_while_the_list_may_lag(full: Full, goal: Goal, t: Clock) -> None:
    running = full("r", t(5))
    verdict = judge_recovery_point([running], [], goal(), t(6, 4))
    assert told(verdict) == (WAIT, "full_running")
    assert "full backup r is not finished" in verdict.message
    # It has not ended by the recovery time, so that it will never cover it.
    assert told(judge_recovery_point([running], [], goal(), t(6, 5))) == (FAIL, "no_full_backup")


def test_nothing_listed_waits_while_the_list_may_lag(nightly: FullBackup, goal: Goal, t: Clock) -> None:
    assert told(judge_recovery_point([], [], goal(), t(6, 4))) == (WAIT, "not_yet")
    verdict = judge_recovery_point([nightly], [], goal(), t(6, 4))
    assert told(verdict) == (WAIT, "not_yet")
    assert verdict.needs_plan


def test_a_paused_plan_is_the_reason_of_a_wait(nightly: FullBackup, log: Log, goal: Goal, plan: Plan, t: Clock) -> None:
    verdict = judge_recovery_point([nightly], hourly(log, t, 2, 3), goal(), t(9), None, plan("pause"))
    assert told(verdict) == (WAIT, "plan_paused")


# --- FAIL -------------------------------------------------------------------------------------------------------------


def test_a_break_with_a_later_sealed_segment_fails_at_once(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point([nightly], hourly(log, t, 2, 3, 6), goal(settle=timedelta(hours=9)), t(7))
    assert told(verdict) == (FAIL, "sequence_gap")
    assert verdict.message == (
        "Plan dbs1 cannot be restored to 2026-11-20T06:00:00Z (data_interval_end): "
        "full backup nightly ended 2026-11-20T03:00:00Z, and logs mysql-bin.000002 to mysql-bin.000003 reach from "
        "2026-11-20T02:00:00Z to 2026-11-20T04:00:00Z; between mysql-bin.000003 (2026-11-20T04:00:00Z) "
        "and mysql-bin.000006 (2026-11-20T06:00:00Z) segments are missing; "
        "not listed: mysql-bin.000004, mysql-bin.000005. "
        "Nearest: restorable before it up to 2026-11-20T04:00:00Z; nothing after it. "
        "Way out: a recovery_time that can be restored, or a new run after the next full backup."
    )
    assert verdict.evidence == {
        "backup_set_id": "nightly",
        "restorable_before": "2026-11-20T04:00:00Z",
        "restorable_after": None,
        "segments": [],
        "missing_segments": ["mysql-bin.000004", "mysql-bin.000005"],
        "missing_segment_count": 2,
    }


def test_at_most_twenty_missing_names_are_told(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    logs = [log(1, t(2), t(4)), log(100, t(6), t(7))]
    verdict = judge_recovery_point([nightly], logs, goal(), t(9))
    assert len(verdict.evidence["missing_segments"]) == 20
    assert verdict.evidence["missing_segment_count"] == 98
    assert "mysql-bin.000021 and 78 more" in verdict.message


@pytest.mark.parametrize(
    ("broken", "reason", "words"),
    [
        (
            {"status": "UNCOMPLETED"},
            "broken",
            "segments are broken (UNCOMPLETED, or with impossible times): mysql-bin.000004",
        ),
        ({"expires": 7}, "expired", "segments have expired: mysql-bin.000004"),
    ],
)
def test_a_flawed_segment_is_named(
    nightly: FullBackup, log: Log, goal: Goal, t: Clock, broken: dict[str, Any], reason: str, words: str
) -> None:
    changes = {name: t(value) if name == "expires" else value for name, value in broken.items()}
    logs = [*hourly(log, t, 2, 3, 5, 6), log(4, t(4), t(5), **changes)]
    verdict = judge_recovery_point([nightly], logs, goal(), t(7))
    assert told(verdict) == (FAIL, reason)
    assert words in verdict.message
    assert verdict.evidence["segments"] == ["mysql-bin.000004"]


def test_an_epoch_break_is_named(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point([nightly], [*hourly(log, t, 2, 3, 4), log(1, t(5), t(6))], goal(), t(7))
    assert told(verdict) == (FAIL, "epoch_break")
    assert "only a full backup joins them" in verdict.message


def test_a_later_full_backup_heals_a_break(nightly: FullBackup, full: Full, log: Log, goal: Goal, t: Clock) -> None:
    logs = [*hourly(log, t, 2, 3, 4), log(1, t(5), t(6)), log(2, t(6), t(7))]
    verdict = judge_recovery_point([nightly, full("healer", t(5, 10), t(5, 30))], logs, goal(), t(7))
    assert told(verdict) == (PASS, "recoverable")
    assert verdict.evidence["backup_set_id"] == "healer"


def test_another_endpoint_beside_it_that_goes_on_alone(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    beside = [log(n, t(n, 30), t(n + 1, 30), endpoint="b") for n in (3, 4, 5, 6)]
    verdict = judge_recovery_point([nightly], [*hourly(log, t, 2, 3, 4), *beside], goal(backup_method="logical"), t(9))
    assert told(verdict) == (FAIL, "epoch_break")
    assert "and the later logs are of another endpoint" in verdict.message


def test_a_stretch_without_logs_fails_once_the_list_has_settled(
    nightly: FullBackup, log: Log, goal: Goal, t: Clock
) -> None:
    logs = [log("a", t(2), t(4)), log("b", t(5), t(6, 1))]
    patient = goal(settle=timedelta(minutes=30))
    assert told(judge_recovery_point([nightly], logs, patient, t(6, 29))) == (WAIT, "not_yet")
    verdict = judge_recovery_point([nightly], logs, patient, t(6, 30))
    assert told(verdict) == (FAIL, "time_gap")
    assert "there is a stretch without logs" in verdict.message


def test_segments_that_never_seal_under_a_later_sealed_one_wait(
    nightly: FullBackup, log: Log, goal: Goal, t: Clock
) -> None:
    logs = [*hourly(log, t, 2, 3, 5, 6), log(4, t(4), t(5), "FILLING")]
    assert told(judge_recovery_point([nightly], logs, goal(), t(9))) == (WAIT, "not_reached")


def test_an_unsealed_and_a_late_start_are_told(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    """The open segment begins after what is needed, so that sealing it would not help."""
    logs = [log(4, t(4), t(5), "FILLING"), *hourly(log, t, 5)]
    verdict = judge_recovery_point([nightly], logs, goal(), t(9))
    assert told(verdict) == (FAIL, "not_sealed")
    assert "segments are not finished yet: mysql-bin.000004" in verdict.message


def test_no_logs_at_all(nightly: FullBackup, goal: Goal, plan: Plan, t: Clock) -> None:
    verdict = judge_recovery_point([nightly], [], goal(), t(6, 5))
    assert told(verdict) == (FAIL, "no_logs")
    assert verdict.needs_plan
    without = judge_recovery_point([nightly], [], goal(), t(6, 5), None, plan(enable_backup_log=False))
    assert told(without) == (FAIL, "plan_without_logs")
    assert told(judge_recovery_point([nightly], [], goal(), t(6, 5), None, plan())) == (FAIL, "no_logs")


def test_no_full_backup_before_the_instant(full: Full, log: Log, goal: Goal, t: Clock) -> None:
    fulls = [full("empty", t(2), t(3), backup_size=0), full("late", t(6), t(6, 30))]
    verdict = judge_recovery_point(fulls, hourly(log, t, 5, 6), goal(), t(9))
    assert told(verdict) == (FAIL, "no_full_backup")
    assert "no usable full backup had ended by then: empty (size 0 is below min_size=1)" in verdict.message
    assert "nothing restorable before it; after it from 2026-11-20T06:30:00Z" in verdict.message


def test_everything_listed_is_younger(full: Full, log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point([full("f", t(30), t(31))], hourly(log, t, 29, 30), goal(), t(40))
    assert told(verdict) == (FAIL, "evidence_expired")
    assert "DBS lists no backup from before 2026-11-21T05:00:00Z" in verdict.message


def test_an_expired_full_backup(full: Full, log: Log, goal: Goal, t: Clock) -> None:
    fulls = [full("old", t(2), t(3), expires=t(8)), full("failed", t(1), t(2), "stop")]
    verdict = judge_recovery_point(fulls, hourly(log, t, 2, 3, 4, 5), goal(), t(9))
    assert told(verdict) == (FAIL, "expired")
    assert "old (expired 2026-11-20T08:00:00Z); failed (status stop)" in verdict.message


def test_expired_logs_under_a_live_full_backup(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    logs = [log(2, t(2), t(3), expires=t(8)), log(3, t(3), t(4), expires=t(8)), *hourly(log, t, 4, 5, 6)]
    verdict = judge_recovery_point([nightly], logs, goal(), t(9))
    assert told(verdict) == (FAIL, "expired")
    assert "segments have expired: mysql-bin.000002; mysql-bin.000003" in verdict.message


# --- the service's own word -------------------------------------------------------------------------------------------


def service_range(begin: datetime | None, end: datetime | None, kind: str = "range", **fields: Any) -> RestoreRange:
    def ms(moment: datetime | None) -> int | None:
        return moment and round(moment.timestamp() * 1000)

    return RestoreRange(
        range_type=kind, begin_timestamp_for_restore_ms=ms(begin), end_timestamp_for_restore_ms=ms(end), **fields
    )


def test_both_must_agree(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    rows = [nightly], hourly(log, t, 2, 3, 4, 5)
    both = goal(authority="both")
    asked = judge_recovery_point(*rows, both, t(7))
    assert told(asked) == (WAIT, "service_not_asked")
    assert asked.needs_restore_ranges
    agreed = judge_recovery_point(*rows, both, t(7), [service_range(t(3), t(6))])
    assert told(agreed) == (PASS, "recoverable")
    assert agreed.evidence["backup_set_id"] == "nightly"
    assert "DBS agrees" in agreed.message
    for said in ([], [service_range(t(3), t(5, 59))], [service_range(t(6, 1), t(7))]):
        disagreed = judge_recovery_point(*rows, both, t(7), said)
        assert told(disagreed) == (WAIT, "service_disagrees")
        assert not disagreed.needs_restore_ranges
    assert "Its ranges: range 2026-11-20T06:01:00Z to 2026-11-20T07:00:00Z." in disagreed.message


def test_the_service_alone_never_heals_what_the_lists_lack(nightly: FullBackup, log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_recovery_point(
        [nightly], hourly(log, t, 2, 3, 6), goal(authority="both"), t(7), [service_range(t(3), t(7))]
    )
    assert told(verdict) == (FAIL, "sequence_gap")


def test_the_service_as_the_only_authority(goal: Goal, t: Clock) -> None:
    service = goal(authority="service", backup_method=None)
    assert judge_recovery_point([], [], service, t(7)).needs_restore_ranges
    passed = judge_recovery_point([], [], service, t(7), [service_range(t(3), t(6))])
    assert told(passed) == (PASS, "recoverable")
    assert passed.evidence == {"kind": "range", "authority": "service"}
    assert told(judge_recovery_point([], [], service, t(7), [])) == (WAIT, "service_not_yet")
    assert told(judge_recovery_point([], [], service, t(5), [service_range(t(3), t(6))])) == (WAIT, "not_yet")


def test_what_the_service_promises(goal: Goal, t: Clock) -> None:
    def promised(*ranges: RestoreRange) -> bool:
        return judge_recovery_point([], [], goal(authority="service"), t(7), ranges).outcome is PASS

    six = round(t(6).timestamp() * 1000)
    listed = {"full_backup_list_raw": type("List", (), {"full_backup_detail": None})}
    assert promised(service_range(t(6), t(6), "Range"))
    assert not promised(service_range(None, t(7)))
    assert not promised(service_range(t(3), None))
    assert not promised(service_range(t(3), t(7), "roughly"))
    assert promised(service_range(t(3), t(6), "point", **listed))
    assert not promised(service_range(t(3), t(7), "point"))
    detail = [RestoreRangeBackup(backup_set_id="f", end_time_ms=six)]
    listed["full_backup_list_raw"] = type("List", (), {"full_backup_detail": detail})
    assert promised(service_range(t(3), t(7), "point", **listed))
    detail[0] = RestoreRangeBackup(backup_set_id="f", end_time_ms=six + 1)
    assert not promised(service_range(t(3), t(6), "point", **listed))


# --- the goal travels -------------------------------------------------------------------------------------------------


def test_every_field_of_a_goal_survives_json(goal: Goal, t: Clock) -> None:
    changed = goal(
        recovery_time=t(6, 0, 0.000001),
        source="recovery_time",
        backup_method="logical",
        authority="both",
        count_open_tail=True,
        settle=timedelta(seconds=1),
    )
    default = goal(backup_plan_id="other")
    for name in RecoveryPointGoal.__struct_fields__:
        assert getattr(changed, name) != getattr(default, name), f"{name} is not put to the test"
    assert RecoveryPointGoal.from_json(json.loads(json.dumps(changed.to_json()))) == changed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"authority": "me"}, "authority='me' is unknown: give one of 'computed', 'service', 'both'"),
        ({"settle": timedelta(-1)}, "settle=.* is negative"),
        ({"count_open_tail": "false"}, "count_open_tail='false' is neither True nor False"),
    ],
)
def test_an_option_out_of_range_is_an_error_that_names_it(goal: Goal, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        goal(**options)
