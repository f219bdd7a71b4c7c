# SPDX-License-Identifier: Apache-2.0
"""What the emulated service says can be restored."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

# Some days ago: the service leaves out what has expired by now.
DAY = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=20)


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


@pytest.fixture
def ranges(plan_id, call):
    def ask(begin=-1000, end=1000):
        parameters = {
            "BackupPlanId": plan_id,
            "BeginTimestampForRestore": int(at(begin).timestamp() * 1000),
            "EndTimestampForRestore": int(at(end).timestamp() * 1000),
        }
        base = DAY.timestamp()
        return [
            (
                row["RangeType"],
                (row["BeginTimestampForRestore"] / 1000 - base) / 3600,
                (row["EndTimestampForRestore"] / 1000 - base) / 3600,
            )
            for row in call("DescribeRestoreRangeInfo", parameters).rows
        ]

    return ask


@pytest.fixture
def full(dbs_emulator, plan_id):
    def add(start, end, **options):
        expires = options.pop("expires", datetime(2099, 1, 1, tzinfo=timezone.utc))
        dbs_emulator.add_full_backup(plan_id, start=at(start), end=at(end), expires=expires, **options)

    return add


@pytest.fixture
def log(dbs_emulator, plan_id):
    def add(number, start, end, **options):
        dbs_emulator.add_incremental_backup(plan_id, f"mysql-bin.{number:06d}", start=at(start), end=at(end), **options)

    return add


def test_a_full_backup_alone_is_a_point(dbs_emulator, plan_id, ranges, full, call):
    full(2, 3)
    assert ranges() == [("point", 3, 3)]
    full(4, 5, status="running")
    full(6, 7, status="stop")
    full(8, 9, expires=at(10))
    assert ranges() == [("point", 3, 3)]
    parameters = {"BackupPlanId": plan_id, "BeginTimestampForRestore": 0, "EndTimestampForRestore": 2**42}
    (row,) = call("DescribeRestoreRangeInfo", parameters).rows
    (detail,) = row["FullBackupList"]["FullBackupDetail"]
    assert set(detail) == {"BackupSetId", "StartTime", "EndTime"}


def test_logs_make_it_a_range_until_they_break(ranges, full, log):
    full(2, 3)
    log(1, 0, 2.5)
    log(2, 2.5, 4)
    log(3, 4, 6)
    assert ranges() == [("range", 3, 6)]
    log(5, 8, 9)
    assert ranges() == [("range", 3, 6)]
    log(4, 6.5, 8)  # numbers follow each other: the idle half hour in between is none
    assert ranges() == [("range", 3, 9)]
    log(6, 9, 10, status="FILLING")
    assert ranges() == [("range", 3, 9)]


def test_logs_without_numbers_follow_each_other_by_time(dbs_emulator, plan_id, ranges, full):
    full(2, 3)
    for name, start, end in (("wal-a", 2, 4), ("wal-b", 4.01, 6), ("wal-c", 6.5, 8)):
        dbs_emulator.add_incremental_backup(plan_id, name, start=at(start), end=at(end))
    assert ranges() == [("range", 3, 6)]


def test_full_backups_on_the_same_logs_are_one_range(ranges, full, log):
    full(2, 3)
    full(5, 6)
    full(20, 21)
    log(1, 0, 12)
    assert ranges() == [("range", 3, 12), ("point", 21, 21)]
    assert ranges(13, 22) == [("point", 21, 21)]
    assert ranges(11, 11.5) == [("range", 3, 12)]


def test_the_plan_tells_its_range_when_asked(plan_id, full, log, call):
    full(2, 3)
    log(1, 0, 12)
    (quiet,) = call("DescribeBackupPlanList").rows
    assert "EndTimestampForRestore" not in quiet
    (row,) = call("DescribeBackupPlanList", {"ShowRecoverTimeRange": "true"}).rows
    assert row["BeginTimestampForRestore"] == int(at(3).timestamp() * 1000)
    assert row["EndTimestampForRestore"] == int(at(12).timestamp() * 1000)


def test_a_test_can_set_the_ranges(dbs_emulator, plan_id, ranges, full):
    full(2, 3)
    dbs_emulator.set_restore_ranges(
        plan_id, [{"begin": at(1), "end": at(9)}, {"begin": at(20), "end": at(20), "range_type": "point"}]
    )
    assert ranges() == [("range", 1, 9), ("point", 20, 20)]
    dbs_emulator.set_restore_ranges(plan_id, [])
    assert ranges() == []
    dbs_emulator.set_restore_ranges(plan_id, None)
    assert ranges() == [("point", 3, 3)]
    with pytest.raises(ValueError, match="has begin and end"):
        dbs_emulator.set_restore_ranges(plan_id, [{"from": at(1), "to": at(2)}])
