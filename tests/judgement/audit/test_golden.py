# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 - tables read better unbroken
"""A golden catalogue: each check on a healthy plan, at each of its limits, where it does not apply, in the dark."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_dbs.judgement.audit.catalogue import CHECKS
from airflow_provider_dbs.judgement.audit.findings import Severity
from airflow_provider_dbs.models import BackupPlanStatus, IncrementalBackupStatus

M, H, D = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEKDAYS = "Monday,Tuesday,Wednesday,Thursday,Friday"


def unscheduled(case):
    return case.with_plan(backup_period=None, backup_start_time=None)


def new(world, case, age):
    return case.with_plan(backup_plan_create_time_ms=world.ms(case.as_of - age))


def only(case, count):
    """Keeps the newest fulls."""
    del case.fulls[:-count]
    return case


def running(world, case, started, status="running"):
    case.fulls[-1] = world.full(case.as_of - started, lasts=None, size=None, keeps=None, status=status)
    return case


def replaced(world, case, **fields):
    """The newest full again, a minute long and of size 1000 unless told."""
    case.fulls[-1] = world.full(case.fulls[-1].start_time, **fields)
    return case


def logs_until(case, before):
    """Drops the log segments of the last time, the open one among them."""
    case.logs = [log for log in case.logs if log.end_time <= case.as_of - before]
    return case


def seconds(case):
    newest = case.fulls[-1]
    return case.change(-1, start_time_ms=newest.start_time_ms // 1000, end_time_ms=newest.end_time_ms // 1000)


GOLDEN = [
    # check, what, case, policy, severity
    ("full.age", "healthy", lambda w: w.healthy(), None, "ok"),
    ("full.age", "missed once", lambda w: w.healthy().without_newest(1), None, "warn"),
    ("full.age", "missed twice", lambda w: w.healthy().without_newest(2), None, "error"),
    ("full.age", "uneven schedule", lambda w: w.healthy(period="Monday,Wednesday"), None, "ok"),
    ("full.age", "max_age not reached", lambda w: w.healthy().without_newest(2), {"max_age": "5d"}, "ok"),
    ("full.age", "80 % of max_age", lambda w: w.healthy(), {"max_age": "8h"}, "warn"),
    ("full.age", "above max_age", lambda w: w.healthy(), {"max_age": "6h"}, "error"),
    ("full.age", "own warning", lambda w: w.healthy(), {"checks": {"full_age": {"warn": "1h"}}}, "warn"),
    ("full.age", "own error", lambda w: w.healthy(), {"checks": {"full_age": {"error": "1h"}}}, "error"),
    ("full.age", "no schedule", lambda w: unscheduled(w.healthy()), None, "ok"),
    ("full.age", "no schedule, 31 h", lambda w: unscheduled(w.healthy()).without_newest(1), None, "warn"),
    ("full.age", "no schedule, 55 h", lambda w: unscheduled(w.healthy()).without_newest(2), None, "error"),
    ("full.age", "no full ever", lambda w: w.healthy().without_newest(30), None, "error"),
    ("full.age", "new plan", lambda w: new(w, w.healthy().without_newest(30), 40 * H), None, "info"),
    ("full.age", "no longer new", lambda w: new(w, w.healthy().without_newest(30), 49 * H), None, "error"),
    ("full.age", "none usable", lambda w: only(w.healthy(), 1).fail(-1), None, "error"),
    ("full.age", "created in the future, they say", lambda w: w.healthy().without_newest(30).with_plan(
        backup_plan_create_time_ms=w.ms(w.AS_OF + D)), None, "error"),
    ("full.age", "incomplete, yet fresh", lambda w: w.healthy().missing("throttled", "fulls"), None, "ok"),
    ("full.age", "incomplete", lambda w: w.healthy().without_newest(2).missing("throttled", "fulls"), None, "unknown"),
    ("full.age", "left out", lambda w: w.healthy().without_newest(2), {"leave_out": ["full.age"]}, "not_evaluated"),
    ("content.age", "healthy", lambda w: w.healthy(), {"rpo": "2h"}, "ok"),
    ("content.age", "no rpo", lambda w: w.healthy().without_logs(), None, "ok"),
    ("content.age", "80 % of the rpo", lambda w: logs_until(w.healthy(), 2 * H), {"rpo": "3h"}, "warn"),
    ("content.age", "above the rpo", lambda w: logs_until(w.healthy(), 2 * H), {"rpo": "2h"}, "error"),
    ("content.age", "fulls only", lambda w: w.healthy(log_span=None), {"rpo": "12h"}, "ok"),
    ("content.age", "logical with logs", lambda w: w.healthy(method="logical"), {"rpo": "2h"}, "ok"),
    ("content.age", "logical without logs", lambda w: w.healthy(method="logical", log_span=None), None, "error"),
    ("content.age", "nothing usable", lambda w: w.healthy().without_newest(30), {"rpo": "1h"}, "error"),
    ("content.age", "nothing usable, no rpo", lambda w: w.healthy().without_newest(30), None, "info"),
    ("content.age", "open tail", lambda w: w.healthy(log_span=24 * H), {"rpo": "1h", "count_open_tail": True}, "ok"),
    ("content.age", "logs unread", lambda w: w.healthy().without_logs().missing("403", "logs"), {"rpo": "1h"}, "unknown"),
    ("success.ratio", "healthy", lambda w: w.healthy(), None, "ok"),
    ("success.ratio", "1 of 30 failed", lambda w: w.healthy().fail(3), None, "ok"),
    ("success.ratio", "2 of 30 failed", lambda w: w.healthy().fail(3, 9), None, "warn"),
    ("success.ratio", "7 of 30 failed", lambda w: w.healthy().fail(*range(7)), None, "error"),
    ("success.ratio", "too few", lambda w: only(w.healthy(), 4), None, "not_evaluated"),
    ("success.ratio", "old failures outlive successes", lambda w: w.healthy(keeps=7 * D).fail(0).fail(1).change(
        0, start_time_ms=w.ms(w.AS_OF - 20 * D)).change(1, start_time_ms=w.ms(w.AS_OF - 21 * D)), None, "ok"),
    ("success.ratio", "incomplete", lambda w: w.healthy().missing("throttled", "fulls"), None, "unknown"),
    ("success.ratio", "too few, incomplete", lambda w: only(w.healthy(), 2).missing("x", "fulls"), None, "unknown"),
    ("failures.consecutive", "healthy", lambda w: w.healthy().fail(-2), None, "ok"),
    ("failures.consecutive", "one", lambda w: w.healthy().fail(-1), None, "warn"),
    ("failures.consecutive", "two", lambda w: w.healthy().fail(-1, -2, message=None), None, "error"),
    ("failures.consecutive", "no attempt", lambda w: w.healthy().without_newest(30), None, "not_evaluated"),
    ("failures.consecutive", "incomplete", lambda w: w.healthy().fail(-1).missing("x", "fulls"), None, "unknown"),
    ("schedule.missed", "healthy", lambda w: w.healthy(), None, "ok"),
    ("schedule.missed", "the newest", lambda w: w.healthy().without_newest(1), None, "error"),
    ("schedule.missed", "an older one", lambda w: (c := w.healthy(), c.fulls.pop(-5))[0], None, "warn"),
    ("schedule.missed", "two older ones", lambda w: (c := w.healthy(), c.fulls.pop(-5), c.fulls.pop(-9))[0], None, "error"),
    ("schedule.missed", "one long ago", lambda w: (c := w.healthy(), c.fulls.pop(-20))[0], None, "ok"),
    ("schedule.missed", "the newest late", lambda w: w.healthy().change(
        -1, start_time_ms=w.ms(w.AS_OF - 5 * H), end_time_ms=w.ms(w.AS_OF - 4 * H)), None, "warn"),
    ("schedule.missed", "an older one late", lambda w: w.healthy().change(-4, start_time_ms=w.ms(w.AS_OF - 77 * H)), None, "info"),
    ("schedule.missed", "due", lambda w: w.healthy(as_of=w.AS_OF.replace(hour=2, minute=30)).without_newest(1), None, "ok"),
    ("schedule.missed", "runs", lambda w: running(w, w.healthy(), 7 * H), None, "ok"),
    ("schedule.missed", "failed is not missed", lambda w: w.healthy().fail(-1), None, "ok"),
    ("schedule.missed", "expired ones are not missed", lambda w: w.healthy(keeps=5 * D), None, "ok"),
    ("schedule.missed", "before the plan", lambda w: w.healthy(days=3), None, "ok"),
    ("schedule.missed", "no full of a plan with retention", lambda w: w.healthy().without_newest(30), None, "error"),
    ("schedule.missed", "before the oldest listed, no retention known", lambda w: only(w.healthy(keeps=None), 5).with_plan(
        backup_retention_period=None), None, "ok"),
    ("schedule.missed", "other time zone", lambda w: w.healthy(hour=18), {"schedule_timezone": "Asia/Shanghai"}, "warn"),
    ("schedule.missed", "no schedule", lambda w: unscheduled(w.healthy()), None, "not_evaluated"),
    ("schedule.missed", "nothing to judge", lambda w: new(w, w.healthy(), 1 * H), None, "not_evaluated"),
    ("schedule.missed", "unreadable", lambda w: w.healthy().with_plan(backup_period="Someday"), None, "unknown"),
    ("schedule.missed", "incomplete", lambda w: w.healthy().missing("x", "fulls"), None, "unknown"),
    ("run.stuck", "healthy", lambda w: w.healthy(), None, "ok"),
    ("run.stuck", "runs", lambda w: running(w, w.healthy(), 50 * M), None, "ok"),
    ("run.stuck", "long", lambda w: running(w, w.healthy(seed=3), 8 * H), {"checks": {"run_stuck": {"error": 60}}}, "warn"),
    ("run.stuck", "too long", lambda w: running(w, w.healthy(), 9 * H), None, "error"),
    ("run.stuck", "past the next start", lambda w: running(w, w.healthy(), 33 * H), {"checks": {"run_stuck": {"floor": "9d"}}}, "error"),
    ("run.stuck", "few runs", lambda w: running(w, unscheduled(only(w.healthy(), 3)), 11 * H), None, "ok"),
    ("run.stuck", "few runs, 13 h", lambda w: running(w, unscheduled(only(w.healthy(), 3)), 13 * H), None, "warn"),
    ("run.stuck", "few runs, 25 h", lambda w: running(w, unscheduled(only(w.healthy(), 3)), 25 * H), None, "error"),
    ("run.stuck", "five runs are enough", lambda w: running(w, unscheduled(only(steady(w), 6)), 5 * H), None, "error"),
    ("run.stuck", "pending", lambda w: running(w, w.healthy(), 50 * M, "schedule"), None, "ok"),
    ("run.stuck", "pending 2 h", lambda w: running(w, w.healthy(), 2 * H, "schedule"), None, "warn"),
    ("run.stuck", "pending 5 h", lambda w: running(w, w.healthy(), 5 * H, "schedule"), None, "error"),
    ("run.stuck", "pending, not started", lambda w: running(w, w.healthy(), 5 * H, "schedule").change(-1, start_time_ms=0), None, "error"),
    ("run.stuck", "paused for days", lambda w: running(w, w.healthy(), 5 * D, "pause"), None, "warn"),
    ("run.stuck", "status nobody knows", lambda w: running(w, w.healthy(), 5 * D, "thinking"), None, "warn"),
    ("run.stuck", "no time at all", lambda w: (c := w.healthy(), c.fulls.append(w.full(None, status="running")))[0], None, "unknown"),
    ("run.stuck", "incomplete", lambda w: w.healthy().missing("x", "fulls"), None, "unknown"),
    ("run.stuck", "stuck, incomplete", lambda w: running(w, w.healthy(), 33 * H).missing("x", "fulls"), None, "error"),
    ("duration.anomaly", "healthy", lambda w: w.healthy(), None, "ok"),
    ("duration.anomaly", "1.9 times", lambda w: replaced(w, steady(w), lasts=38 * M), None, "warn"),
    ("duration.anomaly", "3 times", lambda w: replaced(w, steady(w), lasts=60 * M), None, "error"),
    ("duration.anomaly", "a tenth", lambda w: replaced(w, steady(w), lasts=2 * M), None, "warn"),
    ("duration.anomaly", "long each Saturday", lambda w: each_week(w, steady(w), lasts=60 * M), None, "ok"),
    ("duration.anomaly", "long for three Saturdays only", lambda w: each_week(w, only(steady(w), 24), lasts=60 * M), None, "ok"),
    ("duration.anomaly", "short each Saturday", lambda w: each_week(w, steady(w), lasts=2 * M), None, "ok"),
    ("duration.anomaly", "1.4 times", lambda w: replaced(w, steady(w), lasts=28 * M), None, "ok"),
    ("duration.anomaly", "0.8", lambda w: replaced(w, steady(w), lasts=16 * M), None, "ok"),
    ("duration.anomaly", "3 times, as others were", lambda w: replaced(w, noisy(w), lasts=60 * M), None, "ok"),
    ("duration.anomaly", "too few", lambda w: only(w.healthy(), 14), None, "not_evaluated"),
    ("duration.anomaly", "just enough", lambda w: only(w.healthy(), 15), None, "ok"),
    ("duration.anomaly", "none", lambda w: w.healthy().without_newest(30), None, "not_evaluated"),
    ("duration.anomaly", "incomplete", lambda w: w.healthy().missing("x", "fulls"), None, "unknown"),
    ("size.anomaly", "healthy", lambda w: w.healthy(), None, "ok"),
    ("size.anomaly", "0.65", lambda w: replaced(w, steady(w), size=6_500_000), None, "warn"),
    ("size.anomaly", "0.4", lambda w: replaced(w, steady(w), size=4_000_000), None, "error"),
    ("size.anomaly", "2.5 times", lambda w: replaced(w, steady(w), size=25_000_000), None, "warn"),
    ("size.anomaly", "grown 1.5 times", lambda w: replaced(w, steady(w), size=15_000_000), None, "ok"),
    ("size.anomaly", "shrunk to 0.75", lambda w: replaced(w, steady(w), size=7_500_000), None, "ok"),
    ("size.anomaly", "large each Saturday", lambda w: each_week(w, steady(w), size=30_000_000), None, "ok"),
    ("size.anomaly", "small each Saturday", lambda w: each_week(w, steady(w), size=3_000_000), None, "ok"),
    ("size.anomaly", "3 times, as others were", lambda w: replaced(w, noisy(w), size=30_000_000), None, "ok"),
    ("size.anomaly", "a third, as others were", lambda w: replaced(w, noisy(w), size=3_300_000), None, "ok"),
    ("size.anomaly", "just enough", lambda w: only(w.healthy(), 15), None, "ok"),
    ("size.anomaly", "other objects", lambda w: replaced(w, steady(w), size=100, backup_objects_raw='[{"DBName":"b"}]'), None, "info"),
    ("size.anomaly", "same objects", lambda w: replaced(w, steady(w), size=100, backup_objects_raw='[{"DBName": "a"}]'), None, "error"),
    ("size.anomaly", "objects not named", lambda w: replaced(w, steady(w), size=100, backup_objects_raw=None), None, "error"),
    ("size.anomaly", "new objects since three", lambda w: [replaced(w, steady(w), backup_objects_raw="[]").change(
        -2, backup_objects_raw="[]")][0], None, "not_evaluated"),
    ("size.anomaly", "too few", lambda w: only(w.healthy(), 14), None, "not_evaluated"),
    ("size.anomaly", "none", lambda w: w.healthy().without_newest(30), None, "not_evaluated"),
    ("size.anomaly", "incomplete", lambda w: w.healthy().missing("x", "fulls"), None, "unknown"),
    ("size.zero", "healthy", lambda w: w.healthy(), None, "ok"),
    ("size.zero", "empty", lambda w: w.healthy().change(-3, backup_size=0), None, "error"),
    ("size.zero", "no size", lambda w: w.healthy().change(-3, backup_size=None), None, "error"),
    ("size.zero", "below min_size", lambda w: w.healthy(), {"min_size": 10**18}, "error"),
    ("size.zero", "exactly min_size", lambda w: only(steady(w), 1), {"min_size": 10_001_000}, "ok"),
    ("size.zero", "expired", lambda w: w.healthy().change(0, backup_size=0, backup_set_expired_time_ms=w.ms(w.AS_OF)), None, "ok"),
    ("size.zero", "none kept", lambda w: w.healthy().without_newest(30), None, "not_evaluated"),
    ("size.zero", "incomplete", lambda w: w.healthy().missing("x", "fulls"), None, "unknown"),
    ("log.sequence_gap", "healthy", lambda w: w.healthy(), None, "ok"),
    ("log.sequence_gap", "before the newest full", lambda w: (c := w.healthy(), c.logs.pop(-60))[0], None, "warn"),
    ("log.sequence_gap", "after the newest full", lambda w: (c := w.healthy(), c.logs.pop(-4))[0], None, "error"),
    ("log.sequence_gap", "numbering anew, healed", lambda w: renumbered(w.healthy(), 100), None, "info"),
    ("log.sequence_gap", "numbering anew", lambda w: renumbered(w.healthy(), 4), None, "warn"),
    ("log.sequence_gap", "no numbers", lambda w: unnumbered(w.healthy()), None, "not_evaluated"),
    ("log.sequence_gap", "no logs", lambda w: w.healthy().without_logs(), None, "not_evaluated"),
    ("log.sequence_gap", "logs off", lambda w: w.healthy(log_span=None), None, "not_evaluated"),
    ("log.sequence_gap", "missing beside an expired one", lambda w: beside(w.healthy().change_log(
        -5, backup_set_expired_time_ms=w.ms(w.AS_OF - H))), None, "error"),
    ("log.sequence_gap", "missing beside a broken one", lambda w: beside(w.healthy().change_log(
        -5, backup_status=IncrementalBackupStatus.UNCOMPLETED)), None, "error"),
    ("log.sequence_gap", "logs off, unread", lambda w: w.healthy(log_span=None).missing("x", "logs"), None, "not_evaluated"),
    ("log.sequence_gap", "incomplete", lambda w: w.healthy().missing("x", "logs"), None, "unknown"),
    ("log.sequence_gap", "none read", lambda w: w.healthy().without_logs().missing("x", "logs"), None, "unknown"),
    ("log.sequence_gap", "none read, nothing said", lambda w: w.healthy().without_logs().with_plan(
        enable_backup_log=None).missing("x", "logs"), None, "unknown"),
    ("log.lag", "healthy", lambda w: w.healthy(), None, "ok"),
    ("log.lag", "short segments, 1 h", lambda w: logs_until(w.healthy(log_span=5 * M), 1 * H), None, "warn"),
    ("log.lag", "short segments, 3 h", lambda w: logs_until(w.healthy(log_span=5 * M), 3 * H), None, "error"),
    ("log.lag", "quiet database", lambda w: logs_until(w.healthy(log_span=6 * H), 10 * H), None, "ok"),
    ("log.lag", "long segments", lambda w: logs_until(w.healthy(), 5 * H), None, "warn"),
    ("log.lag", "own limits", lambda w: logs_until(w.healthy(), 5 * H), {"checks": {"log_lag": {"warn": 60, "error": 90}}}, "error"),
    ("log.lag", "no sealed segment", lambda w: w.healthy().without_logs(), None, "error"),
    ("log.lag", "no sealed segment, new plan", lambda w: new(w, w.healthy().without_logs(), 9 * H), None, "info"),
    ("log.lag", "logs off", lambda w: w.healthy(log_span=None), None, "not_evaluated"),
    ("log.lag", "nothing said, no logs", lambda w: w.healthy(log_span=None).with_plan(enable_backup_log=None), None, "not_evaluated"),
    ("log.lag", "incomplete", lambda w: w.healthy().without_logs().missing("x", "logs"), None, "unknown"),
    ("log.broken", "healthy", lambda w: w.healthy(), None, "ok"),
    ("log.broken", "after the newest full", lambda w: broken(w.healthy(), -4), None, "error"),
    ("log.broken", "healed", lambda w: broken(w.healthy(), -60), None, "info"),
    ("log.broken", "healed, in the window", lambda w: broken(w.healthy(), -60), {"recovery_window": "5d"}, "error"),
    ("log.broken", "healed, before the window", lambda w: broken(w.healthy(), -60), {"recovery_window": "1d"}, "info"),
    ("log.broken", "filling for hours", lambda w: (c := w.healthy(), c.change_log(-1, start_time_ms=w.ms(w.AS_OF - 3 * H)))[0], None, "warn"),
    ("log.broken", "no logs", lambda w: w.healthy().without_logs(), None, "not_evaluated"),
    ("log.broken", "logs off", lambda w: w.healthy(log_span=None), None, "not_evaluated"),
    ("log.broken", "incomplete", lambda w: w.healthy().missing("x", "logs"), None, "unknown"),
    ("coverage", "healthy", lambda w: w.healthy(), {"recovery_window": "7d"}, "ok"),
    ("coverage", "no window", lambda w: w.healthy(log_span=None), None, "ok"),
    ("coverage", "gap", lambda w: (c := w.healthy(), c.logs.pop(-60))[0], {"recovery_window": "7d"}, "error"),
    ("coverage", "gap, tolerated", lambda w: (c := w.healthy(), c.logs.pop(-60))[0],
        {"recovery_window": "7d", "checks": {"coverage": {"error": 0.5}}}, "warn"),
    ("coverage", "gap before the window", lambda w: (c := w.healthy(), c.logs.pop(-200))[0], {"recovery_window": "7d"}, "ok"),
    ("coverage", "a full ended since the last sealed log", lambda w: w.healthy(
        log_span=6 * H, as_of=w.AS_OF.replace(hour=4)), {"recovery_window": "5d"}, "ok"),
    ("coverage", "logs lag", lambda w: logs_until(w.healthy(), 9 * H), {"recovery_window": "7d"}, "error"),
    ("coverage", "fulls only", lambda w: w.healthy(log_span=None), {"recovery_window": "7d"}, "error"),
    ("coverage", "new plan", lambda w: new(w, w.healthy().without_newest(30), 2 * H), {"recovery_window": "7d"}, "not_evaluated"),
    ("coverage", "incomplete", lambda w: w.healthy().without_logs().missing("x", "logs"), {"recovery_window": "7d"}, "unknown"),
    ("plan.state", "healthy", lambda w: w.healthy(), None, "ok"),
    ("plan.state", "paused", lambda w: w.healthy().with_plan(backup_plan_status=BackupPlanStatus.PAUSE), None, "warn"),
    ("plan.state", "paused for hours", lambda w: w.healthy().without_newest(1).with_plan(
        backup_plan_status=BackupPlanStatus.PAUSE), None, "warn"),
    ("plan.state", "paused for long", lambda w: w.healthy().without_newest(2).with_plan(
        backup_plan_status=BackupPlanStatus.PAUSE), None, "error"),
    ("plan.state", "paused, fulls unread", lambda w: w.healthy().without_newest(30).with_plan(
        backup_plan_status=BackupPlanStatus.PAUSE).missing("403", "fulls"), None, "warn"),
    ("plan.state", "paused, no schedule", lambda w: unscheduled(w.healthy()).with_plan(
        backup_plan_status=BackupPlanStatus.PAUSE), None, "warn"),
    ("plan.state", "paused, no full", lambda w: w.healthy().without_newest(30).with_plan(
        backup_plan_status=BackupPlanStatus.PAUSE), None, "error"),
    ("plan.state", "stopped", lambda w: w.healthy().with_plan(backup_plan_status=BackupPlanStatus.STOP), None, "error"),
    ("plan.state", "locked", lambda w: w.healthy().with_plan(backup_plan_status=BackupPlanStatus.LOCKED), None, "error"),
    ("plan.state", "precheck failed", lambda w: w.healthy().with_plan(
        backup_plan_status=BackupPlanStatus.INIT, err_message="no grant"), None, "error"),
    ("plan.state", "not configured", lambda w: w.healthy().with_plan(backup_plan_status=BackupPlanStatus.WAIT), None, "error"),
    ("plan.state", "being set up", lambda w: new(w, w.healthy(), 2 * H).with_plan(
        backup_plan_status=BackupPlanStatus.CHECK_PASS), None, "info"),
    ("plan.state", "status nobody knows", lambda w: w.healthy().with_plan(backup_plan_status=BackupPlanStatus("zen")), None, "unknown"),
    ("retention.expiry", "healthy", lambda w: w.healthy(), None, "ok"),
    ("retention.expiry", "margin under a day", lambda w: w.healthy(keeps=40 * H), None, "warn"),
    ("retention.expiry", "gone before the next", lambda w: w.healthy(keeps=20 * H), None, "error"),
    ("retention.expiry", "no expiry", lambda w: w.healthy().change(3, backup_set_expired_time_ms=None), None, "ok"),
    ("retention.expiry", "no schedule", lambda w: unscheduled(w.healthy()), None, "ok"),
    ("retention.expiry", "nothing usable", lambda w: w.healthy().without_newest(30), None, "not_evaluated"),
    ("retention.expiry", "incomplete", lambda w: w.healthy(keeps=20 * H).missing("x", "fulls"), None, "unknown"),
    ("redundancy", "healthy", lambda w: w.healthy(), None, "ok"),
    ("redundancy", "one", lambda w: only(w.healthy(), 1), None, "warn"),
    ("redundancy", "one of two usable", lambda w: only(w.healthy(), 2).fail(-1), None, "warn"),
    ("redundancy", "none", lambda w: w.healthy().without_newest(30), None, "error"),
    ("redundancy", "one, enough", lambda w: only(w.healthy(), 1), {"min_redundancy": 1}, "ok"),
    ("redundancy", "many wanted", lambda w: w.healthy(), {"min_redundancy": 31}, "warn"),
    ("redundancy", "new plan", lambda w: new(w, only(w.healthy(), 1), 30 * H), None, "info"),
    ("redundancy", "incomplete", lambda w: only(w.healthy(), 1).missing("x", "fulls"), None, "unknown"),
    ("retention.min", "no policy", lambda w: w.healthy(), None, "not_evaluated"),
    ("retention.min", "kept long enough", lambda w: w.healthy(), {"min_retention": "30d"}, "ok"),
    ("retention.min", "too short", lambda w: w.healthy(), {"min_retention": "31d"}, "error"),
    ("retention.min", "an old one too short", lambda w: w.healthy().change(
        -3, backup_set_expired_time_ms=w.ms(w.AS_OF + D)), {"min_retention": "30d"}, "warn"),
    ("retention.min", "no expiry", lambda w: only(w.healthy(), 1).change(0, backup_set_expired_time_ms=None), {"min_retention": "30d"}, "ok"),
    ("retention.min", "nothing usable", lambda w: w.healthy().without_newest(30), {"min_retention": "30d"}, "not_evaluated"),
    ("retention.min", "incomplete", lambda w: w.healthy().missing("x", "fulls"), {"min_retention": "30d"}, "unknown"),
    ("storage.class", "no policy", lambda w: w.healthy(), None, "not_evaluated"),
    ("storage.class", "allowed", lambda w: w.healthy(), {"allowed_storage": ["standard", "IA"]}, "ok"),
    ("storage.class", "not allowed", lambda w: w.healthy().change(-1, storage_method="Archive"), {"allowed_storage": ["standard"]}, "error"),
    ("storage.class", "an older one", lambda w: w.healthy().change(-2, storage_method="Archive"), {"allowed_storage": ["standard"]}, "ok"),
    ("storage.class", "among the newest two", lambda w: w.healthy().change(-2, storage_method="Archive"),
        {"allowed_storage": ["standard"], "checks": {"storage_class": {"newest": 2}}}, "error"),
    ("storage.class", "not said", lambda w: w.healthy().change(-1, storage_method="UNKNOWN"), {"allowed_storage": ["standard"]}, "warn"),
    ("storage.class", "the only one archived", lambda w: only(w.healthy(), 1).change(-1, storage_method="Archive"), None, "warn"),
    ("storage.class", "the only one archived, allowed", lambda w: only(w.healthy(), 1).change(-1, storage_method="Archive"),
        {"allowed_storage": ["archive"]}, "warn"),
    ("storage.class", "nothing usable", lambda w: w.healthy().without_newest(30), {"allowed_storage": ["IA"]}, "not_evaluated"),
    ("storage.class", "incomplete", lambda w: w.healthy().missing("x", "fulls"), {"allowed_storage": ["standard"]}, "unknown"),
    ("encryption", "no policy", lambda w: w.healthy(), None, "not_evaluated"),
    ("encryption", "allowed", lambda w: w.healthy().change(-1, storage_encrypt_method="Encrypted"), {"allowed_encryption": ["encrypted"]}, "ok"),
    ("encryption", "not allowed", lambda w: w.healthy().change(-1, storage_encrypt_method="none"), {"allowed_encryption": ["encrypted"]}, "error"),
    ("encryption", "not said", lambda w: w.healthy(), {"allowed_encryption": ["encrypted"]}, "unknown"),
    ("encryption", "nothing usable", lambda w: w.healthy().without_newest(30), {"allowed_encryption": ["encrypted"]}, "not_evaluated"),
    ("region", "no policy", lambda w: w.healthy(), None, "not_evaluated"),
    ("region", "other", lambda w: w.healthy().with_plan(
        oss_bucket_region="oss-cn-beijing", source_endpoint_region="cn-hangzhou"), {"require_other_region": True}, "ok"),
    ("region", "same", lambda w: w.healthy().with_plan(
        oss_bucket_region="oss-cn-hangzhou", source_endpoint_region="cn-hangzhou"), {"require_other_region": True}, "error"),
    ("region", "not said", lambda w: w.healthy().with_plan(oss_bucket_region="oss-cn-hangzhou"), {"require_other_region": True}, "unknown"),
    ("region", "nothing said", lambda w: w.healthy(), {"require_other_region": True}, "unknown"),
    ("data.time", "healthy", lambda w: w.healthy(), None, "ok"),
    ("data.time", "reversed", lambda w: w.healthy().change(-1, end_time_ms=w.ms(w.AS_OF - 30 * H)), None, "warn"),
    ("data.time", "10 min ahead", lambda w: w.healthy().change(
        -1, end_time_ms=w.ms(w.AS_OF + 10 * M), finish_time_ms=w.ms(w.AS_OF + 10 * M)), None, "warn"),
    ("data.time", "4 min ahead", lambda w: w.healthy().change(
        -1, end_time_ms=w.ms(w.AS_OF + 4 * M), finish_time_ms=w.ms(w.AS_OF + 4 * M)), None, "ok"),
    ("data.time", "2 h ahead", lambda w: w.healthy().change(
        -1, end_time_ms=w.ms(w.AS_OF + 2 * H), finish_time_ms=w.ms(w.AS_OF + 2 * H)), None, "error"),
    ("data.time", "log ahead", lambda w: w.healthy().change_log(-1, end_time_ms=w.ms(w.AS_OF + 2 * H)), None, "error"),
    ("data.time", "finished much later", lambda w: w.healthy().change(-1, finish_time_ms=w.ms(w.AS_OF - 1 * H)), None, "warn"),
    ("data.time", "no time at all", lambda w: (c := w.healthy(), c.fulls.append(w.full(None)))[0], None, "warn"),
    ("data.time", "pending without times", lambda w: (c := w.healthy(), c.fulls.append(w.full(None, status="schedule")))[0], None, "ok"),
    ("data.time", "log without times", lambda w: w.healthy().change_log(-1, start_time_ms=0, end_time_ms=None), None, "warn"),
    ("data.time", "incomplete", lambda w: w.healthy().missing("x", "fulls"), None, "unknown"),
    ("data.duplicate", "healthy", lambda w: w.healthy(), None, "ok"),
    ("data.duplicate", "same twice", lambda w: (c := w.healthy(), c.fulls.extend(c.fulls))[0], None, "ok"),
    ("data.duplicate", "two outcomes", lambda w: (c := w.healthy(), c.fulls.append(
        w.healthy().change(-1, backup_size=5).fulls[-1]))[0], None, "warn"),
    ("data.duplicate", "ran, then finished", lambda w: (c := w.healthy(), c.fulls.append(
        running(w, w.healthy(), 1 * H).change(-1, backup_set_id=c.fulls[-1].backup_set_id).fulls[-1]))[0], None, "ok"),
    ("data.duplicate", "a log of two outcomes", lambda w: (c := w.healthy(), c.logs.append(broken(w.healthy(), 5).logs[5]))[0], None, "warn"),
    ("data.duplicate", "incomplete", lambda w: w.healthy().missing("x", "fulls"), None, "unknown"),
    ("data.unit", "healthy", lambda w: w.healthy(), None, "ok"),
    ("data.unit", "seconds", lambda w: seconds(w.healthy()), None, "warn"),
    ("data.unit", "log in seconds", lambda w: (c := w.healthy(), c.change_log(
        0, backup_set_expired_time_ms=c.logs[0].backup_set_expired_time_ms // 1000))[0], None, "warn"),
    ("data.unit", "incomplete", lambda w: w.healthy().missing("x", "fulls"), None, "unknown"),
    ("evidence", "healthy", lambda w: w.healthy(), None, "ok"),
    ("evidence", "throttled", lambda w: w.healthy().missing("Throttling.User", "fulls", "logs"), None, "unknown"),
]  # fmt: skip


def steady(world):
    """Fulls of 20 minutes and size 10 000 000, near enough."""
    case = world.healthy()
    for place, full in enumerate(case.fulls):
        lasts = 20 * M + (place % 5 - 2) * timedelta(seconds=10)
        case.fulls[place] = world.full(
            full.start_time, lasts=lasts, size=10_000_000 + place % 7 * 1000, backup_objects_raw='[{"DBName":"a"}]'
        )
    return case


def noisy(world):
    """Fulls that take 5 to 80 minutes and hold 2.5 to 40 million."""
    case = steady(world)
    for place, full in enumerate(case.fulls):
        times = 2.0 ** (place % 5 - 2)
        case.fulls[place] = world.full(full.start_time, lasts=20 * M * times, size=round(10_000_000 * times))
    return case


def each_week(world, case, **fields):
    for place in (-1, -8, -15, -22):
        case.fulls[place] = world.full(case.fulls[place].start_time, **fields)
    return case


def renumbered(case, newest):
    """The numbers of the newest log segments start again at 1."""
    for number, place in enumerate(range(-newest, 0), 1):
        case.change_log(place, backup_set_id=f"mysql-bin.{number:06d}")
    return case


def unnumbered(case):
    for place, log in enumerate(case.logs):
        case.change_log(place, backup_set_id=f"wal-{log.backup_set_id[-6:]}")
    return case


def beside(case):
    """Drops the segment after the newest but four."""
    del case.logs[-4]
    return case


def broken(case, place):
    return case.change_log(place, backup_status=IncrementalBackupStatus.UNCOMPLETED)


@pytest.mark.parametrize(
    ("check_id", "build", "policy", "severity"),
    [
        pytest.param(check, build, policy, severity, id=f"{check}: {what}")
        for check, what, build, policy, severity in GOLDEN
    ],
)
def test_golden(world, check_id, build, policy, severity):
    finding = build(world).find(check_id, policy)

    assert finding.severity.value == severity, finding.summary
    if finding.severity.is_open:
        assert finding.remediation, "an open finding says what to do"
    if finding.severity in (Severity.WARN, Severity.ERROR):
        assert finding.unit, "a judgement carries its measure"
        assert finding.evidence or not finding.measured or check_id == "region", "a judgement rests on something"


def test_limits_from_the_schedule(world):
    case = steady(world)
    threshold = case.find("full.age").threshold

    # The fulls take 19:40 to 20:20 minutes.
    assert threshold.warn == (25 * H + 20 * M).total_seconds() + 20
    assert threshold.error == (48 * H + 20 * M).total_seconds() + 20
    assert case.find("full.age").basis == "plan"


def test_a_limit_that_is_just_met_is_met(world):
    case = steady(world)
    age = case.as_of - case.fulls[-1].end_time

    assert case.severity("full.age", {"max_age": age}) is Severity.WARN
    assert case.severity("full.age", {"max_age": age / 0.8}) is Severity.OK
    assert (
        case.severity("failures.consecutive", {"checks": {"failures_consecutive": {"warn": 2, "error": 3}}})
        is Severity.OK
    )
    assert (
        case.fail(-1, -2).severity(
            "failures.consecutive", {"checks": {"failures_consecutive": {"warn": 2, "error": 3}}}
        )
        is Severity.WARN
    )


def test_a_gap_is_named_with_what_it_costs(world):
    case = world.healthy()
    lost = case.logs.pop(-4)
    finding = case.find("log.sequence_gap")

    assert lost.backup_set_id in finding.summary
    assert "and more" not in finding.summary
    assert "cannot be replayed until a new full backup" in finding.summary
    assert finding.evidence[0].id == f"{case.logs[-4].backup_set_id}/{case.logs[-3].backup_set_id}"
    assert "until a new full" not in (c := world.healthy(), c.logs.pop(-60))[0].find("log.sequence_gap").summary


def test_missing_names_are_capped(world):
    case = world.healthy()
    del case.logs[-100:-60]
    finding = case.find("log.sequence_gap")

    assert finding.measured == 40
    assert "40 log segment(s) missing" in finding.summary
    assert "and more" in finding.summary
    assert len(finding.summary) < 500


def test_healthy_answers_carry_evidence_too(world):
    case = world.healthy().change(-1, storage_encrypt_method="encrypted")
    policy = {"allowed_encryption": ["encrypted"], "allowed_storage": ["standard"]}

    for check in (
        "full.age",
        "content.age",
        "encryption",
        "storage.class",
        "redundancy",
        "retention.expiry",
        "size.anomaly",
    ):
        assert case.find(check, policy).evidence, check


def test_all_stuck_runs_are_named_and_no_other(world):
    case = world.healthy()
    for hours, status in ((50, "running"), (30, "running"), (7, "schedule"), (0.1, "schedule")):
        case.fulls.append(world.full(world.AS_OF - hours * H, lasts=None, size=None, keeps=None, status=status))
    finding = case.find("run.stuck")

    assert [item.id for item in finding.evidence] == [full.backup_set_id for full in case.fulls[-4:-1]]
    assert finding.measured == 50 * 3600
    assert "2 more in flight for too long" in finding.summary


def test_a_start_that_the_service_skipped_is_said_to_be(world):
    case = steady(world)
    del case.fulls[-4]
    assert "skipped" not in case.find("schedule.missed").summary

    case.fulls[-4] = world.full(case.fulls[-4].start_time, lasts=30 * H)
    assert "(1 while another backup ran, so the service skipped it)" in case.find("schedule.missed").summary


def test_the_full_that_lives_longest_counts_not_the_newest(world):
    case = world.healthy(keeps=20 * H)
    case.fulls.insert(0, world.full(world.AS_OF - 9 * D, keeps=99 * D))
    finding = case.find("retention.expiry")

    assert finding.severity is Severity.OK
    assert [item.id for item in finding.evidence] == [case.fulls[0].backup_set_id]


def test_what_is_not_allowed_is_named_before_what_is_not_said(world):
    case = (
        world.healthy()
        .change(-2, storage_encrypt_method="none", storage_method="Archive")
        .change(-1, storage_method=None)
    )
    policy = {
        "allowed_encryption": ["encrypted"],
        "allowed_storage": ["standard"],
        "checks": {"encryption": {"newest": 2}, "storage_class": {"newest": 2}},
    }

    for check in ("encryption", "storage.class"):
        finding = case.find(check, policy)
        assert [item.id for item in finding.evidence] == [case.fulls[-2].backup_set_id]
        assert finding.severity is Severity.ERROR


def test_the_widest_gap_is_named_first_and_the_newest_is_the_first_evidence(world):
    case = world.healthy()
    del case.logs[-150:-140]
    case.logs.pop(-60)
    finding = case.find("coverage", {"recovery_window": "8d"})

    assert len(finding.evidence) == 2
    assert finding.evidence[0].start > finding.evidence[1].start
    assert finding.summary.index(finding.evidence[1].start.strftime("%Y-%m-%dT%H:%M")) < finding.summary.index(
        finding.evidence[0].start.strftime("%Y-%m-%dT%H:%M")
    )


def test_evidence_comes_newest_first(world):
    case = world.healthy().change(-3, backup_size=0).change(-9, backup_size=0)

    assert [item.id for item in case.find("size.zero").evidence] == [
        case.fulls[-3].backup_set_id,
        case.fulls[-9].backup_set_id,
    ]


def test_every_check_has_golden_rows():
    seen = {(check, severity) for check, _, _, _, severity in GOLDEN}

    for check in CHECKS:
        assert (check.id, "ok") in seen
        assert {(check.id, "unknown"), (check.id, "error"), (check.id, "warn")} & seen


def test_a_healthy_plan_has_nothing_open(world):
    audit = world.healthy().audit({"rpo": "2h", "recovery_window": "7d", "min_retention": "30d"})

    assert [finding.summary for finding in audit.findings if finding.severity.is_open] == []
    assert audit.severity is Severity.OK
    assert len(audit.findings) == len(CHECKS)


def test_left_out_checks_are_listed_not_hidden(world):
    audit = world.healthy().without_newest(9).audit({"leave_out": [c.id for c in CHECKS if c.id != "evidence"]})

    assert audit.severity is Severity.OK
    assert sum(finding.severity is Severity.NOT_EVALUATED for finding in audit.findings) == len(CHECKS) - 1
