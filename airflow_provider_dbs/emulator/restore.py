# SPDX-License-Identifier: Apache-2.0
"""To which points the emulated service says a plan can be restored (DescribeRestoreRangeInfo)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_dbs.emulator.rows import Row
from airflow_provider_dbs.emulator.times import to_ms

_IDLE_MS = 60_000
_NUMBERED = re.compile(r"(.*\.)(\d+)")


def restore_ranges(full_backups: Iterable[Row], incremental_backups: Iterable[Row], now_ms: int) -> list[Row]:
    """A ``range`` from the end of each finished full backup to the end of the completed logs that follow it without a
    break, a ``point`` where no log goes on from it.
    """
    logs = sorted(
        (row for row in incremental_backups if row.get("BackupStatus") == "COMPLETED" and _alive(row, now_ms)),
        key=lambda row: (int(row["StartTime"]), int(row["EndTime"])),
    )
    fulls = (row for row in full_backups if row.get("BackupStatus") == "finish" and _alive(row, now_ms))
    found: list[Row] = []
    for full in sorted(fulls, key=lambda row: int(row["EndTime"])):
        begin = int(full["EndTime"])
        end = _end_of_logs(logs, begin)
        if end > begin:
            if found and found[-1]["RangeType"] == "range" and begin <= found[-1]["EndTimestampForRestore"]:
                found[-1]["EndTimestampForRestore"] = max(end, found[-1]["EndTimestampForRestore"])
            else:
                found.append(_range("range", begin, end, []))
        elif not found or begin > found[-1]["EndTimestampForRestore"]:
            detail = {"BackupSetId": full["BackupSetId"], "StartTime": full["StartTime"], "EndTime": begin}
            found.append(_range("point", begin, begin, [detail]))
    return found


def _end_of_logs(logs: Sequence[Row], begin: int) -> int:
    """The end of the unbroken logs that contain ``begin``; ``begin`` itself when there are none."""
    last: Row | None = None
    reached = begin
    for log in logs:
        if last is None:
            if int(log["StartTime"]) <= begin < int(log["EndTime"]):
                last, reached = log, int(log["EndTime"])
        elif not _follows(last, log, reached):
            break
        else:
            last, reached = log, max(reached, int(log["EndTime"]))
    return reached


def _follows(last: Row, log: Row, reached: int) -> bool:
    """Numbered logs follow by number, whatever the time between them; others by time."""
    before, after = _NUMBERED.fullmatch(last["BackupSetId"]), _NUMBERED.fullmatch(log["BackupSetId"])
    if before and after:
        return before[1] == after[1] and int(after[2]) - int(before[2]) in (0, 1)
    return int(log["StartTime"]) - reached <= _IDLE_MS


def _alive(row: Row, now_ms: int) -> bool:
    expires = row.get("BackupSetExpiredTime")
    complete = isinstance(row.get("StartTime"), int) and isinstance(row.get("EndTime"), int)
    return complete and (not expires or int(expires) > now_ms)


def _range(kind: str, begin: int, end: int, full_backups: list[Row]) -> Row:
    return {
        "RangeType": kind,
        "BeginTimestampForRestore": begin,
        "EndTimestampForRestore": end,
        "SourceEndpointInstanceType": "other",
        "SourceEndpointInstanceID": "",
        "FullBackupList": {"FullBackupDetail": full_backups},
    }


def explicit_range(given: Mapping[str, Any]) -> Row:
    """A range that a test sets: ``begin`` and ``end`` as aware datetimes; a wire row passes as it is."""
    if "BeginTimestampForRestore" in given:
        return dict(given)
    unknown = set(given) - {"begin", "end", "range_type", "full_backups"}
    if unknown or not {"begin", "end"} <= set(given):
        raise ValueError("a restore range has begin and end, and may have range_type and full_backups")
    kind = given.get("range_type", "range")
    return _range(kind, to_ms(given["begin"]), to_ms(given["end"]), list(given.get("full_backups", ())))
