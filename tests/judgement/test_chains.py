# SPDX-License-Identifier: Apache-2.0
"""Log chains: what joins, what breaks, and what the breaks are called."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from airflow_provider_dbs.judgement.chains import FOREVER, LogBreak, LogRun, log_chains, log_runs, prospects
from airflow_provider_dbs.judgement.segments import BreakCause, distinct_incremental_backups
from airflow_provider_dbs.models import IncrementalBackup

Clock = Callable[..., datetime]
Log = Callable[..., IncrementalBackup]


def names(runs: list[LogRun]) -> list[list[str]]:
    return [[log.backup_set_id.removeprefix("mysql-bin.0000") for log in run.segments] for run in runs]


def hourly(log: Log, t: Clock, *numbers: int) -> list[IncrementalBackup]:
    """One sealed binlog for each hour, numbered by it."""
    return [log(number, t(number), t(number + 1)) for number in numbers]


def only_break(logs: list[IncrementalBackup], at: datetime) -> LogBreak:
    (found,) = log_chains(logs, at=at).breaks
    return found


def test_numbers_in_sequence_join(log: Log, t: Clock) -> None:
    (run,) = log_runs(reversed(hourly(log, t, 1, 2, 3)), at=t(9))
    assert (run.start, run.end) == (t(1), t(4))
    assert (run.endpoint, run.base_name) == ("10.0.0.1:3306", "mysql-bin")
    assert (run.first_segment, run.last_segment) == ("mysql-bin.000001", "mysql-bin.000003")
    assert not run.open_tail


def test_numbers_in_sequence_join_over_an_idle_time(log: Log, t: Clock) -> None:
    assert names(log_runs([log(1, t(1), t(2)), log(2, t(7), t(8))], at=t(9))) == [["01", "02"]]


def test_a_number_beyond_six_digits_grows_on(log: Log, t: Clock) -> None:
    assert len(log_runs([log(999_999, t(1), t(2)), log(1_000_000, t(2), t(3))], at=t(9))) == 1


def test_the_same_segment_under_another_job_joins(log: Log, t: Clock) -> None:
    logs = [*hourly(log, t, 1, 3), log(2, t(2, 10), t(3), job="job-2"), log(2, t(2), t(3), job="job-3")]
    assert names(log_runs(logs, at=t(9))) == [["01", "02", "02", "03"]]


def test_a_run_reaches_as_far_as_its_longest_segment(log: Log, t: Clock) -> None:
    (run,) = log_runs([*hourly(log, t, 1, 2), log(2, t(2, 10), t(2, 50), job="job-2")], at=t(9))
    assert run.end == t(3)


def test_a_missing_number_is_a_sequence_gap_that_names_it(log: Log, t: Clock) -> None:
    found = only_break(hourly(log, t, 1, 2, 5), t(9))
    assert found.cause is BreakCause.SEQUENCE_GAP
    assert found.missing == ("mysql-bin.000003", "mysql-bin.000004")
    assert found.missing_count == 2
    assert found.is_final
    assert (found.start, found.end) == (t(3), t(5))
    assert found.after
    assert found.before
    assert (found.after.last_segment, found.before.first_segment) == ("mysql-bin.000002", "mysql-bin.000005")


def test_at_most_twenty_missing_names_are_told_of_any_number(log: Log, t: Clock) -> None:
    found = only_break([log(1, t(1), t(2)), log(2_000_000_000, t(2), t(3))], t(9))
    assert len(found.missing) == 20
    assert found.missing_count == 1_999_999_998


@pytest.mark.parametrize("number", [1, 5])
def test_a_number_that_falls_or_stays_is_an_epoch_break(log: Log, t: Clock, number: int) -> None:
    logs = [*hourly(log, t, 4, 5), log(number, t(6), t(7)), log(number + 1, t(7), t(8))]
    found = only_break(logs, t(9))
    assert found.cause is BreakCause.EPOCH_BREAK
    assert found.is_final
    assert len(log_runs(logs, at=t(9))) == 2


@pytest.mark.parametrize("change", [{"endpoint": "10.0.0.2:3306"}, {"base_name": "binlog"}])
def test_another_endpoint_or_base_name_is_an_epoch_break(log: Log, t: Clock, change: dict[str, str]) -> None:
    logs = [*hourly(log, t, 1, 2), log(3, t(3), t(4), **change), log(4, t(4), t(5), **change)]
    found = only_break(logs, t(9))
    assert found.cause is BreakCause.EPOCH_BREAK
    assert found.before
    assert found.before.start == t(3)


def test_a_return_to_the_first_endpoint_does_not_join_its_logs(log: Log, t: Clock) -> None:
    """After A, B, A again the numbers of A go on, but what was written to B in between is not in them."""
    logs = [*hourly(log, t, 1, 2), log(9, t(3, 10), t(5), endpoint="b", status="FILLING"), log(3, t(5), t(6))]
    assert names(log_runs(logs, at=t(9))) == [["01", "02"], ["03"]]
    assert log_chains(logs, at=t(9)).breaks[0].cause is BreakCause.EPOCH_BREAK


def test_another_endpoint_at_another_time_does_not_part_logs(log: Log, t: Clock) -> None:
    logs = [log(1, t(1), t(2)), log(2, t(4), t(5)), log(7, t(7), t(8), endpoint="b"), log(6, t(1), t(2), endpoint="b")]
    assert ["01", "02"] in names(log_runs(logs, at=t(9)))


def test_an_uncompleted_segment_breaks(log: Log, t: Clock) -> None:
    found = only_break([*hourly(log, t, 1, 3), log(2, t(2), t(3), "UNCOMPLETED")], t(9))
    assert found.cause is BreakCause.BROKEN
    assert [segment.backup_set_id for segment in found.segments] == ["mysql-bin.000002"]
    assert (found.missing, found.missing_count) == ((), 0)
    assert found.is_final


def test_a_break_at_the_end_is_not_final_before_something_later_is_sealed(log: Log, t: Clock) -> None:
    found = only_break([*hourly(log, t, 1), log(2, t(2), t(3), "UNCOMPLETED")], t(9))
    assert (found.cause, found.before, found.end) == (BreakCause.BROKEN, None, None)
    assert not found.is_final


def test_an_uncompleted_segment_with_a_sound_copy_does_not_break(log: Log, t: Clock) -> None:
    logs = [*hourly(log, t, 1, 2, 3), log(2, t(2, 10), t(2, 50), "UNCOMPLETED", job="job-2")]
    assert len(log_runs(logs, at=t(9))) == 1


def test_an_uncompleted_segment_whose_copy_begins_later_breaks(log: Log, t: Clock) -> None:
    """A job that stopped within a binlog and another that began within it leave out what is between them."""
    logs = [*hourly(log, t, 1, 3), log(2, t(2), t(2, 30), "UNCOMPLETED"), log(2, t(2, 40), t(3), job="job-2")]
    assert names(log_runs(logs, at=t(9))) == [["01"], ["02", "03"]]


@pytest.mark.parametrize("end", [None, 1, 9.2])
def test_a_sealed_segment_with_impossible_times_breaks(log: Log, t: Clock, end: float | None) -> None:
    logs = [*hourly(log, t, 1, 3), log(2, t(2), None if end is None else t(end))]
    assert only_break(logs, t(9)).cause is BreakCause.BROKEN


def test_a_segment_that_stands_nowhere_is_missing(log: Log, t: Clock) -> None:
    found = only_break([*hourly(log, t, 1, 3), log(2, None, t(3))], t(9))
    assert (found.cause, found.missing) == (BreakCause.SEQUENCE_GAP, ("mysql-bin.000002",))


def test_an_expired_segment_breaks(log: Log, t: Clock) -> None:
    logs = [log(1, t(1), t(2), expires=t(9)), *hourly(log, t, 2, 3)]
    found = only_break(logs, t(9))
    assert found.cause is BreakCause.EXPIRED
    assert found.after is None
    assert found.start == t(1)
    assert log_chains(logs, at=t(8)).breaks == ()


def test_a_broken_and_a_missing_segment_are_both_named(log: Log, t: Clock) -> None:
    found = only_break([*hourly(log, t, 1, 5), log(3, t(3), t(4), "UNCOMPLETED")], t(9))
    assert found.cause is BreakCause.BROKEN
    assert found.missing == ("mysql-bin.000002", "mysql-bin.000004")


def test_an_unfinished_segment_in_the_middle_may_heal(log: Log, t: Clock) -> None:
    found = only_break([*hourly(log, t, 1, 3), log(2, t(2), t(2, 30), "FILLING")], t(9))
    assert found.cause is BreakCause.NOT_SEALED
    assert not found.is_final


def test_an_unfinished_segment_does_not_hide_a_missing_one(log: Log, t: Clock) -> None:
    found = only_break([*hourly(log, t, 1, 4), log(2, t(2), t(2, 30), "FILLING")], t(9))
    assert (found.cause, found.missing) == (BreakCause.SEQUENCE_GAP, ("mysql-bin.000003",))


def test_unnumbered_segments_join_by_time(log: Log, t: Clock) -> None:
    logs = [log("a", t(1), t(2)), log("b", t(2, 0, 60), t(3)), log("c", t(3, 0, 61), t(4)), log("d", t(3, 30), t(5))]
    assert names(log_runs(logs, at=t(9))) == [["a", "b"], ["c", "d"]]
    found = only_break(logs, t(9))
    assert found.cause is BreakCause.TIME_GAP
    assert not found.is_final
    assert len(log_runs(logs, at=t(9), tolerance=timedelta(seconds=61))) == 1


def test_an_unfinished_unnumbered_segment_in_the_middle_may_heal(log: Log, t: Clock) -> None:
    logs = [log("a", t(1), t(2)), log("b", t(2), t(2, 30), "FILLING"), log("c", t(3), t(4))]
    assert only_break(logs, t(9)).cause is BreakCause.NOT_SEALED


@pytest.mark.parametrize("name", [5, "x"])
def test_the_open_tail_counts_only_when_asked(log: Log, t: Clock, name: int | str) -> None:
    sealed = log(4, t(4), t(5)) if name == 5 else log("w", t(4), t(5))
    logs = [sealed, log(name, t(5), t(5, 30), "FILLING"), log(6, None, None, "INIT")]
    (run,) = log_runs(logs, at=t(9))
    assert (run.end, run.open_tail) == (t(5), False)
    (run,) = log_runs(logs, at=t(9), count_open_tail=True)
    assert (run.end, run.open_tail) == (t(5, 30), True)


def test_the_tail_counts_under_every_job(log: Log, t: Clock) -> None:
    filling = [log(5, t(5), t(5, 30), "FILLING"), log(5, t(5, 10), t(5, 40), "FILLING", job="job-2")]
    waiting = log(6, t(5, 41), None, "INIT")
    (run,) = log_runs([*hourly(log, t, 4), *filling, waiting], at=t(9), count_open_tail=True)
    assert run.end == t(5, 40)


def test_an_older_open_segment_is_no_tail(log: Log, t: Clock) -> None:
    logs = [*hourly(log, t, 4), log(5, t(5), t(5, 30), "FILLING"), log(6, t(6), t(6, 30), "FILLING")]
    assert names(log_runs(logs, at=t(9), count_open_tail=True)) == [["04"], ["06"]]
    sealed_after = [log(5, t(5), t(5, 30), "FILLING"), *hourly(log, t, 6)]
    assert names(log_runs(sealed_after, at=t(9), count_open_tail=True)) == [["06"]]


def test_the_mark_of_an_open_tail_is_not_believed_beyond_now(log: Log, t: Clock) -> None:
    (run,) = log_runs([log(1, t(1), t(99), "FILLING")], at=t(9), count_open_tail=True)
    assert run.end == t(9)


def test_an_unknown_status_never_counts(log: Log, t: Clock) -> None:
    logs = [log(1, t(1), t(2), "SEALED"), log(1, t(1), t(2), "COMPLETE", job="job-2")]
    assert log_runs(logs, at=t(9), count_open_tail=True) == []


def test_each_segment_counts_once_as_far_as_it_got(log: Log, t: Clock) -> None:
    states = [log(1, t(1), t(2), status) for status in ("INIT", "FILLING", "UNCOMPLETED", "COMPLETED", "ODD")]
    random.Random(1).shuffle(states)
    assert distinct_incremental_backups(states) == [log(1, t(1), t(2), "COMPLETED")]
    other_epoch = log(1, t(5), t(6))
    assert len(distinct_incremental_backups([*states, other_epoch])) == 2


def test_what_a_replay_needs(log: Log, t: Clock) -> None:
    (run,) = log_runs([*hourly(log, t, 1, 2, 3, 4), log(5, t(7), t(8))], at=t(9))

    def needed(start: datetime, end: datetime) -> list[int]:
        return [int(segment.backup_set_id[-2:]) for segment in run.needed(start, end)]

    assert needed(t(2, 30), t(3, 30)) == [2, 3]
    assert needed(t(1), t(8)) == [1, 2, 3, 4, 5]
    assert needed(t(2, 10), t(2, 20)) == [2]
    assert needed(t(2, 10), t(3)) == [2]
    assert needed(t(5, 30), t(6)) == [4, 5]  # idle: the next segment proves that nothing was written


def test_prospects(log: Log, t: Clock) -> None:
    def reach(logs: list[IncrementalBackup]) -> list[tuple[datetime, datetime]]:
        return sorted((run.start, run.end) for run in prospects(logs, at=t(9)))

    assert reach([]) == []
    assert reach(hourly(log, t, 1, 2)) == [(t(1), FOREVER)]
    assert reach([log(1, t(1), t(2), "FILLING")]) == [(t(1), FOREVER)]
    assert reach([*hourly(log, t, 1), log(2, t(2), t(3), "UNCOMPLETED")]) == [(t(1), FOREVER)]
    assert reach(hourly(log, t, 1, 3)) == [(t(1), t(2)), (t(3), FOREVER)]
    # Nothing later is sealed yet, so that the missing segment may still be listed.
    assert reach([*hourly(log, t, 1), log(3, t(3), t(4), "FILLING")]) == [(t(1), FOREVER), (t(3), FOREVER)]
    # The logs go on elsewhere, sealed or not yet.
    assert reach([*hourly(log, t, 1), log(1, t(3), t(4), endpoint="b")]) == [(t(1), t(2)), (t(3), FOREVER)]
    hopeful = [*hourly(log, t, 1), log(1, t(3), t(4), "FILLING", endpoint="b")]
    assert reach(hopeful) == [(t(1), FOREVER), (t(3), FOREVER)]


def test_an_endpoint_that_goes_on_beside_another_is_no_change(log: Log, t: Clock) -> None:
    logs = [*hourly(log, t, 1, 2, 3), *[log(n, t(n, 30), t(n + 1, 30), endpoint="b") for n in (1, 2, 3)]]
    assert log_chains(logs, at=t(9)).breaks == ()
