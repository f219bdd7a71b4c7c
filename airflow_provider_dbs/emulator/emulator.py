# SPDX-License-Identifier: Apache-2.0
"""``Emulator``: the endpoint in a thread of its own, and everything a test does to it."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from airflow_provider_dbs.emulator import scenario as scenarios
from airflow_provider_dbs.emulator.app import build_app
from airflow_provider_dbs.emulator.backups import Kind, NewBackup
from airflow_provider_dbs.emulator.restore import explicit_range
from airflow_provider_dbs.emulator.server import Server
from airflow_provider_dbs.emulator.service import Call, Service
from airflow_provider_dbs.emulator.settings import Settings
from airflow_provider_dbs.emulator.signature import AccessKey
from airflow_provider_dbs.emulator.times import Clock, utc_now

ACCESS_KEY_ID = "emulator-access-key-id"
ACCESS_KEY_SECRET = "emulator-access-key-secret"  # noqa: S105 - opens nothing but this emulator


class Emulator:
    """A DBS endpoint on loopback.

    ``scenario`` is a file or a dict (see ``scenario.py``), ``port`` 0 takes a free one, ``latency`` delays every
    answer, ``tls`` serves HTTPS under an authority of its own (``ca_bundle``), ``now`` is the clock of the backups. Any
    field of ``Settings`` can be given by name. All methods may be called before ``start`` and from any thread.
    """

    def __init__(
        self,
        scenario: Path | str | Mapping[str, Any] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: timedelta = timedelta(0),
        tls: bool = False,
        now: Clock | None = None,
        access_key_id: str = ACCESS_KEY_ID,
        access_key_secret: str = ACCESS_KEY_SECRET,
        **settings: Any,
    ) -> None:
        self.tls = tls
        self.now: Clock = now or utc_now
        self.access_key_id, self.access_key_secret = access_key_id, access_key_secret
        self.service = Service(Settings().updated({"latency": latency, **settings}), self.now)
        self._server = Server(lambda: build_app(self), host, port)
        self._scenario = scenario
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._ca_bundle: Path | None = None
        self.reset()

    # -- running ------------

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen. Returns when calls can be made; raises OSError if the port is taken."""
        context: ssl.SSLContext | None = None
        if self.tls:
            from airflow_provider_dbs.emulator.tls import make_certificates

            self._directory = tempfile.TemporaryDirectory(prefix="dbs-emulator-")
            context, self._ca_bundle = make_certificates(Path(self._directory.name))
        self._server.start(context)

    def stop(self) -> None:
        """Close every connection, even those of stalled calls."""
        self._server.stop()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = self._ca_bundle = None

    # -- what a caller needs to know ------------

    @property
    def host(self) -> str:
        return self._server.host

    @property
    def port(self) -> int:
        """0 until the start, if a free one was asked for."""
        return self._server.port

    @property
    def connections_opened(self) -> int:
        """TCP connections accepted since the start or the last ``clear``."""
        return self._server.connections_opened

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def credentials_uri(self) -> str:
        """For the credential kind ``credentials_uri``: every GET gives a new short-lived key."""
        return f"{self.url}/_emulator/credentials"

    @property
    def ca_bundle(self) -> str:
        """The authority to trust with ``tls=True``; exists while the emulator runs."""
        if self._ca_bundle is None:
            raise RuntimeError("there is a CA bundle only with tls=True and after start()")
        return str(self._ca_bundle)

    def airflow_connection(self, **extra: Any) -> dict[str, Any]:
        """The connection to this emulator; ``json.dumps`` of it is a value for ``AIRFLOW_CONN_DBS_DEFAULT``."""
        transport: dict[str, Any] = {"protocol": "https" if self.tls else "http"}
        if self.tls:
            transport["ca_bundle"] = self.ca_bundle
        return {
            "conn_type": "alibabadbs",
            "login": self.access_key_id,
            "password": self.access_key_secret,
            "host": self.host,
            "port": self.port,
            "extra": {**transport, "region_id": "cn-hangzhou", **extra},
        }

    @property
    def calls(self) -> list[Call]:
        """The API calls received, refused ones included, in the order they arrived."""
        return self.service.calls

    @property
    def credentials_issued(self) -> int:
        """How often the credential source was asked."""
        return self.service.credentials_issued

    # -- settings, keys, faults ------------

    @property
    def settings(self) -> Settings:
        return self.service.settings

    def configure(self, **changes: Any) -> None:
        """Change settings by name. Raises ValueError that names an unknown setting or a wrong value."""
        self.service.settings = self.service.settings.updated(changes)

    def add_access_key(
        self,
        access_key_id: str,
        secret: str,
        security_token: str | None = None,
        expires: datetime | None = None,
    ) -> None:
        self.service.gatekeeper.add(access_key_id, AccessKey(secret, security_token, expires))

    def remove_access_key(self, access_key_id: str) -> None:
        self.service.gatekeeper.remove(access_key_id)

    def add_fault(
        self,
        kind: str,
        *,
        operation: str | None = None,
        backup_plan_id: str | None = None,
        times: int | None = 1,
        skip: int = 0,
        **options: Any,
    ) -> None:
        """The next ``times`` matching calls (None: all) after the first ``skip`` meet this fault.

        Kinds and their options: ``fault_kinds.py``.
        """
        self.service.faults.add(
            kind, operation=operation, backup_plan_id=backup_plan_id, times=times, skip=skip, **options
        )

    def clear_faults(self) -> None:
        self.service.faults.clear()

    def clear(self) -> None:
        """Forget plans, backups, faults, calls, keys and changed settings; the default access key stays."""
        self.service.clear()
        self._server.connections_opened = 0
        self.add_access_key(self.access_key_id, self.access_key_secret)

    def load(self, scenario: Path | str | Mapping[str, Any]) -> None:
        """Add the contents of a scenario. Raises ScenarioError that names the place of a mistake."""
        if isinstance(scenario, Mapping):
            scenarios.load(self, scenario)
        else:
            scenarios.load(self, scenarios.read(Path(scenario)), str(scenario))

    def reset(self) -> None:
        """As at the start: ``clear``, then the scenario that the emulator was made with."""
        self.clear()
        if self._scenario is not None:
            self.load(self._scenario)

    # -- plans and backups ------------

    def add_plan(self, backup_plan_id: str, *, region: str = "cn-hangzhou", **fields: Any) -> None:
        """A running plan with daily physical backups of MySQL unless ``fields`` say otherwise; they are the cells of
        DescribeBackupPlanList in snake case, e.g. ``backup_plan_status="pause"``.
        """
        self.service.store.add_plan(backup_plan_id, region, fields)

    def update_plan(self, backup_plan_id: str, **fields: Any) -> None:
        self.service.store.update_plan(backup_plan_id, fields)

    def add_full_backup(
        self,
        backup_plan_id: str,
        backup_set_id: str | None = None,
        *,
        status: str = "finish",
        start: datetime | None = None,
        end: datetime | None = None,
        created: datetime | None = None,
        size: int | None = None,
        expires: datetime | None = None,
        progression: str | None = None,
        outcome: str | None = None,
        durations: Mapping[str, Any] | None = None,
        omit: Iterable[str] = (),
        **cells: Any,
    ) -> str:
        """Returns the backup set id. What is not given is made up to fit the status; ``expires`` is start + 7 days.

        ``progression`` says how an unfinished backup goes on, ``outcome`` where it ends (``finish`` or ``stop``),
        ``durations`` how long its statuses last. ``cells`` overwrite what goes over the wire (``BackupSize="5"``),
        ``omit`` names cells to leave out.
        """
        new = NewBackup(
            status=status,
            start=start,
            end=end,
            created=created,
            expires=expires,
            size=size,
            progression=progression,
            outcome=outcome,
            durations=durations,
            omit=omit,
            cells=cells,
        )
        return self.service.store.add(Kind.FULL, backup_plan_id, backup_set_id, new)

    def add_incremental_backup(
        self,
        backup_plan_id: str,
        backup_set_id: str | None = None,
        *,
        backup_set_job_id: str | None = None,
        status: str = "COMPLETED",
        start: datetime | None = None,
        end: datetime | None = None,
        size: int | None = None,
        expires: datetime | None = None,
        progression: str | None = None,
        outcome: str | None = None,
        durations: Mapping[str, Any] | None = None,
        omit: Iterable[str] = (),
        **cells: Any,
    ) -> str:
        """A log segment; as ``add_full_backup``. All of a plan are one job's; ``expires`` is end + 730 days."""
        new = NewBackup(
            status=status,
            start=start,
            end=end,
            expires=expires,
            size=size,
            backup_set_job_id=backup_set_job_id,
            progression=progression,
            outcome=outcome,
            durations=durations,
            omit=omit,
            cells=cells,
        )
        return self.service.store.add(Kind.INCREMENTAL, backup_plan_id, backup_set_id, new)

    def set_status(
        self,
        backup_set_id: str,
        status: str,
        *,
        backup_plan_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        **cells: Any,
    ) -> None:
        """Move a backup; times that come with the status are now unless given.

        ``backup_plan_id`` is needed for an id that several plans share, such as a log's name.
        """
        self.service.store.set_status(
            backup_set_id, status, backup_plan_id=backup_plan_id, start=start, end=end, cells=cells
        )

    def advance(self, backup_set_id: str | None = None) -> int:
        """One step on, for one backup or for all: schedule → running → finish, INIT → FILLING → COMPLETED.

        Returns how many moved.
        """
        return self.service.store.advance(backup_set_id)

    def set_restore_ranges(self, backup_plan_id: str, ranges: Sequence[Mapping[str, Any]] | None) -> None:
        """What DescribeRestoreRangeInfo answers: ``[{"begin": datetime, "end": datetime}]``, or rows of its own.

        None: computed from the backups again.
        """
        rows = None if ranges is None else [explicit_range(item) for item in ranges]
        self.service.store.set_restore_ranges(backup_plan_id, rows)
