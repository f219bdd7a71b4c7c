# SPDX-License-Identifier: Apache-2.0
"""Coverage: what each full backup covers with the logs under it, the union of it, and its gaps."""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from airflow_provider_dbs.judgement.recovery import Coverage, Kind, coverage
from airflow_provider_dbs.judgement.segments import BreakCause
from airflow_provider_dbs.models import FullBackup, IncrementalBackup

Clock = Callable[..., datetime]
Full = Callable[..., FullBackup]
Log = Callable[..., IncrementalBackup]
Cover = Callable[..., Coverage]


@pytest.fixture(scope="session")
def cover(t: Clock) -> Cover:
    def build(
        fulls: list[FullBackup], logs: list[IncrementalBackup], method: str | None = "physical", **options: bool
    ) -> Coverage:
        return coverage(fulls, logs, method=method, at=t(20), as_of=t(20), **options)

    return build


def hourly(log: Log, t: Clock, *numbers: int) -> list[IncrementalBackup]:
    return [log(number, t(number), t(number + 1)) for number in numbers]


def spans(found: Coverage) -> list[tuple[datetime, datetime, Kind, str]]:
    return [(each.start, each.end, each.kind, each.backup_set_id) for each in found.ranges]


def test_a_full_backup_covers_from_its_end_to_the_end_of_its_run(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    found = cover([full("f", t(2), t(3, 30))], hourly(log, t, 3, 4, 5))
    assert spans(found) == [(t(3, 30), t(6), Kind.RANGE, "f")]
    assert str(found.ranges[0].kind) == "range"
    (each,) = found.by_full
    assert (each.first_segment, each.last_segment) == ("mysql-bin.000003", "mysql-bin.000005")


@pytest.mark.parametrize("method", ["physical", "Physical ", "duplication"])
def test_a_consistent_full_backup_needs_no_logs_before_its_end(
    full: Full, log: Log, t: Clock, cover: Cover, method: str
) -> None:
    rows = [full("f", t(2), t(3, 30))], hourly(log, t, 3, 4)
    assert spans(cover(*rows, method)) == [(t(3, 30), t(5), Kind.RANGE, "f")]
    assert spans(cover(*rows, method, strict=True)) == [(t(3, 30), t(3, 30), Kind.POINT, "f")]


@pytest.mark.parametrize("method", ["logical", "LOGICAL", "incremental-forever", "", None])
def test_a_logical_full_backup_needs_the_logs_of_its_own_duration(
    full: Full, log: Log, t: Clock, cover: Cover, method: str | None
) -> None:
    assert spans(cover([full("f", t(2), t(3, 30))], hourly(log, t, 3, 4), method)) == []
    assert spans(cover([full("f", t(2), t(3, 30))], hourly(log, t, 2, 3), method)) == [
        (t(3, 30), t(4), Kind.RANGE, "f")
    ]


def test_without_logs_only_the_end_of_a_consistent_full_backup_is_covered(full: Full, t: Clock, cover: Cover) -> None:
    found = cover([full("f", t(2), t(3))], [])
    assert spans(found) == [(t(3), t(3), Kind.POINT, "f")]
    assert (found.ranges[0].first_segment, found.ranges[0].last_segment) == (None, None)
    assert found.contains(t(3))
    assert not found.contains(t(3, 0, 1))
    assert not found.contains(t(2, 59, 59))
    assert cover([full("f", t(2), t(3))], [], "logical").ranges == ()


def test_a_run_that_ends_before_the_full_backup_does_not_count(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    assert spans(cover([full("f", t(2), t(5))], hourly(log, t, 1, 2, 3))) == [(t(5), t(5), Kind.POINT, "f")]


def test_only_usable_full_backups_cover(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    fulls = [
        full("running", t(2)),
        full("failed", t(2), t(3), "stop"),
        full("expired", t(2), t(3), expires=t(19)),
        full("empty", t(2), t(3), backup_size=0),
        full("endless", t(2), None, "finish"),
    ]
    assert cover(fulls, hourly(log, t, 2, 3, 4)).ranges == ()


def test_ranges_merge_and_points_vanish_in_them(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    logs = [*hourly(log, t, 1, 2, 3), *hourly(log, t, 6, 7)]
    fulls = [full("a", t(1), t(2)), full("b", t(2), t(3)), full("c", t(4), t(5)), full("d", t(6), t(7))]
    found = cover(fulls, logs)
    assert spans(found) == [
        (t(2), t(4), Kind.RANGE, "a"),
        (t(5), t(5), Kind.POINT, "c"),
        (t(7), t(8), Kind.RANGE, "d"),
    ]
    assert [each.backup_set_id for each in found.by_full] == ["a", "b", "c", "d"]


def test_ranges_of_two_endpoints_merge(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    logs = [*hourly(log, t, 1, 2), log(1, t(2, 15), t(4), endpoint="b"), log(2, t(4), t(6), endpoint="b")]
    found = cover([full("a", t(1), t(2)), full("b", t(2), t(2, 30))], logs)
    assert spans(found) == [(t(2), t(6), Kind.RANGE, "a")]
    assert found.best_full(t(2, 10)) == found.by_full[0]
    assert found.best_full(t(5)) == found.by_full[1]


def test_a_point_gives_way_to_a_range_from_the_same_instant(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    fulls = [full("point", t(1), t(3)), full("range", t(2), t(3))]
    found = cover(fulls, hourly(log, t, 2, 3), strict=True)
    assert spans(found) == [(t(3), t(4), Kind.RANGE, "range")]


def test_the_best_full_backup_is_the_latest(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    logs = [*hourly(log, t, 1, 2, 3, 4)]
    found = cover([full("a", t(1), t(2)), full("b", t(1, 30), t(3))], logs)

    def best(moment: datetime) -> str | None:
        each = found.best_full(moment)
        return each and each.backup_set_id

    assert best(t(1, 59)) is None
    assert best(t(2)) == "a"
    assert best(t(2, 59)) == "a"
    assert best(t(3)) == "b"
    assert best(t(5)) == "b"
    assert best(t(5, 1)) is None


def test_an_open_tail_covers_only_when_it_counts(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    rows = [full("f", t(1), t(2))], [*hourly(log, t, 1, 2), log(3, t(3), t(3, 40), "FILLING")]
    assert cover(*rows).ranges[0].end == t(3)
    assert cover(*rows, count_open_tail=True).ranges[0].end == t(3, 40)


def test_gaps_name_what_broke_the_logs(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    found = cover([full("a", t(1), t(2)), full("b", t(7), t(8))], [*hourly(log, t, 1, 2), *hourly(log, t, 5, 6, 7, 8)])
    assert spans(found) == [(t(2), t(3), Kind.RANGE, "a"), (t(8), t(9), Kind.RANGE, "b")]

    gaps = found.gaps(t(0), t(12))
    assert [(gap.start, gap.end) for gap in gaps] == [(t(0), t(2)), (t(3), t(8)), (t(9), t(12))]
    assert [gap.cause and gap.cause.cause for gap in gaps] == [None, BreakCause.SEQUENCE_GAP, None]
    assert found.gaps(t(2, 10), t(2, 50)) == []
    (inside,) = found.gaps(t(4), t(5))
    assert inside.cause
    assert str(inside.cause.cause) == "sequence_gap"
    assert inside.cause.missing == ("mysql-bin.000003", "mysql-bin.000004")
    (healed,) = found.gaps(t(10), t(11))
    assert healed.cause is None
    assert found.fraction(t(0), t(12)) == pytest.approx(2 / 12)
    assert found.fraction(t(2), t(3)) == 1.0


def test_expired_logs_under_a_live_full_backup_are_the_cause(full: Full, log: Log, t: Clock, cover: Cover) -> None:
    logs = [log(1, t(1), t(2), expires=t(9)), log(2, t(2), t(3), expires=t(9)), *hourly(log, t, 3, 4)]
    found = cover([full("f", t(1), t(1, 30))], logs)
    assert spans(found) == [(t(1, 30), t(1, 30), Kind.POINT, "f")]
    (gap,) = found.gaps(t(1, 30), t(5))
    assert gap.cause
    assert gap.cause.cause is BreakCause.EXPIRED


def test_a_large_catalogue_is_near_linear(full: Full, log: Log, t: Clock) -> None:
    """2,000 segments under 730 full backups, as an audit of a thousand plans meets them: no nested walk."""

    def steps(size: int) -> int:
        """Function calls, for seconds would measure the machine."""
        logs = [log(number, t(number), t(number + 1)) for number in range(2_000 * size)]
        fulls = [full(f"f{number}", t(2 * number), t(2 * number, 30)) for number in range(730 * size)]
        profile = cProfile.Profile()
        profile.runcall(coverage, fulls, logs, method="logical", at=t(9_000), as_of=t(9_000) + timedelta(days=9))
        return sum(entry.callcount for entry in profile.getstats())

    assert steps(4) < 5 * steps(1)
