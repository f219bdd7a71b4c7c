# SPDX-License-Identifier: Apache-2.0
"""What DBS knows: backup plans, full and incremental backups, restore ranges, and their statuses.

A row is decoded by msgspec straight from the body's bytes (see ``client/decoding.py``). Its fields carry the API's own
names in snake case. Every time is kept as delivered, in ``<name>_ms``, which is what an auditor wants to see, and read
as an aware UTC datetime through ``<name>``; the conversion on access keeps decoding a page as cheap as parsing it.

Sources: the pages DescribeFullBackupList (Dec 01, 2025) and DescribeIncrementBackupList (Jan 13, 2026); "SDK" marks
fields that only the generated SDK ``alibabacloud_dbs20190306`` knows: they are read when present and never required.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Annotated, Any, overload

import msgspec

from airflow_provider_dbs.statuses import BackupPlanStatus, FullBackupStatus, IncrementalBackupStatus

__all__ = [
    "BackupPlan",
    "BackupPlanStatus",
    "FullBackup",
    "FullBackupStatus",
    "IncrementalBackup",
    "IncrementalBackupStatus",
    "RestoreRange",
    "RestoreRangeBackup",
    "Row",
    "iso",
    "parse_backup_objects",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# The service delivers milliseconds everywhere; a value this small can only be seconds (as ms: before March 1973).
SECONDS_BELOW = 10**11

# An id that is missing, empty or a placeholder identifies nothing.
Identifier = Annotated[str, msgspec.Meta(min_length=1)]

# Milliseconds of an instant that datetime can hold; a negative or larger number is not a time.
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800_000)]


class Instant:
    """Reads the row's ``<name>_ms`` as an aware UTC datetime; 0 and null mean "not yet" and are None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._field = f"{name}_ms"

    @overload
    def __get__(self, row: None, owner: type) -> Instant: ...
    @overload
    def __get__(self, row: object, owner: type) -> datetime | None: ...
    def __get__(self, row: object | None, owner: type) -> Instant | datetime | None:
        if row is None:
            return self
        value = _milliseconds(getattr(row, self._field))
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


def _milliseconds(value: int | None) -> int | None:
    if not value:
        return None
    return value * 1000 if value < SECONDS_BELOW else value


_WIRE_EXCEPTIONS = {
    "oss_bucket_name": "OSSBucketName",
    "oss_bucket_region": "OSSBucketRegion",
    "source_endpoint_oracle_sid": "SourceEndpointOracleSID",
}


def _wire_name(field: str) -> str:
    """The API's name of a field: ``start_time_ms`` is ``StartTime``."""
    name = re.sub("_ms$|_raw$", "", field)
    return _WIRE_EXCEPTIONS.get(name) or "".join(word.capitalize() for word in name.split("_"))


class Row(msgspec.Struct, frozen=True, kw_only=True, rename=_wire_name):
    """A row of a DBS list. A field that the service adds later is ignored."""

    def as_dict(self) -> dict[str, Any]:
        """The row in plain JSON values: the API's names in snake case, times as ISO 8601 in UTC, enums as strings."""
        plain: dict[str, Any] = {}
        for field in self.__struct_fields__:
            name = re.sub("_ms$|_raw$", "", field)
            value = getattr(self, name)
            if isinstance(value, datetime):
                value = iso(value)
            elif isinstance(value, Enum):
                value = str(value)
            elif name == "full_backup_list":
                value = [backup.as_dict() for backup in value]
            plain[name] = value
        return plain


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, milliseconds only when there are any: ``2026-11-21T02:00:00Z``."""
    utc = moment.astimezone(timezone.utc)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")


class FullBackup(Row, frozen=True, kw_only=True):
    """One full backup job (``Items.FullBackupFile[]`` of DescribeFullBackupList).

    ``backup_set_id``, ``backup_status``: the identity of the backup set and the state of its job.
    ``create_time`` (job created), ``start_time`` (data read from here on; the set surely holds what was committed
    before), ``end_time`` and ``finish_time`` (the set is complete), ``backup_set_expired_time`` (the set is deleted):
    ms in the API, UTC here; unset while the job has not got there.
    ``backup_size``: no page states the unit; bytes by every sign. ``storage_method``: Standard, IA, Archive, UNKNOWN.
    ``err_message``: why the job failed; the service's "NULL" is None. ``source_endpoint_ip_port``: "host:port".
    SDK: ``logical_*_progress`` (percent), ``storage_encrypt_method``, ``source_endpoint_*``,
    ``backup_gateway_identifier``, ``cross_aliyun_id`` and ``cross_role_name`` (the account that is backed up).
    """

    backup_set_id: Identifier
    backup_status: FullBackupStatus
    create_time_ms: Milliseconds | None = None
    start_time_ms: Milliseconds | None = None
    end_time_ms: Milliseconds | None = None
    finish_time_ms: Milliseconds | None = None
    backup_set_expired_time_ms: Milliseconds | None = None
    backup_size: int | None = None
    storage_method: str | None = None
    err_message: str | None = None
    backup_objects_raw: Any = None
    source_endpoint_ip_port: str | None = None
    logical_full_backup_progress: int | None = None
    logical_structure_backup_progress: int | None = None
    storage_encrypt_method: str | None = None
    backup_gateway_identifier: str | None = None
    cross_aliyun_id: str | None = None
    cross_role_name: str | None = None
    source_endpoint_host: str | None = None
    source_endpoint_port: int | None = None
    source_endpoint_region: str | None = None
    source_endpoint_instance_id: str | None = None
    source_endpoint_instance_type: str | None = None
    source_endpoint_user_name: str | None = None
    source_endpoint_enable_ssl: bool | None = None

    create_time = Instant()
    start_time = Instant()
    end_time = Instant()
    finish_time = Instant()
    backup_set_expired_time = Instant()

    @property
    def backup_objects(self) -> Any:
        """``BackupObjects`` parsed from its JSON text; the text itself when it is no JSON, None when it is empty."""
        return parse_backup_objects(self.backup_objects_raw)

    @property
    def completed_time(self) -> datetime | None:
        """From here on the set can be used: EndTime, or FinishTime where the service gives no EndTime."""
        return self.end_time or self.finish_time

    @property
    def placed_time(self) -> datetime | None:
        """Where the backup stands in time: StartTime, or CreateTime while it has not started."""
        return self.start_time or self.create_time

    @property
    def placed_ms(self) -> int | None:
        """``placed_time`` in milliseconds, to sort by."""
        return _milliseconds(self.start_time_ms or self.create_time_ms)


class IncrementalBackup(Row, frozen=True, kw_only=True):
    """One log segment (``Items.IncrementBackupFile[]`` of DescribeIncrementBackupList).

    ``backup_set_id`` is the log file's name (``mysql-bin.000123``) and repeats after a RESET MASTER or a failover;
    ``backup_set_job_id`` is the long-lived job, so only both together with StartTime tell segments apart.
    ``start_time``, ``end_time`` (a moving high-water mark while FILLING), ``backup_set_expired_time``: ms in the API,
    UTC here. ``backup_size``, ``storage_method``, ``source_endpoint_ip_port``: as in FullBackup. SDK: the other
    ``source_endpoint_*``.
    """

    backup_set_id: Identifier
    backup_set_job_id: Identifier
    backup_status: IncrementalBackupStatus
    start_time_ms: Milliseconds | None = None
    end_time_ms: Milliseconds | None = None
    backup_set_expired_time_ms: Milliseconds | None = None
    backup_size: int | None = None
    storage_method: str | None = None
    source_endpoint_ip_port: str | None = None
    source_endpoint_host: str | None = None
    source_endpoint_port: int | None = None
    source_endpoint_region: str | None = None
    source_endpoint_instance_id: str | None = None
    source_endpoint_instance_type: str | None = None

    start_time = Instant()
    end_time = Instant()
    backup_set_expired_time = Instant()

    @property
    def placed_time(self) -> datetime | None:
        """Where the segment stands in time: its StartTime."""
        return self.start_time

    @property
    def placed_ms(self) -> int | None:
        """``placed_time`` in milliseconds, to sort by."""
        return _milliseconds(self.start_time_ms)


class BackupPlan(Row, frozen=True, kw_only=True):
    """One backup plan (``Items.BackupPlanDetail[]`` of DescribeBackupPlanList).

    ``backup_plan_id``, ``backup_plan_name``, ``backup_plan_status``; ``database_type`` (``MySQL``), ``instance_class``
    (``micro`` … ``xlarge``), ``resource_group_id``, ``source_endpoint_*`` (the database), ``oss_bucket_*`` (where its
    backups go), ``backup_plan_create_time`` (ms in the API, UTC here).
    ``backup_period``: weekdays, comma-separated, ``Monday`` or ``MONDAY``. ``backup_start_time``: "HH:mm", UTC.
    ``backup_method``: logical, physical or duplication. ``enable_backup_log``: whether incremental backups exist.
    ``*_retention_period``, ``duplication_*_period``: days. ``err_message``: the precheck's error, "NULL" is None.
    ``begin_timestamp_for_restore``, ``end_timestamp_for_restore``: what can be restored, ms in the API, UTC here;
    filled only when the call asks for it (ShowRecoverTimeRange). ``backup_gateway_id``: 0 means none.
    SDK: ``backup_plan_region``, ``instance_charge_type``, ``instance_expired_timestamp`` (a prepaid plan's end),
    ``increment_*`` and ``log_*`` (numbers that come as strings), ``storage_encrypt_method``, ``backup_set_download_*``.
    """

    backup_plan_id: Identifier
    backup_plan_status: BackupPlanStatus
    backup_plan_name: str | None = None
    backup_plan_region: str | None = None
    backup_plan_create_time_ms: Milliseconds | None = None
    backup_method: str | None = None
    backup_period: str | None = None
    backup_start_time: str | None = None
    backup_objects_raw: Any = None
    backup_storage_type: str | None = None
    backup_retention_period: int | None = None
    increment_backup_retention_period: int | None = None
    log_backup_retention_period: int | None = None
    duplication_infrequent_access_period: int | None = None
    duplication_archive_period: int | None = None
    increment_duplication_infrequent_access_period: int | None = None
    increment_duplication_archive_period: int | None = None
    log_duplication_infrequent_access_period: int | None = None
    log_duplication_archive_period: int | None = None
    begin_timestamp_for_restore_ms: Milliseconds | None = None
    end_timestamp_for_restore_ms: Milliseconds | None = None
    database_type: str | None = None
    enable_backup_log: bool | None = None
    enable_mysql_physical_backup_bin_log: bool | None = None
    instance_class: str | None = None
    instance_charge_type: str | None = None
    instance_expired_timestamp_ms: Milliseconds | None = None
    err_message: str | None = None
    resource_group_id: str | None = None
    oss_bucket_name: str | None = None
    oss_bucket_region: str | None = None
    storage_encrypt_method: str | None = None
    backup_gateway_id: int | None = None
    backup_gateway_identifier: str | None = None
    backup_set_download_dir: str | None = None
    backup_set_download_full_data_format: str | None = None
    backup_set_download_gateway_id: int | None = None
    backup_set_download_increment_data_format: str | None = None
    backup_set_download_target_type: str | None = None
    open_backup_set_auto_download: bool | None = None
    cross_aliyun_id: str | None = None
    cross_role_name: str | None = None
    source_endpoint_ip_port: str | None = None
    source_endpoint_host: str | None = None
    source_endpoint_port: int | None = None
    source_endpoint_region: str | None = None
    source_endpoint_instance_id: str | None = msgspec.field(default=None, name="SourceEndpointInstanceID")
    source_endpoint_instance_type: str | None = None
    source_endpoint_database_name: str | None = None
    source_endpoint_oracle_sid: str | None = None
    source_endpoint_user_name: str | None = None
    source_endpoint_enable_ssl: bool | None = None

    backup_plan_create_time = Instant()
    begin_timestamp_for_restore = Instant()
    end_timestamp_for_restore = Instant()
    instance_expired_timestamp = Instant()

    @property
    def backup_objects(self) -> Any:
        """``BackupObjects``, as in FullBackup."""
        return parse_backup_objects(self.backup_objects_raw)


class RestoreRangeBackup(Row, frozen=True, kw_only=True):
    """One full backup that a restore range rests on (``FullBackupList.FullBackupDetail[]``); times as in FullBackup."""

    backup_set_id: Identifier
    start_time_ms: Milliseconds | None = None
    end_time_ms: Milliseconds | None = None

    start_time = Instant()
    end_time = Instant()


class _RestoreRangeBackups(msgspec.Struct, frozen=True, rename="pascal"):
    full_backup_detail: list[RestoreRangeBackup] | None = None


class RestoreRange(Row, frozen=True, kw_only=True):
    """One range of DescribeRestoreRangeInfo (``Items.DBSRecoverRange[]``): what the service says can be restored.

    ``range_type``: ``range`` (any instant between begin and end) or ``point`` (only the instants of its full backups).
    ``begin_timestamp_for_restore``, ``end_timestamp_for_restore``: ms in the API, UTC here.
    """

    range_type: Identifier
    begin_timestamp_for_restore_ms: Milliseconds | None = None
    end_timestamp_for_restore_ms: Milliseconds | None = None
    source_endpoint_instance_id: str | None = msgspec.field(default=None, name="SourceEndpointInstanceID")
    source_endpoint_instance_type: str | None = None
    full_backup_list_raw: _RestoreRangeBackups | None = None

    begin_timestamp_for_restore = Instant()
    end_timestamp_for_restore = Instant()

    @property
    def full_backup_list(self) -> list[RestoreRangeBackup]:
        """The full backups of a ``point``; empty for a ``range``."""
        listed = self.full_backup_list_raw
        return (listed.full_backup_detail if listed else None) or []


def parse_backup_objects(text: Any) -> Any:
    """``BackupObjects`` from the wire: JSON text, the published sample's escaped JSON, or plain text kept as it is."""
    if not isinstance(text, str):
        return text
    if text.strip() in ("", "-", "NULL", "null"):
        return None
    for candidate in (text, text.replace('\\"', '"')):
        try:
            return msgspec.json.decode(candidate)
        except (msgspec.DecodeError, RecursionError):
            continue
    return text
