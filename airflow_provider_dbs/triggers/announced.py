# SPDX-License-Identifier: Apache-2.0
"""Which backups of an asset have been announced: remembered by Airflow with the asset, shared by its watchers."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

import msgspec
from airflow.sdk import Asset

from airflow_provider_dbs.judgement.finished import Watermark, news, not_believed, watch_from
from airflow_provider_dbs.models import FullBackup
from airflow_provider_dbs.triggers.hindrance import Hindrance

log = logging.getLogger(__name__)

# The key in the asset's state store, where a person can see it: GET /api/v2/assets/{id}/state-store.
STORE_KEY = "announced_full_backups"

_of_asset: WeakValueDictionary[Any, AnnouncedBackups] = WeakValueDictionary()


class AnnouncedBackups:
    """What has been announced of one asset.

    A backup is *claimed* by the watcher that announces it, and *settled* when its event is known to be in Airflow's
    database; only what is settled is stored. A process that dies in between announces it once more, and loses nothing.

    ``store``: the asset's accessor in Airflow's asset_state_store; None (before 3.3) remembers nothing beyond itself.
    While Airflow's store fails, nothing new is announced, and the log says so.
    """

    def __init__(self, store: Any | None, asset_uri: str) -> None:
        self._store = store
        self._hindrance = Hindrance(log, f"Airflow's store of what was announced of {asset_uri}")
        self._settled: Watermark | None = None
        self._stored: Watermark | None = None
        self._claims: dict[str, object] = {}

    async def claim_news(self, backups: Collection[FullBackup], as_of: datetime, watcher: object) -> list[FullBackup]:
        """The backups that ``watcher`` shall announce now.

        The first listing ever is where the watch begins: nothing in it is news.
        """
        mark = self._settled
        if mark is None or self._news(backups, as_of, mark):
            try:
                # Another triggerer may have announced since, for another watcher of the asset; news are rare.
                stored = await self._load()
            except Exception as error:
                self._hindrance.met(
                    ("read", type(error)),
                    f"cannot be read, and nothing is announced until it can: {error!r}. It belongs to one asset: make "
                    "each with dbs_backup_asset()",
                )
                return []
            mark = self._learn(stored, backups, as_of)
        fresh = self._news(backups, as_of, mark)
        self._claims.update((full.backup_set_id, watcher) for full in fresh)
        return fresh

    def claimed_by(self, watcher: object) -> frozenset[str]:
        return frozenset(name for name, claimant in self._claims.items() if claimant is watcher)

    def doubts(self, backups: Collection[FullBackup], as_of: datetime) -> dict[str, str]:
        """Why backups that say ``finish`` are not announced, by backup set id."""
        return not_believed(backups, self._settled, as_of) if self._settled else {}

    async def settle(self, backups: Collection[FullBackup], claimed: Collection[str]) -> None:
        """The events of ``claimed``, ids among ``backups``, are in Airflow's database."""
        if self._settled is None:  # the store could not be read
            return
        claimed = [name for name in claimed if self._claims.pop(name, None)]
        if claimed:
            # With those announced before: the service may have moved their ends.
            known = {*claimed, *self._settled.seen}
            self._settled = self._settled.including(full for full in backups if full.backup_set_id in known)
        if self._store is not None and self._stored != self._settled:
            mark = self._settled
            try:
                await self._store.aset(STORE_KEY, mark.to_json())
            except Exception as error:
                self._hindrance.met(
                    ("write", type(error)),
                    f"cannot be written; a restart now would announce some again. The next look tries too: {error!r}",
                )
            else:
                self._stored = mark
                self._hindrance.over()

    def release(self, watcher: object) -> None:
        """The watcher ends: what it has claimed and not settled is anybody's."""
        for name in self.claimed_by(watcher):
            del self._claims[name]

    def _news(self, backups: Collection[FullBackup], as_of: datetime, mark: Watermark) -> list[FullBackup]:
        return [full for full in news(backups, mark, as_of) if full.backup_set_id not in self._claims]

    async def _load(self) -> Watermark | None:
        if self._store is None:
            return None
        plain = await self._store.aget(STORE_KEY)
        self._hindrance.over()
        try:
            self._stored = None if plain is None else Watermark.from_json(plain)
        except msgspec.ValidationError as error:
            log.error("%r holds no watermark of this provider and is written anew: %s", self._store, error)
            self._stored = None
        return self._stored

    def _learn(self, stored: Watermark | None, backups: Collection[FullBackup], as_of: datetime) -> Watermark:
        if self._settled is None:
            self._settled = stored or watch_from(backups, as_of)
        elif stored is not None:
            self._settled = self._settled.merged(stored)
        return self._settled


def announced_backups(store: Any | None, asset_uri: str) -> AnnouncedBackups:
    """The one of the asset in this process.

    ``store``: what Airflow gives a trigger (``asset_state_store``): the accessors of the assets that it watches.
    """
    if store is None:
        return AnnouncedBackups(None, asset_uri)
    try:
        of_asset = store[Asset.ref(name=asset_uri)]
    except KeyError:  # an asset of a user's own making, under another name
        return AnnouncedBackups(store, asset_uri)
    announced = _of_asset.get(of_asset)
    if announced is None:
        announced = _of_asset[of_asset] = AnnouncedBackups(of_asset, asset_uri)
    return announced
