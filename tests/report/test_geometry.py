# SPDX-License-Identifier: Apache-2.0
"""Where things stand in the pictures."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from airflow_provider_dbs.judgement.audit.findings import (
    CoverageGap,
    CoverageMark,
    FullMark,
    FullState,
    LogBand,
    LogGap,
    PlanAudit,
    Series,
    SeriesPoint,
    Severity,
    TickMark,
    TickOutcome,
)
from airflow_provider_dbs.report import heatmap, sparkline, timeline
from airflow_provider_dbs.report.axis import TimeAxis

AS_OF = datetime(2026, 11, 21, 2, tzinfo=timezone.utc)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = AS_OF - 60 * DAY


def plan_of(**drawn: object) -> PlanAudit:
    return PlanAudit(backup_plan_id="dbs1", name=None, severity=Severity.OK, findings=(), **drawn)


def full(start: datetime, state: FullState = FullState.SUCCESS, **fields: object) -> FullMark:
    return FullMark(backup_set_id="1bg", state=state, usable=True, start=start, end=start + HOUR, **fields)


class TestAxis:
    axis = TimeAxis(START, AS_OF)

    def test_start_is_left_and_end_is_right(self):
        assert [self.axis.x(m) for m in (START, START + 30 * DAY, AS_OF)] == [0, 50, 100]

    def test_what_lies_outside_is_held_at_the_edge(self):
        assert [self.axis.x(m) for m in (START - DAY, AS_OF + DAY)] == [0, 100]

    def test_shows_a_little_of_what_comes_after_as_of_but_never_much(self):
        assert TimeAxis.of_window(START, AS_OF, AS_OF + 16 * HOUR).shows(AS_OF + 16 * HOUR)
        assert TimeAxis.of_window(START, AS_OF, AS_OF + 900 * DAY).end < AS_OF + 3 * DAY

    @pytest.mark.parametrize("span", [HOUR, 6 * HOUR, DAY, 3 * DAY, 14 * DAY, 60 * DAY, 400 * DAY, 4000 * DAY])
    def test_labels_are_few_in_order_and_at_round_times(self, span):
        labels = TimeAxis(AS_OF - span, AS_OF).labels()
        assert 1 <= len(labels) <= 10
        assert [label.x for label in labels] == sorted(label.x for label in labels)
        assert [label.minor for label in labels[:2]] == [False, True][: len(labels)]

    def test_label_stands_at_its_date(self):
        label = next(label for label in self.axis.labels() if label.text == "16 Nov")
        assert label.x == self.axis.x(datetime(2026, 11, 16, tzinfo=timezone.utc))

    def test_window_without_length_is_no_error(self):
        assert TimeAxis.of_window(AS_OF, AS_OF).x(AS_OF) == 0


class TestTimeline:
    def test_full_backups_stand_at_their_start_with_a_shape_per_state(self):
        states = list(FullState)
        fulls = tuple(full(START + 5 * DAY * n, state) for n, state in enumerate(states))
        unusable = msgspec.structs.replace(full(START + 50 * DAY), usable=False)
        drawn = timeline.draw(plan_of(fulls=(*fulls, unusable)), START, AS_OF)
        axis = TimeAxis.of_window(START, AS_OF)
        places = {mark.shape: mark.x for mark in drawn.fulls}
        assert places == {s.value: axis.x(START + 5 * DAY * n) for n, s in enumerate(states)} | {
            "unusable": axis.x(START + 50 * DAY)
        }

    def test_full_backup_that_has_not_started_stands_where_it_was_created(self):
        waiting = FullMark(backup_set_id="x", state=FullState.PENDING, created=START + 10 * DAY)
        started = FullMark(backup_set_id="y", state=FullState.RUNNING, created=START + 20 * DAY, start=START + 30 * DAY)
        axis = TimeAxis.of_window(START, AS_OF)
        drawn = timeline.draw(plan_of(fulls=(waiting, started)), START, AS_OF)
        assert [mark.x for mark in drawn.fulls] == [axis.x(START + 10 * DAY), axis.x(START + 30 * DAY)]

    def test_failure_is_never_swallowed_by_the_successes_around_it(self):
        fulls = tuple(
            full(START + HOUR / 4 * n, FullState.FAILED if n == 2000 else FullState.SUCCESS) for n in range(4000)
        )
        drawn = timeline.draw(plan_of(fulls=fulls), START, AS_OF)
        assert [(mark.shape, mark.width > 0) for mark in drawn.fulls] == [("success", True), ("failed", False)]
        assert drawn.fulls[0].title.startswith("3,999 full backups success, 2026-09-22 02:00 to ")

    def test_only_what_takes_long_gets_a_span(self):
        brief, long = full(START + DAY), FullMark(backup_set_id="x", state=FullState.RUNNING, start=AS_OF - DAY)
        drawn = timeline.draw(plan_of(fulls=(brief, long)), START, AS_OF)
        assert [(m.shape, round(m.x + m.width, 1)) for m in drawn.spans] == [("running", round(drawn.as_of, 1))]

    def test_backups_of_impossible_times_are_counted_and_not_drawn(self):
        fulls = (full(AS_OF + 400 * DAY), full(START - DAY), FullMark(backup_set_id="x", state=FullState.PENDING))
        drawn = timeline.draw(plan_of(fulls=fulls), START, AS_OF)
        assert (drawn.fulls, drawn.left_out) == ([], 3)

    def test_ticks_keep_their_outcome(self):
        ticks = tuple(TickMark(at=START + DAY * 3 * n, outcome=o) for n, o in enumerate(TickOutcome, 1))
        drawn = timeline.draw(plan_of(ticks=ticks), START, AS_OF)
        assert {mark.shape for mark in drawn.ticks} == {outcome.value for outcome in TickOutcome}
        assert [mark.title for mark in drawn.ticks if mark.shape == "missed"] == ["missed: expected 2026-10-01 02:00"]
        assert [mark.title for mark in drawn.ticks if mark.shape == "ok"] == [""]

    def test_overlapping_coverage_is_one_band_and_a_gap_parts_it(self):
        def mark(first: int, last: int) -> CoverageMark:
            return CoverageMark(start=START + first * DAY, end=START + last * DAY, kind="range")

        gap = CoverageGap(start=START + 20 * DAY, end=START + 30 * DAY, cause="failed_full")
        plan = plan_of(coverage=(mark(0, 10), mark(5, 20), mark(30, 60)), coverage_gaps=(gap,))
        drawn = timeline.draw(plan, START, AS_OF)
        axis = TimeAxis.of_window(START, AS_OF)
        bands = [(band.x, round(band.x + band.width, 2)) for band in drawn.coverage]
        assert bands == [(0, axis.x(START + 20 * DAY)), (axis.x(START + 30 * DAY), axis.x(AS_OF))]
        assert [(g.x, round(g.x + g.width, 2)) for g in drawn.coverage_gaps] == [(bands[0][1], bands[1][0])]

    def test_points_and_open_tail_are_told_apart(self):
        marks = (
            CoverageMark(start=START + DAY, end=START + DAY, kind="point"),
            CoverageMark(start=AS_OF - 3 * DAY, end=AS_OF, kind="open"),
        )
        drawn = timeline.draw(plan_of(coverage=marks), START, AS_OF)
        assert [(mark.shape, mark.width > 0) for mark in drawn.coverage] == [("point", False), ("open", True)]

    def test_gap_is_numbered_with_its_cause_and_the_break_in_the_logs_behind_it(self):
        gap = CoverageGap(start=START + 20 * DAY, end=START + 21 * DAY, cause="sequence_gap")
        log_gap = LogGap(start=gap.start, end=gap.start + HOUR, cause="sequence_gap", after_id="b.1", before_id="b.4")
        drawn = timeline.draw(plan_of(coverage_gaps=(gap,), log_gaps=(log_gap,)), START, AS_OF)
        assert [(g.number, g.start, g.end) for g in drawn.numbered] == [(1, gap.start, gap.end)]
        assert drawn.numbered[0].text == "not recoverable: sequence gap; logs: sequence gap between b.1 and b.4"
        assert drawn.more_gaps == 0

    def test_of_many_gaps_the_longest_are_numbered_from_left_to_right_and_the_rest_counted(self):
        gaps = tuple(
            CoverageGap(start=START + n * DAY, end=START + n * DAY + HOUR * (n % 23 + 1), cause="x") for n in range(60)
        )
        drawn = timeline.draw(plan_of(coverage_gaps=gaps), START, AS_OF)
        assert [gap.number for gap in drawn.numbered] == list(range(1, 9))
        assert [gap.x for gap in drawn.numbered] == sorted(gap.x for gap in drawn.numbered)
        assert drawn.more_gaps == 52
        assert max(gap.end - gap.start for gap in gaps) in [gap.end - gap.start for gap in drawn.numbered]

    def test_what_stands_apart_for_itself_is_still_never_more_than_the_cap(self):
        step = (AS_OF - START) / 300
        plan = plan_of(
            fulls=tuple(full(START + step * n, state) for state in FullState for n in range(300)),
            ticks=tuple(TickMark(at=START + step * n, outcome=each) for each in TickOutcome for n in range(300)),
        )
        drawn = timeline.draw(plan, START, AS_OF)
        assert drawn.marks <= timeline.MOST_MARKS < 300 * (len(FullState) + len(TickOutcome))
        assert {mark.shape for mark in drawn.fulls} == {state.value for state in FullState}

    def test_ten_thousand_of_everything_become_runs(self):
        step = (AS_OF - START) / 10_000
        stretches = [(START + step * n, START + step * (n + 0.5)) for n in range(10_000)]
        fulls = (FullMark(backup_set_id="x", state=FullState.FAILED, start=a, end=a + 2 * DAY) for a, _ in stretches)
        plan = plan_of(
            fulls=tuple(fulls),
            ticks=tuple(TickMark(at=a, outcome=TickOutcome.FAILED) for a, _ in stretches),
            logs=tuple(LogBand(start=a, end=b, segments=1, first_id="a", last_id="a") for a, b in stretches),
            log_gaps=tuple(LogGap(start=a, end=b, cause="x") for a, b in stretches),
            coverage=tuple(CoverageMark(start=a, end=b, kind="range") for a, b in stretches),
            coverage_gaps=tuple(CoverageGap(start=a, end=b, cause="x") for a, b in stretches),
        )
        assert timeline.draw(plan, START, AS_OF).marks < 20

    def test_horizon_is_drawn_only_inside_the_window(self):
        assert timeline.draw(plan_of(retention_horizon=AS_OF - 30 * DAY), START, AS_OF).horizon is not None
        assert timeline.draw(plan_of(retention_horizon=AS_OF - 730 * DAY), START, AS_OF).horizon is None


class TestHeatmap:
    def test_worst_outcome_of_a_day_wins(self):
        day = AS_OF.replace(hour=0) - 5 * DAY
        outcomes = [TickOutcome.OK, TickOutcome.MISSED, TickOutcome.LATE]
        ticks = [TickMark(at=day + HOUR * n, outcome=outcome) for n, outcome in enumerate(outcomes)]
        cells = [cell for cell in heatmap.draw(ticks, START, AS_OF).cells if cell.shape != "none"]
        assert [(cell.shape, cell.title) for cell in cells] == [("missed", "2026-11-16: missed (1 of 3)")]

    def test_days_of_a_week_stand_in_one_column(self):
        drawn = heatmap.draw([TickMark(at=AS_OF, outcome=TickOutcome.OK)], START, AS_OF)
        assert len(drawn.cells) == 61
        assert drawn.cells[0].y == drawn.cells[7].y
        assert drawn.cells[7].x - drawn.cells[0].x == heatmap.CELL
        saturday = next(cell for cell in drawn.cells if cell.shape == "ok")
        assert saturday.y - min(cell.y for cell in drawn.cells) == 5 * heatmap.CELL

    def test_no_cell_leaves_the_picture(self):
        drawn = heatmap.draw([TickMark(at=AS_OF + DAY, outcome=TickOutcome.DUE)], START, AS_OF)
        assert all(
            cell.x + heatmap.CELL <= drawn.width and cell.y + heatmap.CELL <= drawn.height for cell in drawn.cells
        )

    def test_long_window_keeps_its_last_year(self):
        ticks = [TickMark(at=AS_OF - DAY * n, outcome=TickOutcome.OK) for n in range(900)]
        drawn = heatmap.draw(ticks, AS_OF - 900 * DAY, AS_OF)
        assert drawn.shortened
        assert drawn.width <= 53 * heatmap.CELL + 40
        assert drawn.cells[-1].shape == "ok"


class TestSparkline:
    @staticmethod
    def series(values: list[float], outlier: int | None = None, **usual: float) -> Series:
        points = tuple(
            SeriesPoint(at=START + DAY * n, value=value, backup_set_id=str(n), outlier=n == outlier)
            for n, value in enumerate(values)
        )
        return Series(unit="size", points=points, **usual)

    def test_higher_values_stand_higher(self):
        drawn = sparkline.draw(self.series([1, 2, 3]), START, AS_OF)
        heights = [float(pair.split(",")[1]) for pair in drawn.line.split()]
        assert heights == sorted(heights, reverse=True)
        assert all(0 < y < sparkline.HEIGHT for y in heights)

    def test_band_and_median_hold_the_usual(self):
        drawn = sparkline.draw(self.series([10, 11, 30], 2, median=10, low=8, high=12), START, AS_OF)
        top, height = drawn.band
        assert top < drawn.median < top + height
        assert [ring.title for ring in drawn.rings] == ["2026-09-24 02:00: 30"]
        assert drawn.rings[0].y < top

    def test_steady_series_is_flat(self):
        drawn = sparkline.draw(self.series([100, 100.1, 100]), START, AS_OF)
        heights = [float(pair.split(",")[1]) for pair in drawn.line.split()]
        assert max(heights) - min(heights) < 2

    def test_zero_series_is_no_error(self):
        assert sparkline.draw(self.series([0, 0, 0]), START, AS_OF) is not None

    def test_nothing_in_the_window_is_no_picture(self):
        assert sparkline.draw(Series(unit="size"), START, AS_OF) is None

    def test_ten_thousand_points_are_thinned_and_keep_their_peak(self):
        step = (AS_OF - START) / 10_000
        points = tuple(
            SeriesPoint(at=START + step * n, value=900 if n == 7777 else 100, backup_set_id=str(n))
            for n in range(10_000)
        )
        drawn = sparkline.draw(Series(unit="size", points=points), START, AS_OF)
        heights = [float(pair.split(",")[1]) for pair in drawn.line.split()]
        assert len(heights) <= sparkline.MOST_POINTS
        assert min(heights) == 8
