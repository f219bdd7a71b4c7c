# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
import json
import pickle
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from alibabacloud_dbs20190306 import models as sdk
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_dbs.models import (
    BackupPlan,
    BackupPlanStatus,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
    Instant,
    RestoreRange,
    RestoreRangeBackup,
    Row,
    iso,
    parse_backup_objects,
)

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
ROWS: list[tuple[type[Row], str]] = [
    (FullBackup, "DescribeFullBackupListResponseBodyItemsFullBackupFile"),
    (IncrementalBackup, "DescribeIncrementBackupListResponseBodyItemsIncrementBackupFile"),
    (BackupPlan, "DescribeBackupPlanListResponseBodyItemsBackupPlanDetail"),
]


@pytest.mark.parametrize(("row_type", "sdk_name"), ROWS)
def test_every_field_of_the_vendors_sdk_is_read_under_its_name(row_type: type[Row], sdk_name: str) -> None:
    source = inspect.getsource(getattr(sdk, sdk_name).to_map)
    sdk_fields = set(re.findall(r"result\['(\w+)'\]", source))
    assert {field.encode_name for field in msgspec.structs.fields(row_type)} == sdk_fields


@pytest.mark.parametrize("row_type", [FullBackup, IncrementalBackup, BackupPlan, RestoreRange, RestoreRangeBackup])
def test_every_time_is_an_instant(row_type: type[Row]) -> None:
    times = [name.removesuffix("_ms") for name in row_type.__struct_fields__ if name.endswith("_ms")]
    assert times
    assert all(isinstance(getattr(row_type, name), Instant) for name in times)
    # Numbers of the API that are times all go by one of these names.
    for field in msgspec.structs.fields(row_type):
        if re.search(r"(Time|Timestamp\w*)$", field.encode_name) and field.encode_name != "BackupStartTime":
            assert field.name.endswith("_ms"), field.name


def full(**cells: Any) -> FullBackup:
    return FullBackup(**{"backup_set_id": "1abc", "backup_status": FullBackupStatus.FINISH, **cells})


@pytest.mark.parametrize(
    ("delivered", "read"),
    [
        (None, None),
        (0, None),
        (1_676_887_100_123, datetime(2023, 2, 20, 9, 58, 20, 123_000, tzinfo=timezone.utc)),
        (1_676_887_100, datetime(2023, 2, 20, 9, 58, 20, tzinfo=timezone.utc)),
        (10**11 - 1, EPOCH + timedelta(seconds=10**11 - 1)),
        (10**11, EPOCH + timedelta(milliseconds=10**11)),
        (253_402_300_799_999, datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=timezone.utc)),
    ],
)
def test_milliseconds_become_aware_utc(delivered: int | None, read: datetime | None) -> None:
    backup = full(start_time_ms=delivered)
    assert backup.start_time == read
    assert backup.start_time_ms == delivered
    if read is not None:
        assert backup.start_time is not None
        assert backup.start_time.utcoffset() == timedelta(0)


@pytest.mark.property
@settings(deadline=None)
@given(st.integers(0, 253_402_300_799_999))
def test_no_time_is_rounded(delivered: int) -> None:
    read = full(end_time_ms=delivered).end_time
    unit = timedelta(seconds=1) if delivered < 10**11 else timedelta(milliseconds=1)
    assert (read is None) == (delivered == 0)
    assert read is None or (read - EPOCH) / unit == delivered


def test_where_a_backup_stands_and_when_it_is_complete() -> None:
    assert full().placed_time is None
    assert full().completed_time is None
    assert full(create_time_ms=1_000_000_000_000).placed_time == EPOCH + timedelta(seconds=10**9)
    started = full(create_time_ms=1_000_000_000_000, start_time_ms=1_000_000_001_000)
    assert started.placed_time == started.start_time
    assert full(finish_time_ms=1_000_000_000_000).completed_time == EPOCH + timedelta(seconds=10**9)
    done = full(end_time_ms=1_000_000_002_000, finish_time_ms=1_000_000_003_000)
    assert done.completed_time == done.end_time
    segment = IncrementalBackup(
        backup_set_id="mysql-bin.000001",
        backup_set_job_id="1log",
        backup_status=IncrementalBackupStatus.FILLING,
        start_time_ms=1_000_000_000_000,
    )
    assert segment.placed_time == segment.start_time == EPOCH + timedelta(seconds=10**9)


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ('[{"DBName":"orders"}]', [{"DBName": "orders"}]),
        (r"[{\"DBName\":\"test\"}]", [{"DBName": "test"}]),
        ("orders, customers", "orders, customers"),
        ("[{", "[{"),
        ("NaN", "NaN"),
        ("[" * 100_000, "[" * 100_000),
        (None, None),
        ("", None),
        (" ", None),
        ("-", None),
        ("NULL", None),
        ("null", None),
        ([{"DBName": "orders"}], [{"DBName": "orders"}]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_backup_objects_are_parsed_when_they_can_be(text: Any, objects: Any) -> None:
    assert parse_backup_objects(text) == objects
    assert full(backup_objects_raw=text).backup_objects == objects
    plan = BackupPlan(backup_plan_id="dbs1", backup_plan_status=BackupPlanStatus.RUNNING, backup_objects_raw=text)
    assert plan.backup_objects == objects


@pytest.mark.property
@settings(deadline=None)
@given(st.text())
def test_backup_objects_never_raise(text: str) -> None:
    json.dumps(parse_backup_objects(text), allow_nan=False)


def test_row_as_plain_json_values() -> None:
    backup = full(
        backup_status=FullBackupStatus("archiving"),
        start_time_ms=1_676_887_100_000,
        end_time_ms=1_676_887_128_500,
        backup_size=580,
        backup_objects_raw='[{"DBName":"orders"}]',
        source_endpoint_enable_ssl=True,
    )
    plain = backup.as_dict()
    assert plain["backup_set_id"] == "1abc"
    assert plain["backup_status"] == "archiving"
    assert type(plain["backup_status"]) is str
    assert plain["start_time"] == "2023-02-20T09:58:20Z"
    assert plain["end_time"] == "2023-02-20T09:58:48.500Z"
    assert plain["finish_time"] is None
    assert plain["backup_objects"] == [{"DBName": "orders"}]
    assert not [name for name in plain if name.endswith(("_ms", "_raw"))]
    assert json.loads(json.dumps(plain)) == plain


def test_restore_range_as_plain_json_values() -> None:
    row = {
        "RangeType": "point",
        "BeginTimestampForRestore": 1_676_887_128_000,
        "EndTimestampForRestore": "1676887128000",
        "SourceEndpointInstanceID": "rm-1",
        "FullBackupList": {"FullBackupDetail": [{"BackupSetId": "1abc", "StartTime": 1_676_887_100_000}]},
    }
    point = msgspec.convert(row, RestoreRange, strict=False)
    (backup,) = point.full_backup_list
    assert backup.start_time == datetime(2023, 2, 20, 9, 58, 20, tzinfo=timezone.utc)
    assert point.begin_timestamp_for_restore == point.end_timestamp_for_restore
    assert point.source_endpoint_instance_id == "rm-1"
    plain = json.loads(json.dumps(point.as_dict()))
    assert plain["full_backup_list"] == [
        {"backup_set_id": "1abc", "start_time": "2023-02-20T09:58:20Z", "end_time": None}
    ]


@pytest.mark.parametrize("listed", [None, {}, {"FullBackupDetail": None}, {"FullBackupDetail": []}])
def test_range_without_full_backups(listed: Any) -> None:
    row = {"RangeType": "range", "FullBackupList": listed}
    assert msgspec.convert(row, RestoreRange, strict=False).full_backup_list == []


def test_iso_is_utc() -> None:
    east = timezone(timedelta(hours=8))
    assert iso(datetime(2026, 11, 21, 10, 0, tzinfo=east)) == "2026-11-21T02:00:00Z"
    assert iso(datetime(2026, 11, 21, 2, 0, 0, 1_000, tzinfo=timezone.utc)) == "2026-11-21T02:00:00.001Z"


def test_rows_are_immutable_and_survive_pickling() -> None:
    backup = full(start_time_ms=1_676_887_100_000, backup_status=FullBackupStatus("archiving"))
    assert pickle.loads(pickle.dumps(backup)) == backup
    with pytest.raises(AttributeError):
        backup.backup_set_id = "other"  # type: ignore[misc]
