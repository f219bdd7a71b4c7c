# SPDX-License-Identifier: Apache-2.0
"""Lists: the envelope of the vendor's samples, paging rules, filters, parameter errors."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"
LISTS = {
    "DescribeFullBackupList": "describe_full_backup_list.json",
    "DescribeIncrementBackupList": "describe_increment_backup_list.json",
}
FIRST = datetime(2026, 1, 1, 2, 0, tzinfo=timezone.utc)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def fill(emulator, plan_id, count):
    """One full backup a day, in a scrambled order of adding."""
    for day in sorted(range(count), key=lambda number: number * 7 % 11):
        start = FIRST + timedelta(days=day)
        emulator.add_full_backup(plan_id, f"set{day:03d}", start=start, end=start + timedelta(minutes=20))
    return {f"set{day:03d}" for day in range(count)}


def ids(reply):
    return [row["BackupSetId"] for row in reply.rows]


def types(value):
    """The keys and types of JSON, one row standing for all."""
    if isinstance(value, dict):
        return {name: types(item) for name, item in value.items()}
    if isinstance(value, list):
        return [types(value[0])]
    return type(value).__name__


@pytest.mark.parametrize(("operation", "sample"), LISTS.items())
def test_the_answer_has_the_keys_and_types_of_the_vendors_sample(dbs_emulator, plan_id, call, operation, sample):
    dbs_emulator.add_full_backup(plan_id)
    dbs_emulator.add_incremental_backup(plan_id, status="FILLING")
    expected = json.loads((SAMPLES / sample).read_text())
    answer = call(operation, {"BackupPlanId": plan_id}).json
    assert types(answer) == types(expected)
    assert {name: answer[name] for name in ("Success", "ErrCode", "ErrMessage")} == {
        name: expected[name] for name in ("Success", "ErrCode", "ErrMessage")
    }


@pytest.mark.parametrize(("operation", "sample"), LISTS.items())
def test_the_vendors_sample_can_be_served_as_it_is(dbs_emulator, plan_id, call, operation, sample):
    body = (SAMPLES / sample).read_bytes()
    dbs_emulator.add_fault("raw", operation=operation, body=body)
    assert call(operation, {"BackupPlanId": plan_id}).body == body
    assert call(operation, {"BackupPlanId": plan_id}).rows == []


@pytest.mark.parametrize(("cells", "expected"), [("clean", ("", "")), ("missing", (None, None))])
def test_the_error_cells_of_a_success_can_be_chosen(dbs_emulator, call, cells, expected):
    dbs_emulator.configure(error_cells=cells)
    answer = call("DescribeRegions").json
    assert (answer.get("ErrCode"), answer.get("ErrMessage")) == expected


@pytest.mark.parametrize("size", [30, 50, 100])
@pytest.mark.parametrize("order", ["shuffled", "newest", "oldest"])
def test_pages_are_counted_from_zero_and_make_the_whole_list(dbs_emulator, plan_id, call, size, order):
    dbs_emulator.configure(order=order)
    everything = fill(dbs_emulator, plan_id, 105)
    seen = []
    for number in range(-(-105 // size)):
        reply = call("DescribeFullBackupList", {"BackupPlanId": plan_id, "PageNum": number, "PageSize": size})
        assert (reply.json["PageNum"], reply.json["PageSize"]) == (number, size)
        assert (reply.json["TotalElements"], reply.json["TotalPages"]) == (105, -(-105 // size))
        seen += ids(reply)
    assert set(seen) == everything
    assert len(seen) == 105
    if order == "shuffled":
        assert seen not in (sorted(seen), sorted(seen, reverse=True))
    else:
        assert seen == sorted(seen, reverse=order == "newest")
    beyond = call("DescribeFullBackupList", {"BackupPlanId": plan_id, "PageNum": 99, "PageSize": size})
    assert (beyond.status, beyond.rows) == (200, [])


def test_no_page_number_and_size_means_the_first_thirty(dbs_emulator, plan_id, call):
    fill(dbs_emulator, plan_id, 31)
    reply = call("DescribeFullBackupList", {"BackupPlanId": plan_id})
    assert (reply.json["PageNum"], reply.json["PageSize"], len(reply.rows)) == (0, 30, 30)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        *[(name, {"PageSize": size}) for name in LISTS for size in (1, 10, 29, 31, 200, "many", -30)],
        *[(name, {"PageNum": number}) for name in LISTS for number in (-1, "first", 2**31)],
        *[(name, {"StartTimestamp": "yesterday"}) for name in LISTS],
        *[(name, {"ShowStorageType": "maybe"}) for name in LISTS],
        *[("DescribeBackupPlanList", {"PageSize": size}) for size in (0, 101)],
        ("DescribeRestoreRangeInfo", {"BeginTimestampForRestore": 2, "EndTimestampForRestore": 1}),
    ],
)
def test_a_wrong_parameter_is_refused(plan_id, call, operation, parameters):
    reply = call(operation, {"BackupPlanId": plan_id, **parameters})
    assert (reply.status, reply.json["Code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize("operation", [*LISTS, "DescribeRestoreRangeInfo"])
def test_the_plan_is_mandatory(call, operation):
    assert call(operation).json["Code"] == "MissingBackupPlanId"


def test_an_empty_list(plan_id, call):
    answer = call("DescribeFullBackupList", {"BackupPlanId": plan_id}).json
    assert (answer["TotalElements"], answer["TotalPages"]) == (0, 0)
    assert answer["Items"] == {"FullBackupFile": []}


@pytest.mark.parametrize("operation", [*LISTS, "DescribeBackupPlanList", "DescribeRestoreRangeInfo"])
def test_an_unknown_plan_is_empty_or_an_error(dbs_emulator, call, operation):
    parameters = {"BackupPlanId": "dbsnone", "BeginTimestampForRestore": 1, "EndTimestampForRestore": 2}
    assert call(operation, parameters).rows == []
    dbs_emulator.configure(unknown_plan="error")
    reply = call(operation, parameters)
    assert reply.status == 200
    assert (reply.json["Success"], reply.json["ErrCode"]) == (False, "InvalidParameterValid")


def test_filters_of_full_backups(dbs_emulator, plan_id, call):
    fill(dbs_emulator, plan_id, 5)
    dbs_emulator.add_full_backup(plan_id, "failed", status="stop", start=FIRST, end=FIRST + timedelta(minutes=1))
    asked = {"BackupPlanId": plan_id}
    assert ids(call("DescribeFullBackupList", {**asked, "BackupSetId": "set003"})) == ["set003"]
    assert ids(call("DescribeFullBackupList", {**asked, "BackupSetStatus": "stop"})) == ["failed"]
    reply = call("DescribeFullBackupList", {**asked, "ShowStorageType": "False"})
    assert all("StorageMethod" not in row for row in reply.rows)
    reply = call("DescribeFullBackupList", {**asked, "ShowStorageType": "True", "ShowProgress": "true"})
    assert {row["StorageMethod"] for row in reply.rows} == {"Standard", "UNKNOWN"}
    assert {row["LogicalFullBackupProgress"] for row in reply.rows} == {0, 100}


@pytest.mark.parametrize("operation", LISTS)
def test_a_time_filter_in_the_wrong_unit_is_an_empty_success(dbs_emulator, plan_id, call, operation):
    dbs_emulator.add_full_backup(plan_id, start=FIRST, end=FIRST + timedelta(hours=1))
    dbs_emulator.add_incremental_backup(plan_id, start=FIRST, end=FIRST + timedelta(hours=1))
    start, end = ms(FIRST), ms(FIRST + timedelta(hours=1))
    in_ms = {"BackupPlanId": plan_id, "StartTimestamp": start, "EndTimestamp": end}
    in_seconds = {"BackupPlanId": plan_id, "StartTimestamp": start // 1000, "EndTimestamp": end // 1000}
    assert [len(call(operation, parameters).rows) for parameters in (in_ms, in_seconds)] == [1, 0]
    dbs_emulator.configure(timestamp_unit="s")
    assert [len(call(operation, parameters).rows) for parameters in (in_ms, in_seconds)] == [0, 1]
    dbs_emulator.add_fault("wrong_unit")
    assert [len(call(operation, parameters).rows) for parameters in (in_ms, in_ms)] == [1, 0]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("contained", ["inside"]), ("started", ["inside", "late"]), ("overlaps", ["early", "inside", "late"])],
)
def test_what_a_time_filter_selects_can_be_chosen(dbs_emulator, plan_id, call, mode, expected):
    dbs_emulator.configure(timestamp_filter=mode, order="oldest")
    hour = timedelta(hours=1)
    dbs_emulator.add_full_backup(plan_id, "early", start=FIRST - hour, end=FIRST + hour)
    dbs_emulator.add_full_backup(plan_id, "inside", start=FIRST + hour, end=FIRST + 2 * hour)
    dbs_emulator.add_full_backup(plan_id, "late", start=FIRST + 3 * hour, end=FIRST + 5 * hour)
    dbs_emulator.add_full_backup(plan_id, "after", start=FIRST + 9 * hour, end=FIRST + 10 * hour)
    dbs_emulator.add_full_backup(plan_id, "waiting", status="schedule", created=FIRST + hour)
    asked = {"BackupPlanId": plan_id, "StartTimestamp": ms(FIRST), "EndTimestamp": ms(FIRST + 4 * hour)}
    assert ids(call("DescribeFullBackupList", asked)) == expected


def test_filters_of_plans(dbs_emulator, call):
    dbs_emulator.add_plan("dbs1", region="cn-hangzhou", backup_plan_name="orders", backup_method="logical")
    dbs_emulator.add_plan("dbs2", region="cn-beijing", backup_plan_status="pause")
    dbs_emulator.add_plan("dbs3", region="cn-beijing", resource_group_id="rg-1")

    def found(**parameters):
        return [row["BackupPlanId"] for row in call("DescribeBackupPlanList", parameters).rows]

    assert found() == ["dbs1", "dbs2", "dbs3"]
    assert found(BackupPlanId="dbs3,dbs1,dbsnone") == ["dbs1", "dbs3"]
    assert found(Region="cn-beijing") == ["dbs2", "dbs3"]
    assert found(BackupPlanStatus="pause") == ["dbs2"]
    assert found(BackupMethod="logical") == found(BackupPlanName="orders") == ["dbs1"]
    assert found(ResourceGroupId="rg-1") == ["dbs3"]
    assert found(PageSize=1, PageNum=1) == ["dbs2"]


def test_a_plan_can_change(dbs_emulator, plan_id, call):
    dbs_emulator.update_plan(plan_id, backup_plan_status="locked", BackupPeriod="MONDAY")
    (row,) = call("DescribeBackupPlanList").rows
    assert (row["BackupPlanStatus"], row["BackupPeriod"]) == ("locked", "MONDAY")


def test_the_regions_can_be_chosen(dbs_emulator, call):
    dbs_emulator.configure(regions=["cn-hangzhou"])
    assert call("DescribeRegions").json["Regions"] == {"RegionCode": ["cn-hangzhou"]}


def test_cells_can_be_anything(dbs_emulator, plan_id, call):
    dbs_emulator.add_full_backup(
        plan_id,
        backup_size="580",
        BackupObjects=[{"DBName": "shop"}],
        FinishTime=FIRST,
        AddedByTheVendorLater={"x": 1},
        omit=["ErrMessage"],
    )
    (row,) = call("DescribeFullBackupList", {"BackupPlanId": plan_id}).rows
    assert (row["BackupSize"], row["BackupObjects"]) == ("580", '[{"DBName":"shop"}]')
    assert (row["FinishTime"], row["AddedByTheVendorLater"]) == (ms(FIRST), {"x": 1})
    assert "ErrMessage" not in row


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (
            lambda e: e.add_full_backup("dbsr179qz0001", backup_sise=1),
            "'backup_sise' is unknown; did you mean backup_size",
        ),
        (lambda e: e.add_full_backup("dbsnone"), "there is no backup plan 'dbsnone'"),
        (lambda e: e.add_full_backup("dbsr179qz0001", start=datetime(2026, 1, 1)), "has no time zone"),
        (lambda e: e.add_plan("dbsr179qz0001"), "exists already"),
        (lambda e: [e.add_full_backup("dbsr179qz0001", "twice") for _ in range(2)], "'twice' already"),
        (lambda e: e.set_status("nothing", "finish"), "there is no backup set 'nothing'"),
        (lambda e: e.configure(order="random"), "order='random' must be one of shuffled, newest, oldest"),
        (lambda e: e.configure(ordre="newest"), "setting 'ordre' is unknown"),
        (lambda e: e.add_full_backup("dbsr179qz0001", progression="slowly"), "progression 'slowly' must be one of"),
        (
            lambda e: e.add_full_backup("dbsr179qz0001", outcome="running"),
            "outcome 'running' must be one of finish, stop",
        ),
        (lambda e: e.add_full_backup("dbsr179qz0001", durations={"walking": 1}), "'walking' must be one of"),
    ],
)
def test_a_mistake_of_the_test_itself_is_named(dbs_emulator, plan_id, add, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        add(dbs_emulator)
