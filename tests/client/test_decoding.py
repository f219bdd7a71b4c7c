# SPDX-License-Identifier: Apache-2.0
"""Bytes → rows: the published samples, cells that drifted, shapes that nobody promised."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_dbs.client.decoding import as_number, decode_envelope, decode_rows, decode_texts
from airflow_provider_dbs.client.errors import DbsResponseError
from airflow_provider_dbs.models import (
    BackupPlan,
    FullBackup,
    FullBackupStatus,
    IncrementalBackup,
    IncrementalBackupStatus,
)

GOOD = {"BackupSetId": "1abc", "BackupStatus": "finish", "StartTime": 1_676_887_100_000}


def rows(*cells: dict[str, Any], row_type: type = FullBackup, name: str = "FullBackupFile") -> list[Any]:
    return decode_rows(msgspec.Raw(json.dumps({name: list(cells)}).encode()), name, row_type) or []


def items(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


# -- the published samples ------------


def test_full_backup_sample(sample: Callable[[str], bytes]) -> None:
    envelope = decode_envelope(sample("describe_full_backup_list"))
    assert envelope.success is True
    assert (envelope.total_elements, envelope.page_size, envelope.http_status_code) == (1, 10, 200)
    assert envelope.request_id == "636BC118-6080-4119-A6B5-C199CEC1037D"
    (backup,) = decode_rows(envelope.items, "FullBackupFile", FullBackup) or []
    assert backup == FullBackup(
        backup_set_id="1iukx5h******",
        backup_status=FullBackupStatus.FINISH,
        create_time_ms=1676886947000,
        start_time_ms=1676887100000,
        end_time_ms=1676887128000,
        finish_time_ms=1676887128000,
        backup_set_expired_time_ms=1677491900000,
        backup_size=580,
        storage_method="Standard",
        err_message=None,
        backup_objects_raw=r"[{\"DBName\":\"test\"}]",
        source_endpoint_ip_port="121.XXX.XXX.144:3306",
    )
    assert backup.backup_objects == [{"DBName": "test"}]
    assert backup.start_time == datetime(2023, 2, 20, 9, 58, 20, tzinfo=timezone.utc)
    assert backup.backup_set_expired_time == datetime(2023, 2, 27, 9, 58, 20, tzinfo=timezone.utc)


def test_incremental_backup_sample(sample: Callable[[str], bytes]) -> None:
    envelope = decode_envelope(sample("describe_increment_backup_list"))
    (segment,) = decode_rows(envelope.items, "IncrementBackupFile", IncrementalBackup) or []
    assert segment == IncrementalBackup(
        backup_set_id="mysql-bin.00****",
        backup_set_job_id="1hv5g9wk4****",
        backup_status=IncrementalBackupStatus.FILLING,
        start_time_ms=1648433764000,
        end_time_ms=1648434713000,
        backup_set_expired_time_ms=1711506719000,
        backup_size=18535,
        storage_method="Standard",
        source_endpoint_ip_port="172.1XX.103.1:4XXX",
    )


@pytest.mark.property
def test_body_cut_off_anywhere_is_an_error_that_may_pass(sample: Callable[[str], bytes]) -> None:
    for name in ("describe_full_backup_list", "describe_increment_backup_list"):
        body = sample(name).rstrip()
        for cut in range(len(body)):
            with pytest.raises(DbsResponseError) as caught:
                decode_envelope(body[:cut])
            assert caught.value.retryable


@pytest.mark.property
def test_damaged_bytes_raise_nothing_else(sample: Callable[[str], bytes]) -> None:
    body = sample("describe_full_backup_list").rstrip()

    @given(st.integers(0, len(body)), st.integers(0, 8), st.binary(max_size=4))
    def damage(start: int, length: int, patch: bytes) -> None:
        try:
            envelope = decode_envelope(body[:start] + patch + body[start + length :])
            decode_rows(envelope.items, "FullBackupFile", FullBackup)
        except DbsResponseError:
            pass

    damage()


# -- one cell out of order ------------


@pytest.mark.parametrize("value", ["", "-", "5.5", {}, [], True, "abc"], ids=repr)
def test_drifted_optional_number_becomes_none_with_one_warning(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    decoded = rows(
        GOOD,
        {**GOOD, "BackupSetId": "2abc", "BackupSize": value},
        {**GOOD, "BackupSetId": "3abc", "BackupSize": value},
        {**GOOD, "BackupSetId": "4abc", "BackupSize": "580"},
    )
    assert [(row.backup_set_id, row.backup_size) for row in decoded] == [
        ("1abc", None),
        ("2abc", None),
        ("3abc", None),
        ("4abc", 580),
    ]
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "2 cells of FullBackup" in warning.getMessage()
    assert 'FullBackupFile[1] ("2abc")' in warning.getMessage()


def test_drifted_text_and_flag_become_none() -> None:
    (row,) = rows({**GOOD, "StorageMethod": 7, "SourceEndpointEnableSsl": "perhaps", "SourceEndpointPort": "3306"})
    assert (row.storage_method, row.source_endpoint_enable_ssl, row.source_endpoint_port) == (None, None, 3306)


@pytest.mark.parametrize("nothing", [None, "", "-", "NULL", "null"])
def test_words_for_nothing_are_none(nothing: str | None) -> None:
    (row,) = rows({**GOOD, "ErrMessage": nothing, "StorageMethod": nothing, "EndTime": nothing, "BackupSize": nothing})
    assert (row.err_message, row.storage_method, row.end_time, row.backup_size) == (None,) * 4
    assert row.backup_set_id == "1abc"


def test_of_a_cell_that_comes_twice_the_last_counts(caplog: pytest.LogCaptureFixture) -> None:
    body = b'{"FullBackupFile":[{"BackupSetId":"1abc","BackupStatus":"finish","BackupSize":"-","BackupSize":580}]}'
    (row,) = decode_rows(msgspec.Raw(body), "FullBackupFile", FullBackup) or []
    assert row.backup_size == 580
    assert caplog.records == []


def test_numbers_and_flags_may_be_texts() -> None:
    (row,) = rows({**GOOD, "StartTime": "1676887100000", "BackupSize": "580", "SourceEndpointEnableSsl": "true"})
    assert (row.start_time_ms, row.backup_size, row.source_endpoint_enable_ssl) == (1_676_887_100_000, 580, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("BackupSetId", None),
        ("BackupSetId", ""),
        ("BackupSetId", "-"),
        ("BackupSetId", "NULL"),
        ("BackupSetId", 17),
        ("BackupStatus", None),
        ("BackupStatus", ""),
        ("BackupStatus", 5),
        ("StartTime", "yesterday"),
        ("StartTime", -1),
        ("StartTime", 10**17),
        ("EndTime", {}),
        ("EndTime", True),
    ],
)
def test_unreadable_id_status_or_time_names_row_and_field(field: str, value: Any) -> None:
    with pytest.raises(DbsResponseError) as caught:
        rows(GOOD, {**GOOD, field: value})
    assert "FullBackupFile[1]" in str(caught.value)
    assert field in str(caught.value)
    assert not caught.value.retryable


@pytest.mark.parametrize("field", ["BackupSetId", "BackupStatus"])
def test_missing_id_or_status_names_row_and_field(field: str) -> None:
    cells = {name: value for name, value in GOOD.items() if name != field}
    with pytest.raises(DbsResponseError, match=rf"FullBackupFile\[1\].* has no {field}"):
        rows(GOOD, cells)


def test_a_plans_error_names_the_plan() -> None:
    with pytest.raises(DbsResponseError, match=r'BackupPlanDetail\[0\] \("dbs1"\) has no BackupPlanStatus'):
        rows({"BackupPlanId": "dbs1"}, row_type=BackupPlan, name="BackupPlanDetail")


def test_field_that_comes_later_is_ignored() -> None:
    (row,) = rows({**GOOD, "NewField": {"a": 1}, "BackupSize": ""})
    assert row.backup_set_id == "1abc"


@pytest.mark.parametrize("text", [b"\xff", rb"\ud800", rb"\x", b"\n"])
def test_text_that_is_no_unicode_is_no_json(text: bytes) -> None:
    body = b'{"Success":true,"Items":{"FullBackupFile":[{"BackupSetId":"1abc","ErrMessage":"' + text + b'"}]}}'
    with pytest.raises(DbsResponseError, match=r"no JSON|cut off"):
        decode_envelope(body)


_ODD = st.sampled_from([None, True, 7, -1, 2**70, 1.5, "", "-", "NULL", "7", "x", {}, [], [[1]]])


@pytest.mark.property
@given(st.lists(st.fixed_dictionaries({}, optional={"BackupSize": _ODD, "ErrMessage": _ODD, "CrossAliyunId": _ODD})))
def test_no_row_is_dropped_whatever_its_optional_cells(cells: list[dict[str, Any]]) -> None:
    decoded = rows(*({**GOOD, "BackupSetId": f"set{i}", **row} for i, row in enumerate(cells)))
    assert [row.backup_set_id for row in decoded] == [f"set{i}" for i in range(len(cells))]


# -- Items of another shape ------------


@pytest.mark.parametrize(
    "value", [None, {}, [], "", "NULL", {"FullBackupFile": None}, {"FullBackupFile": ""}], ids=repr
)
def test_no_list(value: Any) -> None:
    assert decode_rows(items(value), "FullBackupFile", FullBackup) is None


@pytest.mark.parametrize(
    "value",
    [
        [GOOD],
        {"FullBackupFile": GOOD},
        {"FullBackupFile": "rows"},
        {"FullBackupFile": [GOOD, "row"]},
        {"FullBackupFile": [GOOD, None]},
        {"IncrementBackupFile": [GOOD]},
        "rows",
        5,
    ],
    ids=lambda value: repr(value)[:30],
)
def test_other_shape_is_an_error(value: Any) -> None:
    with pytest.raises(DbsResponseError):
        decode_rows(items(value), "FullBackupFile", FullBackup)


def test_texts() -> None:
    assert decode_texts(items({"RegionCode": ["cn-hangzhou"]}), "RegionCode") == ["cn-hangzhou"]
    for value in (None, {}, {"RegionCode": [1]}, {"RegionCode": None}, []):
        with pytest.raises(DbsResponseError, match="no list RegionCode"):
            decode_texts(items(value), "RegionCode")


@pytest.mark.parametrize("cell", ['""', '"-"', "{}", "null", '"many"'])
def test_cells_of_the_envelope_that_nothing_rests_on_may_drift(cell: str) -> None:
    body = '{"Success": true, "TotalElements": 1, "HttpStatusCode": CELL, "PageSize": CELL}'.replace("CELL", cell)
    envelope = decode_envelope(body.encode())
    assert envelope.success is True
    assert as_number(envelope.http_status_code) is as_number(envelope.page_size) is None


def test_numbers_of_the_envelope_may_come_as_texts() -> None:
    assert as_number(decode_envelope(b'{"HttpStatusCode": "400"}').http_status_code) == 400
