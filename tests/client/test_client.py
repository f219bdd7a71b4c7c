# SPDX-License-Identifier: Apache-2.0
"""DbsClient's operations against the emulator: complete typed lists, filters, and the faults of lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_dbs.client import errors
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.models import BackupPlanStatus, FullBackupStatus

Clients = Callable[..., DbsClient]
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def backups(dbs_emulator: Emulator, plan: str) -> Callable[[int], list[str]]:
    """``backups(250)``: so many daily full backups, the newest first as the client sorts them."""

    def add(count: int) -> list[str]:
        return [dbs_emulator.add_full_backup(plan, start=NOON - DAY * i) for i in range(count)]

    return add


@pytest.fixture
def segments(dbs_emulator: Emulator, plan: str) -> Callable[[int], list[str]]:
    """``segments(24)``: so many hourly log segments, the newest first."""

    def add(count: int) -> list[str]:
        hour = timedelta(hours=1)
        return [
            dbs_emulator.add_incremental_backup(
                plan, f"mysql-bin.{count - i:06d}", start=NOON - hour * i, end=NOON - hour * (i - 1)
            )
            for i in range(count)
        ]

    return add


def ids(rows: list[Any]) -> list[str]:
    return [row.backup_set_id for row in rows]


# -- complete lists ------------


@pytest.mark.parametrize("order", ["shuffled", "newest", "oldest"])
@pytest.mark.parametrize("count", [0, 1, 100, 250])
async def test_every_full_backup_newest_first(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]], count: int, order: str
) -> None:
    dbs_emulator.configure(order=order)
    expected = backups(count)
    assert ids(await client().list_full_backups(plan)) == expected


LIST_QUIRKS: list[tuple[str, dict[str, Any]]] = [
    ("clamp_page_size", {"size": 30}),
    ("clamp_page_size", {"size": 50, "tells": False}),
    ("clamp_page_size", {"size": 20}),
    ("one_based_pages", {}),
    ("low_totals", {"total_elements": 1, "total_pages": 1}),
    ("low_totals", {"total_elements": 0, "total_pages": 0}),
    ("low_totals", {"total_elements": 7, "total_pages": 1}),
]


@pytest.mark.parametrize(("kind", "options"), LIST_QUIRKS)
@pytest.mark.parametrize("count", [7, 100, 250])
async def test_quirks_of_paging_do_not_shorten_a_list(
    dbs_emulator: Emulator,
    client: Clients,
    plan: str,
    backups: Callable[[int], list[str]],
    kind: str,
    options: dict[str, Any],
    count: int,
) -> None:
    expected = backups(count)
    dbs_emulator.add_fault(kind, times=None, **options)
    assert ids(await client().list_full_backups(plan)) == expected


@pytest.mark.parametrize(
    "kind", ["clamp_page_size", "one_based_pages", "low_totals", "throttle", "reset", "truncate", "html_error"]
)
async def test_fault_on_one_page_only(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]], kind: str
) -> None:
    expected = backups(250)
    dbs_emulator.add_fault(kind, skip=1)
    assert ids(await client().list_full_backups(plan)) == expected


async def test_backup_that_appears_between_two_pages(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    expected = backups(250)
    dbs_emulator.add_fault("shifting_pages", times=1)
    found = ids(await client().list_full_backups(plan))
    assert found[1:] == expected
    assert len(found) == 251


async def test_backups_that_appear_for_ever_are_an_error(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    backups(250)
    dbs_emulator.add_fault("shifting_pages", times=None)
    with pytest.raises(errors.DbsListingError, match="changed while it was read") as caught:
        await client().list_full_backups(plan)
    assert (caught.value.operation, caught.value.retryable) == ("DescribeFullBackupList", True)
    assert [call.parameters["PageNum"] for call in dbs_emulator.calls].count("0") == 8


async def test_backups_that_are_counted_and_never_come_are_an_error(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    backups(120)
    dbs_emulator.add_fault("lost_rows", times=None, rows=2)
    with pytest.raises(errors.DbsListingError, match="counts 120 rows, but 2 of them do not come"):
        await client().list_full_backups(plan)


async def test_pages_in_flight_are_bounded_and_share_their_connections(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    backups(730)
    dbs_emulator.configure(latency="20ms")
    assert len(await client(max_pages_in_flight=3).list_full_backups(plan)) == 730
    assert dbs_emulator.connections_opened <= 3


# -- Items of another shape ------------


@pytest.mark.parametrize(
    "shape", ["missing", "null", "empty_string", "inner_missing", "inner_null", "inner_empty_string"]
)
async def test_no_items_and_a_total_of_0_is_an_empty_list(
    dbs_emulator: Emulator, client: Clients, plan: str, shape: str
) -> None:
    dbs_emulator.add_fault("items_shape", shape=shape)
    assert await client().list_full_backups(plan) == []
    assert len(dbs_emulator.calls) == 1


@pytest.mark.parametrize(
    "shape", ["missing", "null", "empty_string", "inner_missing", "inner_null", "inner_empty_string"]
)
async def test_no_items_and_a_total_above_0_is_an_error(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]], shape: str
) -> None:
    backups(3)
    dbs_emulator.add_fault("items_shape", times=None, shape=shape)
    with pytest.raises(errors.DbsListingError, match="counts 3 rows, but 3 of them do not come"):
        await client().list_full_backups(plan)
    assert len(dbs_emulator.calls) == 2


async def test_no_items_once_is_made_up_for_by_the_second_look(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    expected = backups(3)
    dbs_emulator.add_fault("items_shape", times=1, shape="null")
    assert ids(await client().list_full_backups(plan)) == expected


@pytest.mark.parametrize("shape", ["list", "single"])
async def test_items_of_another_shape_are_an_error_of_the_operation(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]], shape: str
) -> None:
    backups(1)
    dbs_emulator.add_fault("items_shape", times=None, shape=shape)
    with pytest.raises(errors.DbsResponseError) as caught:
        await client().list_full_backups(plan)
    assert caught.value.operation == "DescribeFullBackupList"
    assert caught.value.request_id == dbs_emulator.calls[0].request_id


@pytest.mark.parametrize("total", [None, "", "many", -1])
async def test_answer_without_a_total_is_an_error(
    dbs_emulator: Emulator, client: Clients, plan: str, total: Any
) -> None:
    body = {"Success": True, "TotalElements": total, "Items": {"FullBackupFile": []}}
    dbs_emulator.add_fault("raw", body=body)
    with pytest.raises(errors.DbsResponseError):
        await client().list_full_backups(plan)


# -- odd cells ------------


async def test_odd_cell_costs_its_value_only(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    expected = backups(3)
    dbs_emulator.add_fault("odd_cells", cells={"BackupSize": "-", "ErrMessage": {"a": 1}}, rows=2, omit=["EndTime"])
    found = await client().list_full_backups(plan)
    assert ids(found) == expected
    assert sorted(row.backup_size is None for row in found) == [False, True, True]
    assert sorted(row.end_time is None for row in found) == [False, True, True]


@pytest.mark.parametrize("cells", [{"BackupSetId": ""}, {"BackupStatus": None}, {"StartTime": "noon"}])
async def test_odd_id_status_or_time_is_an_error(
    dbs_emulator: Emulator,
    client: Clients,
    plan: str,
    backups: Callable[[int], list[str]],
    cells: dict[str, Any],
) -> None:
    backups(3)
    dbs_emulator.add_fault("odd_cells", cells=cells, rows=1)
    with pytest.raises(
        errors.DbsResponseError, match=rf"DescribeFullBackupList: FullBackupFile\[0\].*{next(iter(cells))}"
    ):
        await client().list_full_backups(plan)


@pytest.mark.parametrize("unset", ["missing", "zero", "null"])
async def test_what_a_backup_has_not_reached_yet_is_none(
    dbs_emulator: Emulator, client: Clients, plan: str, unset: str
) -> None:
    dbs_emulator.configure(unset_cells=unset)
    dbs_emulator.add_full_backup(plan, status="schedule", created=NOON)
    (backup,) = await client().list_full_backups(plan)
    assert (backup.start_time, backup.end_time, backup.finish_time, backup.backup_set_expired_time) == (None,) * 4
    assert backup.placed_time == backup.create_time == NOON


async def test_unknown_status_is_kept_and_is_no_success(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    backups(2)
    dbs_emulator.add_fault("unknown_status", rows=1)
    found = {row.backup_status for row in await client().list_full_backups(plan)}
    assert found == {FullBackupStatus.FINISH, FullBackupStatus("archiving")}


@pytest.mark.parametrize(
    ("name", "operation"),
    [("describe_full_backup_list", "full"), ("describe_increment_backup_list", "incremental")],
)
async def test_published_samples(
    dbs_emulator: Emulator, client: Clients, plan: str, sample: Callable[[str], bytes], name: str, operation: str
) -> None:
    dbs_emulator.add_fault("raw", body=sample(name), times=None)
    (row,) = await getattr(client(), f"list_{operation}_backups")(plan)
    assert row.backup_status.is_known
    assert row.start_time is not None
    if operation == "full":
        assert row.backup_objects == [{"DBName": "test"}]


# -- start, end and the service's own filter ------------


async def test_start_and_end_are_applied_here(dbs_emulator: Emulator, client: Clients, plan: str) -> None:
    add = dbs_emulator.add_full_backup
    before = add(plan, start=NOON - timedelta(milliseconds=1))
    at_start = add(plan, start=NOON)
    inside = add(plan, start=NOON + timedelta(hours=3), end=NOON + DAY * 2)
    at_end = add(plan, start=NOON + DAY)
    scheduled_inside = add(plan, status="schedule", created=NOON + timedelta(hours=5))
    scheduled_after = add(plan, status="schedule", created=NOON + DAY * 2)
    nowhere = add(plan, status="schedule", omit=["CreateTime"])

    dbs = client()
    assert ids(await dbs.list_full_backups(plan, start=NOON, end=NOON + DAY)) == [
        nowhere,
        scheduled_inside,
        inside,
        at_start,
    ]
    assert ids(await dbs.list_full_backups(plan, start=NOON + DAY)) == [nowhere, scheduled_after, at_end]
    assert ids(await dbs.list_full_backups(plan, end=NOON)) == [nowhere, before]
    assert not any("StartTimestamp" in call.parameters for call in dbs_emulator.calls)


async def test_naive_times_are_refused_before_any_call(dbs_emulator: Emulator, client: Clients, plan: str) -> None:
    naive = datetime(2026, 11, 20)
    dbs = client()
    with pytest.raises(ValueError, match="end is 2026-11-20T00:00:00, which has no time zone"):
        await dbs.list_full_backups(plan, start=NOON, end=naive)
    with pytest.raises(ValueError, match="start is"):
        await dbs.list_incremental_backups(plan, start=naive)
    with pytest.raises(ValueError, match="end is"):
        await dbs.get_restore_ranges(plan, NOON, naive)
    assert dbs_emulator.calls == []


async def test_one_backup_set(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    _, second, _ = backups(3)
    assert ids(await client().list_full_backups(plan, backup_set_id=second)) == [second]


def filters(emulator: Emulator) -> list[tuple[str | None, str | None]]:
    return [
        (call.parameters.get("StartTimestamp"), call.parameters.get("EndTimestamp"))
        for call in emulator.calls
        if call.parameters["PageNum"] == "0"
    ]


def ms(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


async def test_segments_are_asked_for_with_a_margin_of_a_day(
    dbs_emulator: Emulator, client: Clients, plan: str, segments: Callable[[int], list[str]]
) -> None:
    expected = segments(90)
    window = {"start": NOON - timedelta(hours=3), "end": NOON}
    found = await client().list_incremental_backups(plan, **window)
    assert ids(found) == expected[1:4]
    assert filters(dbs_emulator) == [(ms(window["start"] - DAY), ms(NOON + DAY))]
    assert ids(await client().list_incremental_backups(plan)) == expected
    assert ids(await client().list_incremental_backups(plan, start=NOON)) == expected[:1]


async def test_silence_of_the_filter_is_checked_once(
    dbs_emulator: Emulator, client: Clients, plan: str, segments: Callable[[int], list[str]]
) -> None:
    segments(3)
    window = {"start": NOON - DAY * 9, "end": NOON - DAY * 8}
    dbs = client()
    assert await dbs.list_incremental_backups(plan, **window) == []
    asked = (ms(NOON - DAY * 10), ms(NOON - DAY * 7))
    proof = (ms(NOON - DAY), ms(NOON + DAY))
    assert filters(dbs_emulator) == [asked, (None, None), proof]
    assert await dbs.list_incremental_backups(plan, **window) == []
    assert filters(dbs_emulator)[3:] == [asked]


async def test_filter_in_another_unit_is_found_out_and_not_used_again(
    dbs_emulator: Emulator, client: Clients, plan: str, segments: Callable[[int], list[str]]
) -> None:
    expected = segments(3)
    dbs_emulator.configure(timestamp_unit="s")
    window = {"start": NOON - timedelta(hours=1), "end": NOON}
    assert ids(await client().list_incremental_backups(plan, **window)) == expected[1:2]
    assert len(filters(dbs_emulator)) == 3
    assert ids(await client().list_incremental_backups(plan, **window)) == expected[1:2]
    assert filters(dbs_emulator)[3:] == [(None, None)]


@pytest.mark.parametrize("unit", [None, "ms", "s"])
@pytest.mark.parametrize("service_unit", ["ms", "s"])
async def test_one_bound_proves_nothing_of_the_unit(
    dbs_emulator: Emulator,
    client: Clients,
    plan: str,
    segments: Callable[[int], list[str]],
    unit: str | None,
    service_unit: str,
) -> None:
    """A lone bound in the wrong unit lets everything through; that must not vouch for the next, empty answer."""
    expected = segments(3)
    dbs_emulator.configure(timestamp_unit=service_unit)
    dbs = client(timestamp_unit=unit)
    assert ids(await dbs.list_incremental_backups(plan, end=NOON)) == expected[1:]
    assert ids(await dbs.list_incremental_backups(plan, start=NOON)) == expected[:1]
    assert ids(await dbs.list_incremental_backups(plan, start=NOON, end=NOON + DAY)) == expected[:1]
    assert ids(await dbs.list_full_backups(plan, start=NOON, end=NOON + DAY)) == []


@pytest.mark.parametrize(
    ("unit", "sent"), [("ms", ms(NOON - DAY)), ("s", str(int((NOON - DAY).timestamp()))), ("none", None)]
)
@pytest.mark.parametrize("kind", ["full", "incremental"])
async def test_timestamp_unit_overrides_both_operations(
    dbs_emulator: Emulator, client: Clients, plan: str, unit: str, sent: str | None, kind: str
) -> None:
    await getattr(client(timestamp_unit=unit), f"list_{kind}_backups")(plan, start=NOON)
    assert filters(dbs_emulator)[0] == (sent, None)


async def test_plan_without_segments_is_asked_twice_each_time(
    dbs_emulator: Emulator, client: Clients, plan: str
) -> None:
    for _ in range(2):
        assert await client().list_incremental_backups(plan, start=NOON) == []
    assert filters(dbs_emulator) == [(ms(NOON - DAY), None), (None, None)] * 2


async def test_bounds_at_the_ends_of_time(
    dbs_emulator: Emulator, client: Clients, plan: str, segments: Callable[[int], list[str]]
) -> None:
    expected = segments(3)
    first, last = datetime.min.replace(tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc)
    assert ids(await client().list_incremental_backups(plan, start=first, end=last)) == expected
    assert filters(dbs_emulator)[0][0] == "0"


async def test_log_names_that_repeat_are_different_segments(dbs_emulator: Emulator, client: Clients, plan: str) -> None:
    for start in (NOON, NOON + DAY):
        dbs_emulator.add_incremental_backup(plan, "mysql-bin.000001", start=start)
    dbs_emulator.add_incremental_backup(plan, "mysql-bin.000001", start=NOON, backup_set_job_id="1other")
    assert len(await client().list_incremental_backups(plan)) == 3


# -- plans, restore ranges, regions ------------


async def test_plans_by_id(dbs_emulator: Emulator, client: Clients) -> None:
    for i in range(150):
        dbs_emulator.add_plan(f"dbs{i:03d}", backup_plan_status="pause" if i % 2 else "running")
    dbs = client()
    assert [plan.backup_plan_id for plan in await dbs.list_backup_plans()] == [f"dbs{i:03d}" for i in range(150)]
    paused = await dbs.list_backup_plans(status=BackupPlanStatus.PAUSE)
    assert {plan.backup_plan_status for plan in paused} == {BackupPlanStatus.PAUSE}
    assert len(paused) == 75
    assert await dbs.list_backup_plans(region="eu-west-1") == []
    dbs_emulator.calls.clear()
    assert await dbs.list_backup_plans(backup_plan_ids=[]) == []
    assert dbs_emulator.calls == []


@pytest.mark.parametrize("unknown_plan", ["empty", "error"])
async def test_unknown_plans_are_not_in_the_list(dbs_emulator: Emulator, client: Clients, unknown_plan: str) -> None:
    dbs_emulator.configure(unknown_plan=unknown_plan)
    known = [f"dbs{i:03d}" for i in range(3)]
    for plan_id in known:
        dbs_emulator.add_plan(plan_id)
    found = await client().list_backup_plans(backup_plan_ids=["dbsnone", *known, known[0]])
    assert [plan.backup_plan_id for plan in found] == known
    assert await client().list_backup_plans(backup_plan_ids=["dbsnone"]) == []


async def test_plans_are_asked_for_in_batches(dbs_emulator: Emulator, client: Clients) -> None:
    plan_ids = [f"dbs{i:03d}" for i in range(230)]
    for plan_id in plan_ids:
        dbs_emulator.add_plan(plan_id)
    found = await client().list_backup_plans(backup_plan_ids=plan_ids)
    assert [plan.backup_plan_id for plan in found] == plan_ids
    assert {len(call.parameters["BackupPlanId"].split(",")) for call in dbs_emulator.calls} == {100, 30}


async def test_other_refusal_of_a_plan_is_an_error(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.add_fault("gateway_error", http_status=400, code="InvalidParameter")
    with pytest.raises(errors.DbsParameterError):
        await client().list_backup_plans(backup_plan_ids=["dbs1"])
    assert len(dbs_emulator.calls) == 1


async def test_unknown_plan_of_a_backup_list(dbs_emulator: Emulator, client: Clients) -> None:
    assert await client().list_full_backups("dbsnone") == []
    dbs_emulator.configure(unknown_plan="error")
    with pytest.raises(errors.DbsParameterError, match="InvalidParameterValid"):
        await client().list_full_backups("dbsnone")


async def test_restore_ranges(dbs_emulator: Emulator, client: Clients, plan: str) -> None:
    assert await client().get_restore_ranges(plan, NOON, NOON + DAY) == []
    dbs_emulator.set_restore_ranges(plan, [{"begin": NOON, "end": NOON + DAY}])
    (found,) = await client().get_restore_ranges(plan, NOON, NOON + DAY)
    assert (found.begin_timestamp_for_restore, found.end_timestamp_for_restore) == (NOON, NOON + DAY)
    assert dbs_emulator.calls[-1].parameters == {
        "BackupPlanId": plan,
        "BeginTimestampForRestore": ms(NOON),
        "EndTimestampForRestore": ms(NOON + DAY),
    }
    dbs_emulator.add_fault("items_shape", shape="list")
    with pytest.raises(errors.DbsResponseError, match="DescribeRestoreRangeInfo"):
        await client().get_restore_ranges(plan, NOON, NOON + DAY)


async def test_regions(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.configure(regions=["cn-hangzhou", "eu-west-1"])
    assert await client().list_regions() == ["cn-hangzhou", "eu-west-1"]
    dbs_emulator.add_fault("raw", body=json.dumps({"Success": True, "RequestId": "R1", "Regions": None}))
    with pytest.raises(errors.DbsResponseError, match=r"DescribeRegions: .*\(request id R1\)"):
        await client().list_regions()


async def test_hundreds_of_waiters_share_the_pool(
    dbs_emulator: Emulator, client: Clients, plan: str, backups: Callable[[int], list[str]]
) -> None:
    expected = backups(2)
    dbs = client()
    lists = await asyncio.gather(*(dbs.list_full_backups(plan) for _ in range(300)))
    assert all(ids(rows) == expected for rows in lists)
    assert dbs_emulator.connections_opened <= 16
