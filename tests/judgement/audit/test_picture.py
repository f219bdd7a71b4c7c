# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from datetime import timedelta

from airflow_provider_dbs.judgement.audit.findings import FullState, TickOutcome

POLICY = {"rpo": "2h", "recovery_window": "7d"}


def test_a_healthy_plan(world):
    audit = world.healthy(1).audit(POLICY)

    assert len(audit.fulls) == 30
    assert all(mark.usable and mark.state is FullState.SUCCESS for mark in audit.fulls)
    assert Counter(mark.outcome for mark in audit.ticks) == {TickOutcome.OK: 30, TickOutcome.UNKNOWN: 30}
    assert [band.open for band in audit.logs] == [False, True]
    assert audit.logs[0].end == audit.logs[1].start
    assert audit.logs[1].end == world.AS_OF
    assert audit.logs[0].segments == len(world.healthy(1).logs) - 1
    assert audit.log_gaps == audit.coverage_gaps == ()
    assert [mark.kind for mark in audit.coverage[-2:]] == ["range", "open"]
    assert audit.coverage[-1].start == audit.coverage[-2].end == audit.summary.recoverable_to
    assert audit.retention_horizon == world.AS_OF - timedelta(days=30)
    assert audit.summary.coverage_ratio == 1.0
    assert audit.summary.redundancy == 30
    assert audit.summary.missed_ticks == 0
    assert audit.summary.full_age < audit.summary.full_age_allowed
    assert audit.summary.reasons == ()


def test_series_have_a_band_and_rings(world):
    case = world.healthy(1, noise=0.05)
    case.fulls[-5] = world.full(case.fulls[-5].start_time, size=1, lasts=timedelta(hours=20))
    audit = case.audit(POLICY)

    for series, unit in ((audit.sizes, "size"), (audit.durations, "seconds")):
        assert series.unit == unit
        assert series.low < series.median < series.high
        assert [point.backup_set_id for point in series.points if point.outlier] == [case.fulls[-5].backup_set_id]


def test_fourteen_points_before_the_newest_have_a_band(world):
    case = world.healthy(1)
    del case.fulls[:-15]
    enough = case.audit(POLICY)
    del case.fulls[0]

    assert enough.sizes.low is not None
    assert enough.durations.low is not None
    assert case.audit(POLICY).sizes.low is case.audit(POLICY).durations.low is None


def test_the_band_is_what_would_not_be_warned_of(world):
    case = world.healthy(1)
    case.fulls = [world.full(full.start_time) for full in case.fulls]
    audit = case.audit(POLICY)

    assert (audit.sizes.low / audit.sizes.median, audit.sizes.high / audit.sizes.median) == (0.7, 2.0)
    assert (audit.durations.low, audit.durations.high) == (1200 / 1.5, 1200 * 1.5)


def test_few_points_have_no_band(world):
    audit = world.healthy(1, days=9).audit(POLICY)

    assert audit.sizes.median is audit.sizes.low is audit.durations.high is None
    assert not any(point.outlier for point in audit.durations.points)


def test_a_gap_in_the_logs(world):
    case = world.healthy(1)
    lost = case.logs.pop(-60)
    audit = case.audit(POLICY)

    (gap,) = audit.log_gaps
    assert (gap.cause, gap.start, gap.end) == ("sequence_gap", lost.start_time, lost.end_time)
    assert len([band for band in audit.logs if not band.open]) == 2
    (hole,) = audit.coverage_gaps
    assert hole.cause == "log segments are missing"
    assert audit.summary.coverage_ratio < 1
    assert audit.summary.reasons[0] in ("not recoverable", "log gap")


def test_why_a_stretch_cannot_be_recovered(world):
    def causes(case):
        return [gap.cause for gap in case.audit({"recovery_window": "9d"}).coverage_gaps]

    assert causes(world.healthy(1, log_span=None).fail(-3)) == [f"log backup is off; failed full backup {'dbs1-2'}"]
    assert causes(world.healthy(1, days=5)) == ["before the oldest usable full backup"]
    assert causes(world.healthy(1).without_logs()) == ["no sealed log segments"]
    assert causes(world.healthy(1).without_newest(30)) == ["before the oldest usable full backup"]


def test_nothing_to_draw(world):
    case = world.healthy(1).without_newest(30).without_logs().with_plan(backup_period="", backup_retention_period=0)
    audit = case.audit(POLICY)

    assert audit.fulls == audit.ticks == audit.logs == audit.coverage == audit.sizes.points == ()
    assert audit.retention_horizon is None
    assert audit.summary.last_full_id is audit.summary.full_age is audit.summary.last_attempt is None


def test_an_open_segment_without_an_end(world):
    case = world.healthy(1)
    case.change_log(-1, end_time_ms=None)

    assert case.audit(POLICY).logs[-1].open


def test_only_the_history_is_drawn(world):
    audit = world.healthy(1, log_days=20).audit({"history": "2d"})

    assert len(audit.fulls) == len(audit.ticks) == 2
    assert audit.logs[0].start == world.AS_OF - timedelta(days=2)
    assert len(audit.sizes.points) == 2


def test_unknown_measures_are_left_out_of_the_summary(world):
    audit = world.healthy(1).without_newest(2).missing("throttled", "fulls").audit(POLICY)

    assert audit.summary.full_age is audit.summary.missed_ticks is None


def test_times_that_count_the_open_tail(world):
    audit = world.healthy(1).audit({**POLICY, "count_open_tail": True})

    assert audit.summary.recoverable_to == world.AS_OF
    assert [mark.kind for mark in audit.coverage] == ["range"] or audit.coverage[-1].kind == "range"
