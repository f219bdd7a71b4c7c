# SPDX-License-Identifier: Apache-2.0
"""Backups move through their statuses, and the cells that belong to a status come with it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_dbs.emulator import Emulator

START = datetime(2026, 3, 1, 2, 0, tzinfo=timezone.utc)


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def emulator(clock):
    emulator = Emulator(now=clock)
    emulator.add_plan("dbs1")
    with emulator:
        yield emulator


@pytest.fixture
def listed(emulator, sdk):
    """The one row of the plan's list as the vendor's SDK reads it."""
    from alibabacloud_dbs20190306 import models

    client = sdk(emulator)

    def read(kind="full"):
        if kind == "full":
            request = models.DescribeFullBackupListRequest(backup_plan_id="dbs1")
            (row,) = client.describe_full_backup_list(request).body.items.full_backup_file
        else:
            request = models.DescribeIncrementBackupListRequest(backup_plan_id="dbs1")
            (row,) = client.describe_increment_backup_list(request).body.items.increment_backup_file
        return row.to_map()

    return read


def ms(moment):
    return int(moment.timestamp() * 1000)


def after(seconds):
    return ms(START + timedelta(seconds=seconds))


def test_by_time_each_step_happens_at_its_own_moment(emulator, clock, listed):
    emulator.add_full_backup(
        "dbs1", status="schedule", progression="by_time", durations={"schedule": 10, "running": "1m"}
    )
    first = listed()
    assert first["BackupStatus"] == "schedule"
    assert first["CreateTime"] == after(0)
    assert first["StorageMethod"] == "UNKNOWN"
    assert not {"StartTime", "EndTime", "FinishTime", "BackupSize", "BackupSetExpiredTime"} & first.keys()
    clock.pass_seconds(9.9)
    assert listed()["BackupStatus"] == "schedule"
    clock.pass_seconds(5)
    running = listed()
    assert (running["BackupStatus"], running["StartTime"]) == ("running", after(10))
    assert "EndTime" not in running
    clock.pass_seconds(3600)
    done = listed()
    assert (done["BackupStatus"], done["StartTime"]) == ("finish", after(10))
    assert done["EndTime"] == done["FinishTime"] == after(70)
    assert done["BackupSetExpiredTime"] == after(10 + 7 * 86400)
    assert (done["StorageMethod"], done["BackupSize"] > 0) == ("Standard", True)


def test_by_time_counts_from_when_the_emulator_was_told(emulator, clock, listed):
    emulator.add_full_backup("dbs1", status="running", start=START - timedelta(hours=1), progression="by_time")
    assert listed()["BackupStatus"] == "running"
    clock.pass_seconds(20)
    done = listed()
    assert (done["BackupStatus"], done["StartTime"], done["EndTime"]) == ("finish", after(-3600), after(20))


def test_an_outcome_other_than_success(emulator, clock, listed):
    emulator.add_full_backup("dbs1", status="running", progression="by_time", outcome="stop")
    clock.pass_seconds(60)
    failed = listed()
    assert failed["BackupStatus"] == "stop"
    assert failed["ErrMessage"] not in ("NULL", "")
    assert not {"BackupSize", "BackupSetExpiredTime"} & failed.keys()


def test_immediately(emulator, listed):
    emulator.add_full_backup("dbs1", status="schedule", progression="immediately", size=580)
    assert (listed()["BackupStatus"], listed()["BackupSize"]) == ("finish", 580)


def test_manually_one_step_at_a_time(emulator, clock, listed):
    set_id = emulator.add_full_backup("dbs1", status="schedule")
    clock.pass_seconds(3600)
    seen = [listed()["BackupStatus"]]
    while emulator.advance(set_id):
        seen.append(listed()["BackupStatus"])
    assert seen == ["schedule", "running", "finish"]
    assert emulator.advance() == 0


def test_a_paused_backup_waits_for_a_hand(emulator, clock, listed):
    emulator.configure(progression="by_time")
    set_id = emulator.add_full_backup("dbs1", status="pause")
    clock.pass_seconds(86400)
    assert listed()["BackupStatus"] == "pause"
    emulator.advance(set_id)
    assert listed()["BackupStatus"] == "running"
    clock.pass_seconds(20)
    assert listed()["BackupStatus"] == "finish"


def test_a_status_can_be_set_with_times_and_cells(emulator, clock, listed):
    set_id = emulator.add_full_backup("dbs1", status="running", start=START)
    emulator.set_status(set_id, "stop", end=START + timedelta(seconds=30), err_message="disk full")
    failed = listed()
    assert (failed["BackupStatus"], failed["EndTime"], failed["ErrMessage"]) == ("stop", after(30), "disk full")
    assert failed["FinishTime"] == after(30)


def test_a_log_segment_fills_and_completes(emulator, clock, listed):
    emulator.add_incremental_backup("dbs1", "mysql-bin.000001", status="FILLING", start=START - timedelta(minutes=10))
    filling = listed("incremental")
    assert (filling["BackupStatus"], filling["EndTime"]) == ("FILLING", after(0))
    clock.pass_seconds(90)
    emulator.advance("mysql-bin.000001")
    done = listed("incremental")
    assert (done["BackupStatus"], done["EndTime"]) == ("COMPLETED", after(90))
    assert done["BackupSetExpiredTime"] == after(90 + 730 * 86400)


def test_logs_of_the_same_name_in_two_plans_need_the_plan(emulator):
    emulator.add_plan("dbs2")
    for plan in ("dbs1", "dbs2"):
        emulator.add_incremental_backup(plan, "mysql-bin.000001", status="FILLING")
    with pytest.raises(ValueError, match="several plans: give backup_plan_id"):
        emulator.set_status("mysql-bin.000001", "COMPLETED")
    emulator.set_status("mysql-bin.000001", "COMPLETED", backup_plan_id="dbs2")


@pytest.mark.parametrize(("setting", "cell"), [("zero", 0), ("null", None)])
def test_cells_that_are_not_known_yet_can_be_zero_or_null(setting, cell):
    from airflow_provider_dbs.emulator.fault_kinds import Quirks
    from airflow_provider_dbs.emulator.operations import OPERATIONS, Context

    emulator = Emulator(unset_cells=setting)
    emulator.add_plan("dbs1")
    emulator.add_full_backup("dbs1", status="schedule")
    context = Context(emulator.service.store, emulator.settings, emulator.now, Quirks())
    (row,) = OPERATIONS["DescribeFullBackupList"].run({"BackupPlanId": "dbs1"}, context)["Items"]["FullBackupFile"]
    assert {row[name] for name in ("StartTime", "EndTime", "FinishTime", "BackupSize")} == {cell}
