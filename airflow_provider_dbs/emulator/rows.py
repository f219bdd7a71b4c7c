# SPDX-License-Identifier: Apache-2.0
"""Wire rows: plain dicts under the API's own names, with the cells of the vendor's sample answers.

Sources: the pages DescribeFullBackupList, DescribeIncrementBackupList and DescribeBackupPlanList of API version
2019-03-06. Cells that only the generated SDK knows are accepted, never made up. Times are epoch milliseconds, sizes are
bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from airflow_provider_dbs.emulator.times import to_ms

Row = dict[str, Any]

FULL_CELLS = tuple(
    """
    BackupGatewayIdentifier BackupObjects BackupSetExpiredTime BackupSetId BackupSize BackupStatus CreateTime
    CrossAliyunId CrossRoleName EndTime ErrMessage FinishTime LogicalFullBackupProgress
    LogicalStructureBackupProgress SourceEndpointEnableSsl SourceEndpointHost SourceEndpointInstanceId
    SourceEndpointInstanceType SourceEndpointIpPort SourceEndpointPort SourceEndpointRegion SourceEndpointUserName
    StartTime StorageEncryptMethod StorageMethod
    """.split()
)
INCREMENTAL_CELLS = tuple(
    """
    BackupSetExpiredTime BackupSetId BackupSetJobId BackupSize BackupStatus EndTime SourceEndpointHost
    SourceEndpointInstanceId SourceEndpointInstanceType SourceEndpointIpPort SourceEndpointPort
    SourceEndpointRegion StartTime StorageMethod
    """.split()
)
PLAN_CELLS = tuple(
    """
    BackupGatewayId BackupGatewayIdentifier BackupMethod BackupObjects BackupPeriod BackupPlanCreateTime
    BackupPlanId BackupPlanName BackupPlanRegion BackupPlanStatus BackupRetentionPeriod BackupSetDownloadDir
    BackupSetDownloadFullDataFormat BackupSetDownloadGatewayId BackupSetDownloadIncrementDataFormat
    BackupSetDownloadTargetType BackupStartTime BackupStorageType BeginTimestampForRestore CrossAliyunId
    CrossRoleName DatabaseType DuplicationArchivePeriod DuplicationInfrequentAccessPeriod EnableBackupLog
    EnableMysqlPhysicalBackupBinLog EndTimestampForRestore ErrMessage IncrementBackupRetentionPeriod
    IncrementDuplicationArchivePeriod IncrementDuplicationInfrequentAccessPeriod InstanceChargeType InstanceClass
    InstanceExpiredTimestamp LogBackupRetentionPeriod LogDuplicationArchivePeriod
    LogDuplicationInfrequentAccessPeriod OSSBucketName OSSBucketRegion OpenBackupSetAutoDownload ResourceGroupId
    SourceEndpointDatabaseName SourceEndpointEnableSsl SourceEndpointHost SourceEndpointInstanceID
    SourceEndpointInstanceType SourceEndpointIpPort SourceEndpointOracleSID SourceEndpointPort
    SourceEndpointRegion SourceEndpointUserName StorageEncryptMethod
    """.split()
)

# A reserved documentation address (RFC 5737): nothing real can answer there.
_SOURCE_ADDRESS = "192.0.2.10:3306"
_OBJECTS = '[{"DBName":"orders"}]'
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def cells(given: Mapping[str, Any], known: tuple[str, ...]) -> Row:
    """Cells under the API's names: snake case is translated, datetimes become milliseconds.

    Names in the API's own style (``BackupSize``) pass even when unknown, so that a test can add what the vendor may add
    one day. Raises ValueError for any other unknown name.
    """
    by_snake = {_WORD_BREAK.sub("_", name).lower(): name for name in known}
    row: Row = {}
    for name, value in given.items():
        if name[:1].isupper():
            api_name = name
        elif name in by_snake:
            api_name = by_snake[name]
        else:
            near = get_close_matches(name, by_snake, 3)
            hint = (
                f"; did you mean {', '.join(near)}?" if near else "; use the API's names in snake case, or as they are"
            )
            raise ValueError(f"field {name!r} is unknown{hint}")
        if isinstance(value, datetime):
            value = to_ms(value)
        elif api_name == "BackupObjects" and isinstance(value, (list, dict)):
            value = json.dumps(value, separators=(",", ":"))
        row[api_name] = value
    return row


def plan_row(backup_plan_id: str, region: str, given: Mapping[str, Any]) -> Row:
    row: Row = {
        "BackupPlanId": backup_plan_id,
        "BackupPlanName": backup_plan_id,
        "BackupPlanStatus": "running",
        "BackupPlanRegion": region,
        "BackupMethod": "physical",
        "DatabaseType": "MySQL",
        "InstanceClass": "micro",
        "EnableBackupLog": True,
        "BackupPeriod": "MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY",
        "BackupStartTime": "02:00",
        "BackupRetentionPeriod": 7,
        "DuplicationInfrequentAccessPeriod": 180,
        "DuplicationArchivePeriod": 365,
        "BackupObjects": _OBJECTS,
        "BackupGatewayId": 0,
        "SourceEndpointIpPort": _SOURCE_ADDRESS,
        "SourceEndpointInstanceType": "other",
        "SourceEndpointRegion": region,
        "OSSBucketRegion": region,
        "ErrMessage": "NULL",
    }
    row.update(cells(given, PLAN_CELLS))
    return row
