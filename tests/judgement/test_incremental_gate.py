# SPDX-License-Identifier: Apache-2.0
"""The incremental gate. Its window is 03:00 to 06:00."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_dbs.judgement.incremental_gate import IncrementalGoal, judge_incremental_backups
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.window import Window
from airflow_provider_dbs.models import BackupPlan, IncrementalBackup

Clock = Callable[..., datetime]
Log = Callable[..., IncrementalBackup]
Goal = Callable[..., IncrementalGoal]
Plan = Callable[..., BackupPlan]

PASS, WAIT, FAIL = Outcome.PASS, Outcome.WAIT, Outcome.FAIL


@pytest.fixture(scope="session")
def goal(t: Clock) -> Goal:
    def build(**options: Any) -> IncrementalGoal:
        return IncrementalGoal(**{"backup_plan_id": "dbs1", "window": Window(t(3), t(6), "data interval"), **options})

    return build


def hourly(log: Log, t: Clock, *numbers: int) -> list[IncrementalBackup]:
    return [log(number, t(number), t(number + 1)) for number in numbers]


def told(verdict: Verdict) -> tuple[Outcome, str]:
    return verdict.outcome, verdict.reason


def test_one_run_over_the_window_passes(log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_incremental_backups(hourly(log, t, 1, 2, 3, 4, 5, 6), goal(), t(7))
    assert told(verdict) == (PASS, "covered")
    assert verdict.xcom() == {
        "verdict": "pass",
        "reason": "covered",
        "backup_plan_id": "dbs1",
        "window_start": "2026-11-20T03:00:00Z",
        "window_end": "2026-11-20T06:00:00Z",
        "window_source": "data interval",
        "first_segment": "mysql-bin.000003",
        "last_segment": "mysql-bin.000005",
        "start_time": "2026-11-20T01:00:00Z",
        "end_time": "2026-11-20T07:00:00Z",
        "open_tail": False,
    }
    assert len(json.dumps(verdict.xcom())) < 1024


def test_breaks_outside_the_window_do_not_matter(log: Log, goal: Goal, t: Clock) -> None:
    assert judge_incremental_backups(hourly(log, t, 1, 3, 4, 5, 8), goal(), t(9)).outcome is PASS


def test_the_open_tail_counts_only_when_asked(log: Log, goal: Goal, t: Clock) -> None:
    logs = [*hourly(log, t, 2, 3, 4), log(5, t(5), t(6, 1), "FILLING")]
    waiting = judge_incremental_backups(logs, goal(), t(99))
    assert told(waiting) == (WAIT, "not_reached")
    assert "mysql-bin.000005 is FILLING up to 2026-11-20T06:01:00Z" in waiting.message
    assert "mysql-bin.000004 reach from 2026-11-20T02:00:00Z to 2026-11-20T05:00:00Z so far" in waiting.message
    assert not waiting.needs_plan
    passed = judge_incremental_backups(logs, goal(count_open_tail=True), t(7))
    assert told(passed) == (PASS, "covered")
    assert passed.evidence["open_tail"] is True


def test_a_window_that_is_not_over_never_passes(log: Log, goal: Goal, t: Clock) -> None:
    """A segment's clock may be some minutes ahead."""
    verdict = judge_incremental_backups([log(1, t(2), t(6))], goal(), t(5, 57))
    assert told(verdict) == (WAIT, "not_yet")


@pytest.mark.parametrize(
    ("logs", "reason"),
    [
        ([(2, 2, 4), (4, 5, 6)], "sequence_gap"),
        ([(2, 2, 4), (1, 4, 6)], "epoch_break"),
        ([(2, 2, 4), (3, 4, 5, "UNCOMPLETED"), (4, 5, 6)], "broken"),
    ],
)
def test_a_break_inside_with_a_later_sealed_segment_fails_at_once(
    log: Log, goal: Goal, t: Clock, logs: list[Any], reason: str
) -> None:
    rows = [log(number, t(start), t(end), *status) for number, start, end, *status in logs]
    patient = goal(settle=timedelta(hours=9))
    verdict = judge_incremental_backups(rows, patient, t(6))
    assert told(verdict) == (FAIL, reason)
    assert "Before it logs mysql-bin.000002 to mysql-bin.000002 reach" in verdict.message
    without_the_later = judge_incremental_backups(rows[:-1], patient, t(6))
    assert without_the_later.outcome is WAIT


def test_a_break_at_the_windows_beginning_is_told_without_a_run(log: Log, goal: Goal, t: Clock) -> None:
    logs = [log(2, t(2), t(4), "UNCOMPLETED"), *hourly(log, t, 4, 5)]
    verdict = judge_incremental_backups(logs, goal(), t(6))
    assert told(verdict) == (FAIL, "broken")
    assert "Before it" not in verdict.message
    assert verdict.evidence["missing_segment_count"] == 0


def test_a_stretch_without_logs_fails_once_closed(log: Log, goal: Goal, t: Clock) -> None:
    logs = [log("a", t(2), t(4)), log("b", t(5), t(6))]
    assert told(judge_incremental_backups(logs, goal(), t(6, 4))) == (WAIT, "not_yet")
    assert told(judge_incremental_backups(logs, goal(), t(6, 5))) == (FAIL, "time_gap")


def test_no_logs_at_all_fail_once_closed(goal: Goal, plan: Plan, t: Clock) -> None:
    waiting = judge_incremental_backups([], goal(), t(6, 4))
    assert told(waiting) == (WAIT, "not_yet")
    assert "no sealed logs hold its beginning so far" in waiting.message
    assert waiting.needs_plan
    verdict = judge_incremental_backups([], goal(), t(6, 5))
    assert told(verdict) == (FAIL, "no_logs")
    assert verdict.needs_plan
    without = judge_incremental_backups([], goal(), t(6, 5), plan(enable_backup_log=False))
    assert told(without) == (FAIL, "plan_without_logs")
    assert told(judge_incremental_backups([], goal(), t(6, 4), plan("pause"))) == (WAIT, "plan_paused")


def test_a_window_before_the_oldest_log_fails_once_closed(log: Log, goal: Goal, t: Clock) -> None:
    verdict = judge_incremental_backups(hourly(log, t, 7, 8), goal(), t(9))
    assert told(verdict) == (FAIL, "evidence_expired")
    assert "the oldest log listed is of 2026-11-20T07:00:00Z" in verdict.message


def test_logs_that_begin_inside_the_window_fail_once_closed(log: Log, goal: Goal, t: Clock) -> None:
    logs = hourly(log, t, 4, 5, 6)
    assert told(judge_incremental_backups(logs, goal(), t(6, 4))) == (WAIT, "not_yet")
    verdict = judge_incremental_backups(logs, goal(), t(7))
    assert told(verdict) == (FAIL, "logs_start_late")
    assert "begins only at 2026-11-20T04:00:00Z" in verdict.message


def test_a_stream_that_goes_silent_beside_another(log: Log, goal: Goal, t: Clock) -> None:
    beside = [log(n, t(n, 30), t(n + 1, 30), endpoint="b") for n in (3, 4, 5, 6)]
    verdict = judge_incremental_backups([*hourly(log, t, 2, 3), *beside], goal(), t(9))
    assert told(verdict) == (FAIL, "epoch_break")


def test_a_window_without_an_end_is_an_error(goal: Goal, t: Clock) -> None:
    with pytest.raises(ValueError, match="open_end=True"):
        goal(window=Window(t(3), None, "x"))
    with pytest.raises(ValueError, match=r"settle=.* is negative"):
        goal(settle=timedelta(-1))
    with pytest.raises(ValueError, match="count_open_tail='no' is neither True nor False"):
        goal(count_open_tail="no")


def test_every_field_of_a_goal_survives_json(goal: Goal, t: Clock) -> None:
    changed = goal(window=Window(t(1), t(2), "x"), count_open_tail=True, settle=timedelta(seconds=1))
    default = goal(backup_plan_id="other")
    for name in IncrementalGoal.__struct_fields__:
        assert getattr(changed, name) != getattr(default, name), f"{name} is not put to the test"
    assert IncrementalGoal.from_json(json.loads(json.dumps(changed.to_json()))) == changed
