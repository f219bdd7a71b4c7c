# SPDX-License-Identifier: Apache-2.0
"""The watch of a plan under Airflow 3.3's own runner: each finished backup is one event, whatever happens between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from airflow.sdk import Asset

from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.triggers.announced import STORE_KEY
from tests.assets.conftest import PLAN, REGION, Airflow, Looks, Triggerer, until, watched_asset

pytest.importorskip("airflow.triggers.shared_stream", reason="shared streams and the state store came with 3.3")

Start = Callable[..., Triggerer]
NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture
def plan(dbs: Emulator, connect: Callable[..., None]) -> Emulator:
    """A plan with one backup of yesterday."""
    connect(**dbs.airflow_connection(max_calls_per_second=0, max_attempts=1))
    dbs.add_plan(PLAN)
    dbs.add_full_backup(PLAN, "old", start=NOW - 25 * HOUR, end=NOW - 24 * HOUR)
    return dbs


@pytest.fixture
def asset() -> Asset:
    return watched_asset()


async def test_a_backup_that_finishes_is_one_event(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    plan.add_full_backup(PLAN, "tonight", status="running", start=NOW - HOUR, size=4711)
    triggerer(asset)
    await looks.more()
    assert airflow.events == [], "what had finished before the watch began is not announced"

    plan.set_status("tonight", "finish", end=NOW)
    await until(lambda: airflow.events)
    await looks.more()
    record = {
        "backup_plan_id": PLAN,
        "region_id": REGION,
        "backup_set_id": "tonight",
        "start_time": iso(NOW - HOUR),
        "end_time": iso(NOW),
        "backup_set_expired_time": iso(NOW - HOUR + timedelta(days=7)),
        "backup_size": 4711,
        "storage_method": "Standard",
        "backup_status": "finish",
    }
    assert airflow.events == [(f"dbs://{REGION}/{PLAN}", record)]


async def test_a_failed_backup_is_none(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    plan.add_full_backup(PLAN, "tonight", status="running", start=NOW - HOUR)
    triggerer(asset)
    await looks.more()
    plan.set_status("tonight", "stop")
    await looks.more()
    assert airflow.events == []


async def test_several_between_two_looks_come_in_the_order_of_their_ends(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    triggerer(asset)
    await looks.more()
    for name, start, minutes in (("c", 30, 1), ("a", 90, 3), ("b", 200, 2)):
        plan.add_full_backup(
            PLAN, name, start=NOW - timedelta(minutes=start), end=NOW - timedelta(minutes=minutes), size=1
        )
    await until(lambda: len(airflow.events) == 3)
    await looks.more()
    assert airflow.announced == ["a", "b", "c"]


async def test_a_backup_listed_late_is_announced_within_48_hours(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    first = triggerer(asset)
    await looks.more()
    plan.add_full_backup(PLAN, "newest", start=NOW - HOUR, end=NOW)
    await until(lambda: airflow.announced == ["newest"])
    plan.add_full_backup(PLAN, "late", start=NOW - 48 * HOUR, end=NOW - 47 * HOUR)
    plan.add_full_backup(PLAN, "too late", start=NOW - 50 * HOUR, end=NOW - 49 * HOUR)
    await until(lambda: len(airflow.events) == 2)
    await looks.more()
    await first.kill()
    triggerer(asset)
    await looks.more()
    assert airflow.announced == ["newest", "late"]


async def test_an_end_in_the_future_is_not_believed_until_it_is_put_right(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset, told: Callable[[], list[str]]
) -> None:
    plan.add_full_backup(PLAN, "skewed", start=NOW - HOUR, end=NOW + 10 * HOUR)
    triggerer(asset)
    await looks.more()
    assert airflow.events == []
    because = f"Full backup skewed of plan {PLAN} is not announced: ends in the future, {iso(NOW + 10 * HOUR)}"
    assert told() == [because], "told once"

    plan.add_full_backup(PLAN, "sound", start=NOW - HOUR, end=NOW)
    await until(lambda: airflow.announced == ["sound"])
    plan.set_status("skewed", "finish", end=NOW - timedelta(minutes=5))
    await until(lambda: airflow.announced == ["sound", "skewed"])
    await looks.more()
    assert len(airflow.events) == 2


async def test_a_clock_a_little_ahead_is_believed(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    first = triggerer(asset)
    await looks.more()
    end = datetime.now(timezone.utc) + timedelta(minutes=2)
    plan.add_full_backup(PLAN, "ahead", start=NOW - HOUR, end=end)
    await until(lambda: airflow.announced == ["ahead"])
    plan.add_full_backup(PLAN, "next", start=NOW - HOUR, end=NOW)
    await until(lambda: airflow.announced == ["ahead", "next"])
    await looks.more()
    await first.kill()
    triggerer(asset)
    await looks.more()
    assert airflow.announced == ["ahead", "next"]


async def test_an_empty_backup_is_announced_once_its_size_is_known(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset, told: Callable[[], list[str]]
) -> None:
    triggerer(asset)
    await looks.more()
    plan.add_full_backup(PLAN, "tonight", start=NOW - HOUR, end=NOW, size=0)
    await looks.more()
    assert airflow.events == []
    assert told() == [f"Full backup tonight of plan {PLAN} is not announced: size 0 is below min_size=1"]
    plan.set_status("tonight", "finish", end=NOW, BackupSize=1)
    await until(lambda: airflow.announced == ["tonight"])


async def test_a_restart_repeats_nothing_and_misses_nothing(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    first = triggerer(asset)
    await looks.more()
    plan.add_full_backup(PLAN, "before", start=NOW - HOUR, end=NOW)
    await until(lambda: airflow.remembers(asset) == {"old", "before"})
    await first.kill()
    plan.add_full_backup(PLAN, "meanwhile", start=NOW - HOUR, end=NOW)
    triggerer(asset)
    await until(lambda: airflow.announced == ["before", "meanwhile"])
    await looks.more()
    assert airflow.announced == ["before", "meanwhile"]


async def test_a_watch_killed_before_its_first_backup_goes_on_from_its_baseline(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    first = triggerer(asset)
    await until(lambda: airflow.store)
    await first.kill()
    plan.add_full_backup(PLAN, "meanwhile", start=NOW - HOUR, end=NOW)
    triggerer(asset)
    await until(lambda: airflow.announced == ["meanwhile"])


async def test_an_event_that_never_reached_the_database_is_fired_again(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    first = triggerer(asset)
    await until(lambda: airflow.store)
    await looks.more()
    stored = airflow.store[asset.name]
    airflow.takes_events = False
    plan.add_full_backup(PLAN, "tonight", start=NOW - HOUR, end=NOW)
    await until(lambda: first.fired)
    await looks.more()
    assert airflow.store[asset.name] == stored, "nothing is remembered as announced before it is"
    assert first.fired == 1, "nor fired again while it is on its way"
    await first.kill()

    airflow.takes_events = True
    triggerer(asset)
    await until(lambda: airflow.announced == ["tonight"])
    await until(lambda: "tonight" in airflow.remembers(asset))
    await looks.more()
    assert airflow.announced == ["tonight"]


async def test_an_event_whose_confirmation_is_lost_is_repeated_once(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    """The event and the watermark are two writes: dying between them repeats one, with the same backup_set_id."""
    first = triggerer(asset)
    await looks.more()
    airflow.confirms_events = False
    plan.add_full_backup(PLAN, "tonight", start=NOW - HOUR, end=NOW)
    await until(lambda: airflow.announced == ["tonight"])
    await looks.more()
    await first.kill()
    airflow.confirms_events = True
    second = triggerer(asset)
    await until(lambda: "tonight" in airflow.remembers(asset))
    await second.kill()
    triggerer(asset)
    await looks.more()
    assert airflow.announced == ["tonight", "tonight"]


async def test_a_store_that_is_down_repeats_and_loses_nothing(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset, told: Callable[[], list[str]]
) -> None:
    first = triggerer(asset)
    await until(lambda: airflow.store)
    await first.kill()
    airflow.broken_store = ConnectionError
    plan.add_full_backup(PLAN, "meanwhile", start=NOW - HOUR, end=NOW)
    second = triggerer(asset)
    await looks.more()
    assert airflow.events == [], "without its memory the watch does not guess"
    name = f"Airflow's store of what was announced of {asset.uri}"
    assert told() == [
        f"{name} cannot be read, and nothing is announced until it can: ConnectionError('the store is down'). "
        "It belongs to one asset: make each with dbs_backup_asset()"
    ]
    airflow.broken_store = None
    await until(lambda: airflow.announced == ["meanwhile"])
    await until(lambda: "meanwhile" in airflow.remembers(asset))

    airflow.confirms_events = False
    plan.add_full_backup(PLAN, "later", start=NOW - HOUR, end=NOW)
    await until(lambda: airflow.announced == ["meanwhile", "later"])
    airflow.broken_store = ConnectionError
    second._runner._shared_streams.confirm_persisted(range(100))
    await until(lambda: [line for line in told() if line.startswith(f"{name} cannot be written; a restart now")])
    airflow.broken_store, airflow.confirms_events = None, True
    await until(lambda: "later" in airflow.remembers(asset))
    await looks.more()
    assert airflow.announced == ["meanwhile", "later"]


async def test_a_memory_that_somebody_has_spoilt_is_written_anew(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset, told: Callable[[], list[str]]
) -> None:
    airflow.store[asset.name] = {"end_time": "yesterday"}
    triggerer(asset)
    await until(lambda: airflow.remembers(asset))
    assert [line for line in told() if "holds no watermark of this provider and is written anew" in line]
    plan.add_full_backup(PLAN, "tonight", start=NOW - HOUR, end=NOW)
    await until(lambda: airflow.announced == ["tonight"])


async def test_an_asset_under_another_name_has_its_memory_too(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    mine = Asset(name="mine", uri=asset.uri, watchers=asset.watchers)
    first = triggerer(mine)
    await until(lambda: airflow.store.keys() == {"mine"})
    await first.kill()
    plan.add_full_backup(PLAN, "meanwhile", start=NOW - HOUR, end=NOW)
    triggerer(mine)
    await until(lambda: airflow.announced == ["meanwhile"])


async def test_two_watchers_of_one_asset_announce_a_backup_once(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset, connect: Callable[..., None]
) -> None:
    connect("other", **plan.airflow_connection(max_calls_per_second=0))
    asset.watchers += watched_asset(dbs_conn_id="other").watchers
    first = triggerer(asset)
    await looks.more(6)
    airflow.takes_events = False
    for name in ("one", "two"):
        plan.add_full_backup(PLAN, name, start=NOW - HOUR, end=NOW)
    await looks.more(6)
    assert first.fired == 2, "what one has fired and Airflow has not yet stored is not the other's to fire"
    airflow.takes_events = True
    await until(lambda: len(airflow.events) == 2)
    await looks.more(6)
    await first.kill()
    triggerer(asset)
    await looks.more(6)
    assert sorted(airflow.announced) == ["one", "two"]


async def test_the_other_watcher_announces_what_one_has_left_behind(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset, connect: Callable[..., None]
) -> None:
    connect("other", **plan.airflow_connection(max_calls_per_second=0))
    asset.watchers += watched_asset(dbs_conn_id="other").watchers
    process = triggerer(asset)
    await looks.more(6)
    airflow.takes_events = False
    plan.add_full_backup(PLAN, "tonight", start=NOW - HOUR, end=NOW)
    await until(lambda: process.fired == 1)
    await looks.more(6)
    (winner,) = [details for details in process._runner.triggers.values() if details["events"]]
    process._runner.events.clear()
    winner["task"].cancel()
    airflow.takes_events = True
    await until(lambda: airflow.announced == ["tonight"])


async def test_watchers_of_two_assets_share_the_listing_and_announce_to_both(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks
) -> None:
    first, second = watched_asset(region_id=None), watched_asset(region_id=None)
    second = Asset(name="mine", uri="dbs://cn-hangzhou/mine", watchers=second.watchers)
    triggerer(first, second)
    await looks.more()
    before = len(plan.calls)
    start = asyncio.get_running_loop().time()
    plan.add_full_backup(PLAN, "tonight", start=NOW - HOUR, end=NOW)
    await until(lambda: len(airflow.events) == 2)
    await asyncio.sleep(1)
    lasted = asyncio.get_running_loop().time() - start
    assert sorted(name for name, _ in airflow.events) == [first.name, "mine"]
    assert len(plan.calls) - before <= lasted / 0.05 + 2, "one listing per interval, not one per watcher"


@pytest.mark.parametrize(
    ("fault", "words"),
    [("forbidden", "Request.Forbidden"), ("throttle", "Throttling"), ("server_error", "")],
)
async def test_an_error_is_told_once_and_ends_nothing(
    plan: Emulator,
    airflow: Airflow,
    triggerer: Start,
    looks: Looks,
    asset: Asset,
    told: Callable[[], list[str]],
    fault: str,
    words: str,
) -> None:
    triggerer(asset)
    await looks.more()
    plan.add_fault(fault, times=None)
    await looks.more(4)
    name = f"The watch of plan {PLAN} through connection dbs_default"
    (line,) = told()
    assert line.startswith(f"{name} is hindered, and goes on trying: DescribeFullBackupList: {words}")
    plan.add_full_backup(PLAN, "tonight", start=NOW - HOUR, end=NOW)
    plan.clear_faults()
    await until(lambda: airflow.announced == ["tonight"])
    assert told() == [line, f"{name} is in order again"]


async def test_a_connection_defined_later_is_found(
    plan: Emulator,
    airflow: Airflow,
    triggerer: Start,
    connect: Callable[..., None],
    told: Callable[[], list[str]],
) -> None:
    asset = watched_asset(dbs_conn_id="later")
    triggerer(asset)
    await until(told)
    await asyncio.sleep(0.5)
    (line,) = told()
    assert "is hindered, and goes on trying: connection 'later' is not defined" in line
    connect("later", **plan.airflow_connection())
    await until(lambda: airflow.store)


async def test_a_plan_that_does_not_exist_is_told(
    dbs: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset, told: Callable[[], list[str]]
) -> None:
    triggerer(asset)
    await looks.more(6)
    (line,) = told()
    assert f"DBS does not know plan {PLAN} in region {REGION}: check backup_plan_id" in line
    dbs.add_plan(PLAN)
    dbs.add_full_backup(PLAN, "first", start=NOW - HOUR, end=NOW)
    await until(lambda: airflow.announced == ["first"])


async def test_the_memory_can_be_read_by_a_person(
    plan: Emulator, airflow: Airflow, triggerer: Start, looks: Looks, asset: Asset
) -> None:
    triggerer(asset)
    await looks.more()
    # Later than the watch's own beginning, which would be remembered as the end otherwise.
    end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=90)
    plan.add_full_backup(PLAN, "tonight", start=NOW - HOUR, end=end)
    await until(lambda: "tonight" in airflow.remembers(asset))
    assert STORE_KEY == "announced_full_backups"
    ends = {"old": iso(NOW - 24 * HOUR), "tonight": iso(end)}
    assert airflow.store == {asset.name: {"end_time": ends["tonight"], "seen": ends}}
