# SPDX-License-Identifier: Apache-2.0
"""The full-backup gate: a test for each situation of its table, from the top, and properties over all of them.

The window of these tests is 02:00 to 04:00; a gate closes five minutes after its end.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_dbs.client.refusals import refusal
from airflow_provider_dbs.judgement.gate import (
    FullBackupGoal,
    PlanNotFound,
    api_error_verdict,
    call_failed_verdict,
    judge_full_backups,
)
from airflow_provider_dbs.judgement.goal import as_duration
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.window import Window
from airflow_provider_dbs.models import BackupPlan, FullBackup

Clock = Callable[..., datetime]
Full = Callable[..., FullBackup]
Goal = Callable[..., FullBackupGoal]
Plan = Callable[..., BackupPlan]


@pytest.fixture(scope="session")
def goal(t: Clock) -> Goal:
    def build(*, open_end: bool = False, **options: Any) -> FullBackupGoal:
        window = Window(t(2), None if open_end else t(4), "data interval")
        return FullBackupGoal(**{"backup_plan_id": "dbs1", "window": window, **options})

    return build


def told(verdict: Verdict) -> tuple[Outcome, str]:
    return verdict.outcome, verdict.reason


PASS, WAIT, FAIL = Outcome.PASS, Outcome.WAIT, Outcome.FAIL


# --- a usable match: PASS ---------------------------------------------------------------------------------------------


def test_a_usable_match_passes_as_fresh(full: Full, goal: Goal, t: Clock) -> None:
    row = full("good", t(2), t(3), expires=t(200))
    verdict = judge_full_backups([full("yesterday", t(-22), t(-21)), row], goal(), t(3, 1))

    assert told(verdict) == (PASS, "fresh")
    assert verdict.xcom() == {
        "verdict": "pass",
        "reason": "fresh",
        "backup_plan_id": "dbs1",
        "window_start": "2026-11-20T02:00:00Z",
        "window_end": "2026-11-20T04:00:00Z",
        "window_source": "data interval",
        "backup_set_id": "good",
        "start_time": "2026-11-20T02:00:00Z",
        "end_time": "2026-11-20T03:00:00Z",
        "backup_set_expired_time": "2026-11-28T08:00:00Z",
        "backup_size": 1000,
        "storage_method": "Standard",
        "backup_status": "finish",
    }
    assert len(json.dumps(verdict.xcom())) < 1024
    assert not verdict.needs_plan
    assert "Mind its age" not in verdict.message


def test_of_several_usable_matches_the_newest_counts(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("older", t(2), t(3)), full("newest", t(3), t(3, 30)), full("running", t(3, 40))]
    assert judge_full_backups(rows, goal(), t(12)).evidence["backup_set_id"] == "newest"


def test_a_pass_with_a_later_failure_says_so(full: Full, goal: Goal, t: Clock) -> None:
    failed = full("bad", t(3), None, "stop", err_message="disk full")
    verdict = judge_full_backups([full("good", t(2), t(2, 30)), failed], goal(), t(3, 30))

    assert told(verdict) == (PASS, "fresh_but_later_failure")
    assert "A later one, bad, has failed: disk full." in verdict.message


def test_a_later_failure_without_a_message(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([full("good", t(2), t(2, 30)), full("bad", t(3), t(3, 1), "stop")], goal(), t(3, 30))
    assert "A later one, bad, has failed." in verdict.message


@pytest.mark.parametrize(("start", "status"), [(1, "stop"), (2.1, "stop"), (5, "stop"), (3, "running")])
def test_other_rows_around_a_usable_match_do_not_matter(
    full: Full, goal: Goal, t: Clock, start: float, status: str
) -> None:
    rows = [full("good", t(2, 30), t(2, 50)), full("other", t(start), None, status)]
    assert told(judge_full_backups(rows, goal(), t(6))) == (PASS, "fresh")


def test_a_pass_with_an_old_set_says_its_age(full: Full, goal: Goal, t: Clock) -> None:
    assert "it started 1 d 1 h ago" in judge_full_backups([full("a", t(3), t(3, 5))], goal(), t(28)).message


def test_an_expiry_and_a_storage_class_that_are_not_known_are_null(full: Full, goal: Goal, t: Clock) -> None:
    xcom = judge_full_backups([full("a", t(2), t(3), storage_method=None)], goal(), t(4)).xcom()
    assert xcom["backup_set_expired_time"] is None
    assert xcom["storage_method"] is None


# --- which rows match -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "start", "end", "passes"),
    [
        ({}, 2, 3, True),
        ({}, 3.99, 9, True),  # it may end as late as it likes
        ({}, 1.99, 3, False),
        ({}, 4, 5, False),
        ({"grace": timedelta(hours=1)}, 4.99, 6, True),
        ({"grace": timedelta(hours=1)}, 5, 6, False),
        ({"accept_later": True}, 11, 12, True),
        ({"accept_later": True}, 1.99, 12, False),
        ({"open_end": True}, 11, 12, True),
        ({"anchor": "end"}, 1, 2, True),
        ({"anchor": "end"}, 1, 1.99, False),
        ({"anchor": "end"}, 3, 4, False),
        ({"anchor": "end", "grace": timedelta(minutes=1)}, 3, 4, True),
        ({"anchor": "end", "open_end": True}, 3, 9, True),
        ({"anchor": "contained"}, 2, 3.99, True),
        ({"anchor": "contained"}, 1.99, 3, False),
        ({"anchor": "contained"}, 2, 4, False),
        ({"anchor": "contained", "grace": timedelta(minutes=1)}, 2, 4, True),
        ({"anchor": "contained", "accept_later": True}, 5, 6, True),
        ({"anchor": "contained", "accept_later": True}, 1.99, 6, False),
    ],
)
def test_matches(
    full: Full, goal: Goal, t: Clock, options: dict[str, Any], start: float, end: float, passes: bool
) -> None:
    verdict = judge_full_backups([full("a", t(start), t(end))], goal(**options), t(12))
    assert (verdict.outcome is PASS) == passes


# --- in flight: WAIT --------------------------------------------------------------------------------------------------


def test_running_waits_even_when_the_window_is_closed(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([full("a", t(2), logical_full_backup_progress=40)], goal(), t(9))

    assert told(verdict) == (WAIT, "running")
    assert "Full backup a of plan dbs1 is running (started 2026-11-20T02:00:00Z, 7 h ago, 40 % done)" in verdict.message
    assert verdict.evidence == {"backup_set_id": "a", "backup_status": "running"}
    assert not verdict.needs_plan


def test_a_scheduled_backup_is_placed_by_its_creation(full: Full, goal: Goal, t: Clock) -> None:
    inside = full("a", None, None, "schedule", created=t(2, 30))
    assert told(judge_full_backups([inside], goal(), t(3))) == (WAIT, "running")
    assert "is scheduled and has not started (created" in judge_full_backups([inside], goal(), t(3)).message
    before = full("a", None, None, "schedule", created=t(1))
    assert told(judge_full_backups([before], goal(), t(3))) == (WAIT, "not_yet")


def test_paused_waits_for_a_person(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([full("a", t(2), None, "pause")], goal(), t(9))
    assert told(verdict) == (WAIT, "paused")
    assert "only when a person resumes it" in verdict.message


def test_an_unknown_status_waits(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([full("a", t(2), t(3), "checking")], goal(), t(9))
    assert told(verdict) == (WAIT, "unknown_status")
    assert "'checking'" in verdict.message


def test_of_several_in_flight_the_likeliest_is_named(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("p", t(3), None, "pause"), full("u", t(3, 10), None, "new"), full("r", t(2, 10))]
    verdict = judge_full_backups(rows, goal(), t(3, 30))
    assert told(verdict) == (WAIT, "running")
    assert verdict.evidence["backup_set_id"] == "r"
    assert "2 more in flight." in verdict.message


@pytest.mark.parametrize(
    ("options", "start", "as_of", "waits"),
    [
        ({}, 1.9, 3, False),
        ({}, 4.5, 5, False),
        ({"accept_later": True}, 9, 10, True),
        ({"open_end": True}, 9, 10, True),
        ({"anchor": "end"}, 1, 3, True),
        ({"anchor": "end"}, 3.9, 4.05, True),
        ({"anchor": "end"}, 4.05, 4.06, False),
        ({"anchor": "end"}, 3, 5, False),  # it can no longer end in time
        ({"anchor": "end", "accept_later": True}, 3, 5, True),
        ({"anchor": "end", "open_end": True}, 3, 5, True),
        ({"anchor": "contained"}, 2, 3, True),
        ({"anchor": "contained"}, 1.9, 3, False),
        ({"anchor": "contained"}, 2, 5, False),
        ({"anchor": "contained", "accept_later": True}, 2, 5, True),
    ],
)
def test_only_what_could_yet_become_a_match_is_waited_for(
    full: Full, goal: Goal, t: Clock, options: dict[str, Any], start: float, as_of: float, waits: bool
) -> None:
    verdict = judge_full_backups([full("a", t(start))], goal(**options), t(as_of))
    assert (told(verdict) == (WAIT, "running")) == waits


def test_a_contained_backup_that_has_not_started_may_yet_start_inside(full: Full, goal: Goal, t: Clock) -> None:
    row = full("a", None, None, "schedule", created=t(1, 59))
    assert told(judge_full_backups([row], goal(anchor="contained"), t(2, 1))) == (WAIT, "running")


def test_a_row_without_any_time_is_not_waited_for(full: Full, goal: Goal, t: Clock) -> None:
    assert told(judge_full_backups([full("a", None, None, "running")], goal(), t(5))) == (FAIL, "window_closed")


# --- only failed ones, not closed -------------------------------------------------------------------------------------


def test_only_failed_ones_wait_while_the_window_is_open(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("a", t(2), t(2, 1), "stop", err_message="disk full"), full("b", t(1), t(1, 1), "stop")]
    verdict = judge_full_backups(rows, goal(), t(3))

    assert told(verdict) == (WAIT, "failed_so_far")
    assert "a stop (started 2026-11-20T02:00:00Z, disk full)" in verdict.message
    assert "judged for good at 2026-11-20T04:05:00Z" in verdict.message
    assert verdict.needs_plan


def test_only_failed_ones_fail_at_once_with_fail_on_stopped(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([full("a", t(2), t(2, 1), "stop")], goal(fail_on_stopped=True), t(3))
    assert told(verdict) == (FAIL, "failed_so_far")
    assert "fail_on_stopped=True" in verdict.message


def test_fail_on_stopped_waits_for_one_in_flight(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("a", t(2), t(2, 1), "stop"), full("b", t(2, 30))]
    assert told(judge_full_backups(rows, goal(fail_on_stopped=True), t(3))) == (WAIT, "running")


# --- nothing decisive, not closed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-90, 0, 4.99])
def test_nothing_decisive_waits_until_the_list_has_settled(full: Full, goal: Goal, t: Clock, minutes: float) -> None:
    verdict = judge_full_backups([full("old", t(-22), t(-21))], goal(), t(4, minutes))

    assert told(verdict) == (WAIT, "not_yet")
    assert "DBS lists one full backup of this plan, and not there." in verdict.message
    assert verdict.needs_plan


def test_an_open_end_never_closes(goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([], goal(open_end=True), t(24 * 365))
    assert told(verdict) == (WAIT, "not_yet")
    assert verdict.message == (
        "Plan dbs1 has no full backup yet in [2026-11-20T02:00:00Z, open end) (data interval; by start). "
        "DBS lists no full backup of this plan."
    )


def test_an_unusable_match_waits_while_the_window_is_open(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([full("a", t(2), t(3), backup_size=0)], goal(), t(3, 30))
    assert told(verdict) == (WAIT, "not_yet")
    assert "size 0 is below min_size=1" in verdict.message


def test_an_unusable_and_a_failed_match_are_not_only_failed_ones(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("a", t(2), t(3), backup_size=0), full("b", t(2, 10), None, "stop")]
    assert told(judge_full_backups(rows, goal(fail_on_stopped=True), t(3, 30))) == (WAIT, "not_yet")


# --- closed: FAIL -----------------------------------------------------------------------------------------------------


def test_closed_with_an_expired_match(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("a", t(2), t(3), expires=t(4)), full("b", t(2, 10), t(3), backup_size=0)]
    verdict = judge_full_backups(rows, goal(), t(5))

    assert told(verdict) == (FAIL, "expired")
    assert "a finish (started 2026-11-20T02:00:00Z, expired 2026-11-20T04:00:00Z)" in verdict.message
    assert 'usable_at="window_end"' in verdict.message


def test_usable_at_the_windows_end_judges_the_expiry_there(full: Full, goal: Goal, t: Clock) -> None:
    at_end = goal(usable_at="window_end")
    assert told(judge_full_backups([full("a", t(2), t(3), expires=t(5))], at_end, t(9))) == (PASS, "fresh")
    late = judge_full_backups([full("a", t(2), t(3), expires=t(4))], at_end, t(9))
    assert told(late) == (FAIL, "expired")
    assert "usable_at" not in late.message
    still_open = goal(usable_at="window_end", open_end=True)
    assert told(judge_full_backups([full("a", t(2), t(3), expires=t(5))], still_open, t(9))) == (WAIT, "not_yet")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"start": 2, "end": 3, "backup_size": 0}, "size 0 is below min_size=1"),
        ({"start": 3, "end": 2}, "ends 2026-11-20T02:00:00Z, before it starts"),
        ({"start": 2, "end": 9}, "ends in the future, 2026-11-20T09:00:00Z"),
        ({"start": 2, "end": None, "status": "finish"}, "no end time"),
        ({"start": None, "end": 3, "created": 2}, "no start time"),
    ],
)
def test_closed_with_an_unusable_match(full: Full, goal: Goal, t: Clock, row: dict[str, Any], words: str) -> None:
    times = ("start", "end", "created")
    built = full("a", **{name: t(value) if name in times and value else value for name, value in row.items()})
    verdict = judge_full_backups([built], goal(), t(5))

    assert told(verdict) == (FAIL, "unusable")
    assert words in verdict.message
    assert not verdict.needs_plan


def test_a_set_that_cannot_be_sized_is_not_helped_by_min_size(full: Full, goal: Goal, t: Clock) -> None:
    small = judge_full_backups([full("a", t(2), t(3), backup_size=0)], goal(), t(5))
    assert "a smaller min_size" in small.message
    sizeless = judge_full_backups([full("a", t(2), t(3), backup_size=None)], goal(), t(5))
    assert told(sizeless) == (FAIL, "unusable")
    assert "min_size" not in sizeless.message


def test_closed_with_only_failed_ones(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full(f"f{n}", t(2, n), t(2, n + 1), "stop", err_message="disk full") for n in range(8)]
    verdict = judge_full_backups(rows, goal(), t(4, 5))

    assert told(verdict) == (FAIL, "all_failed")
    assert "Looked at: f7 stop (started 2026-11-20T02:07:00Z, disk full); f6" in verdict.message
    assert "+3 more" in verdict.message
    assert verdict.evidence["looked_at"] == ["f7", "f6", "f5", "f4", "f3"]


def test_closed_with_one_created_inside_but_started_after(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("queued", t(4, 30), t(5), created=t(3, 50)), full("old", t(-2), t(-1))]
    verdict = judge_full_backups(rows, goal(), t(6))

    assert told(verdict) == (FAIL, "started_after_window")
    assert "set queued was created in time (2026-11-20T03:50:00Z)" in verdict.message
    assert "but started only at 2026-11-20T04:30:00Z" in verdict.message
    assert "30 min after the window's end" in verdict.message
    assert "grace=timedelta(minutes=31)" in verdict.message


def test_closed_with_a_window_before_the_oldest_listed_backup(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([full("a", t(24), t(25)), full("b", t(48), t(49))], goal(), t(72))

    assert told(verdict) == (FAIL, "evidence_expired")
    assert "DBS no longer lists backups of that time" in verdict.message
    assert "the oldest one listed is of 2026-11-21T00:00:00Z" in verdict.message
    assert verdict.needs_plan


def test_at_the_very_end_of_the_window_it_is_too_late(full: Full, goal: Goal, t: Clock) -> None:
    oldest = judge_full_backups([full("a", t(4), t(5))], goal(), t(9))
    assert told(oldest) == (FAIL, "evidence_expired")
    created_inside = judge_full_backups([full("a", t(4), t(5), created=t(2))], goal(), t(9))
    assert told(created_inside) == (FAIL, "started_after_window")


def test_closed_otherwise(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("late", t(5, 10), t(6)), full("later", t(9), t(10)), full("early", t(1), t(1, 30))]
    verdict = judge_full_backups(rows, goal(), t(12))

    assert told(verdict) == (FAIL, "window_closed")
    assert verdict.message == (
        "No usable full backup of plan dbs1 in [2026-11-20T02:00:00Z, 2026-11-20T04:00:00Z) (data interval; by start): "
        "no full backup came before the window closed at 2026-11-20T04:05:00Z. "
        "DBS lists 3 full backups of this plan, none of them there. "
        "Nearest usable: set early started 2026-11-20T01:00:00Z, 1 h before the window; "
        "set late started 2026-11-20T05:10:00Z, 1 h 10 min after the window. "
        "Way out: grace=timedelta(minutes=71), an earlier window_start or a longer lookback, "
        "a new backup with accept_later=True or open_end=True, or a new run of the DAG."
    )
    assert verdict.evidence == {"looked_at": [], "nearest_before": "early", "nearest_after": "late"}
    assert verdict.needs_plan


def test_closed_with_nothing_listed(goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([], goal(), t(5))
    assert told(verdict) == (FAIL, "window_closed")
    assert "No usable set is listed on either side." in verdict.message


def test_the_grace_that_a_refusal_names_lets_the_set_pass(full: Full, goal: Goal, t: Clock) -> None:
    for anchor in ("start", "end", "contained"):
        rows = [full("late", t(4), t(4, 30))]
        refusal = judge_full_backups(rows, goal(anchor=anchor), t(12)).message
        minutes = int(refusal.split("grace=timedelta(minutes=")[1].split(")")[0])
        wider = goal(anchor=anchor, grace=timedelta(minutes=minutes))
        assert told(judge_full_backups(rows, wider, t(12))) == (PASS, "fresh")


def test_a_refusal_measures_by_its_anchor(full: Full, goal: Goal, t: Clock) -> None:
    rows = [full("early", t(1), t(1, 30)), full("late", t(3), t(5))]
    by_end = judge_full_backups(rows, goal(anchor="end"), t(12)).message
    assert "set early ended 2026-11-20T01:30:00Z, 30 min before the window; set late ended" in by_end
    contained = judge_full_backups(rows, goal(anchor="contained"), t(12)).message
    assert "set early started 2026-11-20T01:00:00Z, 1 h before the window; set late ended" in contained


def test_a_refusal_with_accept_later_offers_no_grace(full: Full, goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([full("a", t(9), t(10), backup_size=0)], goal(accept_later=True), t(12))
    assert told(verdict) == (FAIL, "unusable")
    assert "or any later one" in verdict.message
    assert "+ 1 h of grace" in judge_full_backups([], goal(grace=timedelta(hours=1)), t(12)).message


def test_a_window_can_wait_long_and_say_little(full: Full, goal: Goal, t: Clock) -> None:
    """730 failed sets with huge messages still make a message that fits on a screen."""
    rows = [full(f"f{n}", t(2, n / 10), None, "stop", err_message="\x1b[31mno\n" * 10_000) for n in range(730)]
    verdict = judge_full_backups(rows, goal(), t(5))
    assert len(verdict.message) < 2500
    assert verdict.message.isprintable()


# --- what the plan says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("pause", "plan_paused"),
        ("stop", "plan_stopped"),
        ("locked", "plan_locked"),
        ("wait", "plan_not_configured"),
        ("init", "plan_not_started"),
        ("check_pass", "plan_not_started"),
        ("upgrading", "plan_status_unknown"),
    ],
)
@pytest.mark.parametrize(("hours", "outcome"), [(3, WAIT), (5, FAIL)])
def test_a_plan_in_trouble_is_the_reason_for_want_of_rows(
    goal: Goal, plan: Plan, t: Clock, status: str, reason: str, hours: int, outcome: Outcome
) -> None:
    verdict = judge_full_backups([], goal(), t(hours), plan(status, err_message="no route"))
    assert told(verdict) == (outcome, reason)
    assert "(no route)." in verdict.message
    assert not verdict.needs_plan


def test_a_plan_that_is_not_found_names_the_region(goal: Goal, t: Clock) -> None:
    verdict = judge_full_backups([], goal(), t(5), PlanNotFound(), "cn-hangzhou")
    assert told(verdict) == (FAIL, "plan_not_found")
    assert "DBS does not know plan dbs1 in region cn-hangzhou" in verdict.message
    assert "the connection's region" in judge_full_backups([], goal(), t(5), PlanNotFound()).message


def test_a_plan_of_another_region_is_named(goal: Goal, plan: Plan, t: Clock) -> None:
    elsewhere = plan(backup_plan_region="cn-shanghai")
    verdict = judge_full_backups([], goal(), t(5), elsewhere, "cn-hangzhou")
    assert told(verdict) == (FAIL, "plan_in_other_region")
    assert told(judge_full_backups([], goal(), t(5), elsewhere, "cn-shanghai")) == (FAIL, "window_closed")


def test_a_sound_plan_tells_its_schedule(goal: Goal, plan: Plan, t: Clock) -> None:
    sound = plan(backup_period="Monday,Friday", backup_start_time="18:00")
    verdict = judge_full_backups([], goal(), t(5), sound)
    assert told(verdict) == (FAIL, "window_closed")
    assert "The plan backs up on Monday,Friday at 18:00 UTC." in verdict.message
    assert not verdict.needs_plan
    assert "backs up on" not in judge_full_backups([], goal(), t(5), plan()).message


def test_a_plan_in_trouble_adds_words_but_no_reason_where_rows_decide(
    full: Full, goal: Goal, plan: Plan, t: Clock
) -> None:
    verdict = judge_full_backups([full("a", t(2), None, "stop")], goal(), t(3), plan("pause"))
    assert told(verdict) == (WAIT, "failed_so_far")
    assert "Plan dbs1 is paused" in verdict.message


def test_the_plan_never_passes_nor_stops_a_pass(full: Full, goal: Goal, plan: Plan, t: Clock) -> None:
    assert told(judge_full_backups([full("a", t(2), t(3))], goal(), t(4), plan("stop"))) == (PASS, "fresh")
    assert told(judge_full_backups([], goal(), t(5), plan("running"))) == (FAIL, "window_closed")


# --- the service's errors ---------------------------------------------------------------------------------------------


def test_a_listing_that_failed_for_now_waits(goal: Goal) -> None:
    verdict = api_error_verdict(goal(), "Throttling.User: slow down (request id 4D6)")
    assert told(verdict) == (WAIT, "api_error")
    assert "Throttling.User: slow down (request id 4D6)" in verdict.message


def test_a_call_that_failed_for_good_fails(goal: Goal) -> None:
    verdict = call_failed_verdict(goal(), "Request.Forbidden: Have no Permissions (request id 4D6)")
    assert told(verdict) == (FAIL, "call_failed")
    assert "plan dbs1: Request.Forbidden: Have no Permissions (request id 4D6)" in verdict.message


def test_the_longest_refusal_keeps_its_request_id_and_the_way_out(goal: Goal) -> None:
    facts = {"code": "Request.Forbidden.ResourceOwnerOrAccount", "request_id": str(uuid.uuid4())}
    error = refusal(http_status=403, message="x" * 10_000, **facts)
    error.operation = "DescribeIncrementBackupList"
    message = call_failed_verdict(goal(), str(error)).message
    assert facts["request_id"] in message
    assert message.endswith("allow dbs:DescribeIncrementBackupList")


# --- the goal travels -------------------------------------------------------------------------------------------------


def test_every_field_of_a_goal_survives_json(goal: Goal, t: Clock) -> None:
    changed = goal(
        window=Window(t(2, 0, 0.123456), t(4), "run_after"),
        settle=timedelta(seconds=7.5),
        anchor="contained",
        grace=timedelta(hours=1, microseconds=1),
        accept_later=True,
        usable_at="window_end",
        min_size=2**40,
        fail_on_stopped=True,
    )
    default = goal(backup_plan_id="other")
    for name in FullBackupGoal.__struct_fields__:
        assert getattr(changed, name) != getattr(default, name), f"{name} is not put to the test"

    plain = changed.to_json()
    assert plain["grace"] == 3600.000001
    assert plain["window"] == {
        "start": "2026-11-20T02:00:00.123456Z",
        "end": "2026-11-20T04:00:00Z",
        "source": "run_after",
    }
    assert FullBackupGoal.from_json(json.loads(json.dumps(plain))) == changed
    still_open = goal(open_end=True)
    assert FullBackupGoal.from_json(json.loads(json.dumps(still_open.to_json()))) == still_open


def test_an_option_that_is_lost_or_unknown_on_the_way_is_an_error(goal: Goal) -> None:
    with pytest.raises(msgspec.ValidationError, match="surprise"):
        FullBackupGoal.from_json({**goal().to_json(), "surprise": 1})
    with pytest.raises(msgspec.ValidationError, match="anchor"):
        FullBackupGoal.from_json({**goal().to_json(), "anchor": "middle"})


def test_a_verdict_survives_json(full: Full, goal: Goal, t: Clock) -> None:
    for rows in ([], [full("a", t(2), t(3))]):
        verdict = judge_full_backups(rows, goal(), t(5))
        assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
    assert str(verdict.outcome) == "pass"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"anchor": "middle"}, "anchor='middle' is unknown: give one of 'start', 'end', 'contained'"),
        ({"usable_at": "then"}, "usable_at='then' is unknown: give one of 'now', 'window_end'"),
        ({"grace": timedelta(seconds=-1)}, "grace=.* is negative"),
        ({"settle": timedelta(seconds=-1)}, "settle=.* is negative"),
        ({"grace": timedelta(days=999_999)}, "grace=.* is longer than a century"),
        ({"min_size": -1}, "min_size=-1 must be a whole number from 0 on"),
        ({"min_size": "5"}, "min_size='5' must be a whole number"),
        ({"min_size": 1.5}, "min_size=1.5 must be a whole number"),
        ({"min_size": True}, "min_size=True must be a whole number"),
        # A text that says no counts as true, and these widen what passes.
        ({"accept_later": "no"}, "accept_later='no' is neither True nor False"),
        ({"fail_on_stopped": "false"}, "fail_on_stopped='false' is neither True nor False"),
        ({"backup_plan_id": "  "}, "backup_plan_id='  ' names no plan"),
        ({"backup_plan_id": 17}, "backup_plan_id=17 names no plan"),
    ],
)
def test_an_option_out_of_range_is_an_error_that_names_it(goal: Goal, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        goal(**options)


def test_a_duration_is_a_timedelta_or_seconds() -> None:
    assert as_duration("grace", 90) == as_duration("grace", 90.0) == as_duration("grace", timedelta(seconds=90))
    for wrong in ("90", None, True, float("nan"), float("inf"), 1e300):
        with pytest.raises(ValueError, match=r"grace=.* is no duration: give a timedelta or a number of seconds"):
            as_duration("grace", wrong)  # type: ignore[arg-type]


# --- properties -------------------------------------------------------------------------------------------------------

hours = st.integers(-4, 10)
row_values = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["schedule", "running", "finish", "finish", "finish", "stop", "pause", "odd"]),
        "start": st.none() | hours,
        "end": st.none() | hours,
        "created": st.none() | hours,
        "expires": st.none() | hours,
        "backup_size": st.sampled_from([None, 0, 1000]),
    }
)
goal_options = st.fixed_dictionaries(
    {
        "anchor": st.sampled_from(["start", "end", "contained"]),
        "usable_at": st.sampled_from(["now", "window_end"]),
        "accept_later": st.booleans(),
        "open_end": st.booleans(),
        "fail_on_stopped": st.booleans(),
        "grace": st.sampled_from([timedelta(0), timedelta(hours=1)]),
        "min_size": st.sampled_from([0, 1]),
    }
)


def built(full: Full, t: Clock, name: str, values: dict[str, Any]) -> FullBackup:
    times = ("start", "end", "created", "expires")
    return full(
        name, **{key: value if key not in times or value is None else t(value) for key, value in values.items()}
    )


@pytest.mark.property
@given(rows=st.lists(row_values, max_size=6), options=goal_options, as_of=hours, seed=st.integers(0, 99))
def test_order_and_duplicates_never_change_a_verdict(
    full: Full, goal: Goal, t: Clock, rows: list[dict[str, Any]], options: dict[str, Any], as_of: int, seed: int
) -> None:
    backups = [built(full, t, f"set-{number}", values) for number, values in enumerate(rows)]
    shuffled = backups + random.Random(seed).choices(backups, k=3) if backups else []
    random.Random(seed).shuffle(shuffled)

    assert judge_full_backups(shuffled, goal(**options), t(as_of)) == judge_full_backups(
        backups, goal(**options), t(as_of)
    )


@pytest.mark.property
@given(rows=st.lists(row_values, max_size=5), older=row_values, options=goal_options, as_of=hours)
def test_an_older_backup_never_turns_a_pass_into_a_fail(
    full: Full,
    goal: Goal,
    t: Clock,
    rows: list[dict[str, Any]],
    older: dict[str, Any],
    options: dict[str, Any],
    as_of: int,
) -> None:
    backups = [built(full, t, f"set-{number}", values) for number, values in enumerate(rows)]
    before = judge_full_backups(backups, goal(**options), t(as_of))
    after = judge_full_backups([*backups, built(full, t, "older", older)], goal(**options), t(as_of))
    if before.outcome is PASS:
        assert after.outcome is PASS


@pytest.mark.property
@given(rows=st.lists(row_values, max_size=6), options=goal_options, as_of=hours)
def test_a_pass_names_a_finished_set_of_the_window_and_a_refusal_never_hides_one(
    full: Full, goal: Goal, t: Clock, rows: list[dict[str, Any]], options: dict[str, Any], as_of: int
) -> None:
    """An independent reading of the definitions: PASS exactly when such a row exists."""
    backups = [built(full, t, f"set-{number}", values) for number, values in enumerate(rows)]
    verdict = judge_full_backups(backups, goal(**options), t(as_of))
    latest = 99 if options["open_end"] or options["accept_later"] else 4 + options["grace"] // timedelta(hours=1)
    expiry = 4 if options["usable_at"] == "window_end" and not options["open_end"] else as_of

    def good(row: dict[str, Any]) -> bool:
        start, end, size, expires = row["start"], row["end"], row["backup_size"], row["expires"]
        if row["status"] != "finish" or start is None or end is None or not start <= end <= as_of:
            return False
        if size is None or size < options["min_size"] or (expires is not None and expires <= expiry):
            return False
        anchors = {"start": (start, start), "end": (end, end), "contained": (start, end)}[options["anchor"]]
        return anchors[0] >= 2 and anchors[1] < latest

    expected = {f"set-{number}" for number, row in enumerate(rows) if good(row)}
    assert (verdict.outcome is PASS) == bool(expected)
    if expected:
        assert verdict.evidence["backup_set_id"] in expected
    json.dumps(verdict.xcom())


lives = st.tuples(hours, st.integers(0, 3), st.integers(0, 5), st.sampled_from(["finish", "finish", "stop", "odd"]))


@pytest.mark.property
@given(lives=st.lists(lives, max_size=5), options=goal_options)
def test_a_gate_decides_once_and_always_decides(
    full: Full, goal: Goal, t: Clock, lives: list[tuple[int, int, int, str]], options: dict[str, Any]
) -> None:
    """Backups that are created, start and end as time goes by: no FAIL is followed by a PASS, and no gate hangs."""
    options = {**options, "accept_later": False, "fail_on_stopped": False}

    def seen(as_of: float) -> list[FullBackup]:
        rows = []
        for number, (created, queued, taken, status) in enumerate(lives):
            start, end = created + queued, created + queued + taken
            if created <= as_of:
                so_far = status if end <= as_of else "running" if start <= as_of else "schedule"
                times = (t(start) if start <= as_of else None, t(end) if end <= as_of else None)
                rows.append(full(f"set-{number}", *times, so_far, created=t(created)))
        return rows

    decided: Outcome | None = None
    for step in range(-8, 42):
        verdict = judge_full_backups(seen(step / 2), goal(**options), t(step / 2))
        if decided:
            assert verdict.outcome is decided
        elif verdict.outcome is not WAIT:
            decided = verdict.outcome
    unknown_for_ever = verdict.reason == "unknown_status"
    assert (decided is None) <= (options["open_end"] or unknown_for_ever)
