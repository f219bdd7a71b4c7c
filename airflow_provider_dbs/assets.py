# SPDX-License-Identifier: Apache-2.0
"""DAGs that start when a full backup finishes: an asset for a backup plan, and the backup that an event carries.

.. code-block:: python

    @dag(schedule=[dbs_backup_asset("dbsr179qz0001", region_id="cn-hangzhou")])
    def after_each_backup():
        @task
        def use(triggering_asset_events=None):
            for events in triggering_asset_events.values():
                for event in events:
                    print(backup_of(event)["backup_set_id"])

Airflow may start one run for several events, and may repeat an event: ``backup_set_id`` says which backup it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetWatcher

from airflow_provider_dbs.asset_uri import backup_asset_plan, backup_asset_uri

if TYPE_CHECKING:
    from airflow_provider_dbs.judgement.finished import BackupRecord

__all__ = ["attach_to_outlets", "backup_of", "dbs_backup_asset"]

POLL_INTERVAL = timedelta(seconds=60)


def dbs_backup_asset(
    backup_plan_id: str,
    dbs_conn_id: str = "dbs_default",
    region_id: str | None = None,
    poll_interval: timedelta | float = POLL_INTERVAL,
) -> Asset:
    """The full backups of a plan as an asset: each one that finishes and is usable is an event of it.

    :param backup_plan_id: the plan, e.g. ``dbsr179qz0001``. No template: Airflow reads it from the DAG file.
    :param dbs_conn_id: the Airflow connection through which the triggerer looks.
    :param region_id: the plan's region when it is not the connection's.
    :param poll_interval: how often the triggerer looks; a timedelta or seconds, at least 1.

    The asset is ``dbs://<region>/<plan>``, with the region ``default`` when none is given. Name it with the same
    arguments in every DAG, in ``outlets`` too: Airflow takes an asset's watcher from the DAG file that it read last.

    The watch begins when the first DAG that is scheduled on the asset is unpaused; what has finished by then is no
    event; a backup that the service lists up to 48 h late is one. From Airflow 3.3 on the watch goes on where it was
    after a restart of the triggerer or a pause of the DAGs (clear the asset's state store to begin anew). Before 3.3
    Airflow has no memory for a watch: it begins anew with each start, and what finishes in between is no event.

    Raises ValueError that names the argument.
    """
    from airflow_provider_dbs.judgement.goal import as_duration
    from airflow_provider_dbs.triggers.assets import SHORTEST_SECONDS, DbsBackupFinishedTrigger

    seconds = as_duration("poll_interval", poll_interval).total_seconds()
    if seconds < SHORTEST_SECONDS:
        raise ValueError(f"poll_interval={poll_interval!r} is too short: give at least {SHORTEST_SECONDS:g} second")
    uri = backup_asset_uri(backup_plan_id, region_id)
    trigger = DbsBackupFinishedTrigger(
        backup_plan_id=backup_plan_id, dbs_conn_id=dbs_conn_id, region_id=region_id, poll_interval=seconds
    )
    return Asset(name=uri, uri=uri, watchers=[AssetWatcher(name=f"finished backups of {uri}", trigger=trigger)])


def backup_of(event: Any) -> BackupRecord:
    """The backup that an asset event is about, however it came about.

    ``event``: one of ``triggering_asset_events`` or ``inlet_events``, or an event of Airflow's REST API as a dict. A
    watcher, a task with the asset in its outlets, and a person (``POST /api/v2/assets/events``) each put the record in
    another place. A key that the event does not have is None. Raises ValueError when it names no backup set.
    """
    from airflow_provider_dbs.judgement.finished import as_record

    extra = event.get("extra") if isinstance(event, Mapping) else getattr(event, "extra", None)
    record = extra.get("payload", extra) if isinstance(extra, Mapping) else None
    if not isinstance(record, Mapping) or not record.get("backup_set_id"):
        raise ValueError(
            f"this asset event carries no backup: its extra is {extra!r}, and a backup_set_id is needed in it. Was it "
            "created by hand, or by a task that did not attach its backup?"
        )
    return as_record(record)


def attach_to_outlets(backup: Mapping[str, Any], outlets: Iterable[Any], outlet_events: Any) -> None:
    """Let the events of a task's outlets carry the backup that the task has found, as a watcher's would.

    ``backup``: what a gate returns to XCom. Only assets of that backup's plan get it. ``outlets``: the task's;
    ``outlet_events``: the context's.
    """
    from airflow_provider_dbs.judgement.finished import as_record

    for asset in outlets:
        named = backup_asset_plan(asset.uri) if isinstance(asset, Asset) else None
        if named and named[0] == backup.get("backup_plan_id") and backup.get("backup_set_id"):
            outlet_events[asset].extra.update(as_record({"region_id": named[1], **backup}))
