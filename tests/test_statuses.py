# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import pickle

import msgspec
import pytest

from airflow_provider_dbs.statuses import BackupPlanStatus, FullBackupStatus, IncrementalBackupStatus

# Lists, for members of two enums with the same text are equal.
SUCCESSFUL = [FullBackupStatus.FINISH, IncrementalBackupStatus.COMPLETED, BackupPlanStatus.RUNNING]
TERMINAL = [
    FullBackupStatus.FINISH,
    FullBackupStatus.STOP,
    IncrementalBackupStatus.COMPLETED,
    IncrementalBackupStatus.UNCOMPLETED,
    BackupPlanStatus.STOP,
    BackupPlanStatus.LOCKED,
]
ENUMS = (FullBackupStatus, IncrementalBackupStatus, BackupPlanStatus)
ALL = [status for enum in ENUMS for status in enum]


@pytest.mark.parametrize("status", ALL, ids=repr)
def test_each_status_means_what_the_pages_say(status: FullBackupStatus) -> None:
    assert status.is_known
    assert status.is_success == any(status is one for one in SUCCESSFUL)
    assert status.is_terminal == any(status is one for one in TERMINAL)


@pytest.mark.parametrize("status", ALL, ids=repr)
def test_case_and_blanks_do_not_matter(status: FullBackupStatus) -> None:
    for text in (status.value.upper(), status.value.lower(), status.value.title(), f" {status.value} "):
        assert type(status)(text) is status


@pytest.mark.parametrize("enum", ENUMS)
def test_unknown_status_is_kept_raw_and_means_nothing(enum: type[FullBackupStatus]) -> None:
    status = enum("Archiving ")
    assert (status.value, str(status), f"{status}") == ("Archiving ",) * 3
    assert (status.is_known, status.is_success, status.is_terminal) == (False, False, False)
    assert status == enum("Archiving ")
    assert hash(status) == hash(enum("Archiving "))
    assert status not in list(enum)
    assert status != enum("archiving")


@pytest.mark.parametrize("enum", ENUMS)
def test_unknown_status_survives_copies_and_json(enum: type[FullBackupStatus]) -> None:
    status = enum("archiving")
    for twin in (pickle.loads(pickle.dumps(status)), copy.deepcopy(status)):
        assert (twin, twin.is_known) == (status, False)
    assert msgspec.json.encode(status) == b'"archiving"'


@pytest.mark.parametrize("enum", ENUMS)
@pytest.mark.parametrize("nothing", ["", "  ", None, 5])
def test_no_status_is_not_an_unknown_one(enum: type[FullBackupStatus], nothing: object) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        enum(nothing)
