# SPDX-License-Identifier: Apache-2.0
"""Every check of an audit: what it asks, what it reads, its defaults, what to do when it is not well."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import Any

import msgspec

from airflow_provider_dbs.judgement.audit import (
    anomalies,
    attempts,
    data,
    freshness,
    logs,
    plan_state,
    retention,
    ticks,
)
from airflow_provider_dbs.judgement.audit.answer import Answer
from airflow_provider_dbs.judgement.audit.history import History
from airflow_provider_dbs.judgement.audit.policy import Policy
from airflow_provider_dbs.judgement.words import duration


class IfIncomplete(str, Enum):
    """What an answer is worth when rows may be missing."""

    KEEP_OK = "a further row could only make it better"
    KEEP_BAD = "a further row could only make it worse"
    UNKNOWN = "a further row could make it either"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """``number``: its row in the catalogue of judgement.md. ``reads``: the lists that it rests on.

    ``settings``: the policy's settings that it uses; its own limits are ``checks.<id with _ for .>``.
    ``short``: two or three words for a table.
    """

    id: str
    number: str
    asks: str
    short: str
    reads: tuple[str, ...]
    inputs: str
    if_incomplete: IfIncomplete
    remedy: str
    answer: Callable[[History], Answer]
    settings: tuple[str, ...] = ()

    @property
    def limits(self) -> str:
        return self.id.replace(".", "_")


_FULLS, _LOGS, _BOTH = ("fulls",), ("logs",), ("fulls", "logs")

CHECKS = (
    Check(
        id="full.age",
        number="C1",
        asks="How long ago did the newest usable full backup end?",
        short="full too old",
        reads=_FULLS,
        inputs="fulls, schedule, usual duration",
        settings=("max_age", "min_size", "schedule_timezone"),
        if_incomplete=IfIncomplete.KEEP_OK,
        remedy="see failures.consecutive, schedule.missed and plan.state for the cause; start the plan by hand"
        " (StartBackupPlan) to get a backup now",
        answer=freshness.full_age,
    ),
    Check(
        id="content.age",
        number="C2",
        asks="How old is the newest committed data that could be restored?",
        short="data too old",
        reads=_BOTH,
        inputs="usable fulls, sealed logs, BackupMethod",
        settings=("rpo", "count_open_tail"),
        if_incomplete=IfIncomplete.KEEP_OK,
        remedy="find out why the logs or the full backups stopped (log.lag, log.sequence_gap, full.age);"
        " after a gap in the logs only a new full backup helps",
        answer=freshness.content_age,
    ),
    Check(
        id="success.ratio",
        number="C4",
        asks="How many of the latest attempts succeeded?",
        short="many failures",
        reads=_FULLS,
        inputs="finished fulls of the time that DBS still lists",
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="read the error messages of the failed backup sets (DescribeJobErrorCode)",
        answer=attempts.success_ratio,
    ),
    Check(
        id="failures.consecutive",
        number="C5",
        asks="How many attempts in a row have failed, the newest among them?",
        short="newest failed",
        reads=_FULLS,
        inputs="finished fulls",
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="read the error of the newest failed backup set (DescribeJobErrorCode), mend it, start the plan by hand",
        answer=attempts.failures_consecutive,
    ),
    Check(
        id="schedule.missed",
        number="C6",
        asks="Did a full backup start at every scheduled time?",
        short="backup missed",
        reads=_FULLS,
        inputs="BackupPeriod × BackupStartTime, fulls",
        settings=("schedule_timezone",),
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="check that the plan runs and that a long backup does not run into the next start;"
        " if all starts are off by the same hours, set schedule_timezone",
        answer=ticks.schedule_missed,
    ),
    Check(
        id="run.stuck",
        number="C8",
        asks="Has a full backup been in flight for too long?",
        short="run stuck",
        reads=_FULLS,
        inputs="fulls in flight, usual duration, schedule",
        if_incomplete=IfIncomplete.KEEP_BAD,
        remedy="look at the job in the console; while it runs, the service skips the scheduled backups",
        answer=attempts.run_stuck,
    ),
    Check(
        id="duration.anomaly",
        number="C9",
        asks="Did the newest success take unusually long or short?",
        short="unusual duration",
        reads=_FULLS,
        inputs="durations of the successes before it",
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="compare with the database's size and load; a backup much faster than usual may have read less",
        answer=anomalies.duration_anomaly,
    ),
    Check(
        id="size.anomaly",
        number="C10",
        asks="Is the newest success unusually small or large?",
        short="unusual size",
        reads=_FULLS,
        inputs="sizes of the successes before it with the same BackupObjects",
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="was data deleted, loaded or moved, or does the plan back up another database? Restore it and look",
        answer=anomalies.size_anomaly,
    ),
    Check(
        id="size.zero",
        number="C11",
        asks="Is a successful full backup empty?",
        short="empty full",
        reads=_FULLS,
        inputs="sizes of successes that have not expired",
        settings=("min_size",),
        if_incomplete=IfIncomplete.KEEP_BAD,
        remedy="do not count on these sets; check BackupObjects and the account's rights on the database",
        answer=anomalies.size_zero,
    ),
    Check(
        id="log.sequence_gap",
        number="C12",
        asks="Is a log segment missing between others?",
        short="log gap",
        reads=_BOTH,
        inputs="numbers in the log segments' names, per endpoint",
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="start a full backup: it heals the chain from then on; keep binary logs longer on the database",
        answer=logs.log_sequence_gap,
    ),
    Check(
        id="log.lag",
        number="C15",
        asks="How long ago did the newest sealed log segment end?",
        short="logs late",
        reads=_LOGS,
        inputs="sealed logs, their usual span",
        settings=("count_open_tail",),
        if_incomplete=IfIncomplete.KEEP_OK,
        remedy="check the incremental backup job and the connection to the database;"
        " a quiet database seals its logs rarely: set checks.log_lag or count_open_tail",
        answer=logs.log_lag,
    ),
    Check(
        id="log.broken",
        number="C15",
        asks="Is a log segment incomplete, or being filled for too long?",
        short="log broken",
        reads=_BOTH,
        inputs="states of the log segments",
        settings=("recovery_window",),
        if_incomplete=IfIncomplete.KEEP_BAD,
        remedy="was log backup switched off and on, or the database restarted? Start a full backup to heal the chain",
        answer=logs.log_broken,
    ),
    Check(
        id="coverage",
        number="C16",
        asks="Can any instant of the recovery window be recovered?",
        short="not recoverable",
        reads=_BOTH,
        inputs="usable fulls, log runs",
        settings=("recovery_window", "count_open_tail"),
        if_incomplete=IfIncomplete.KEEP_OK,
        remedy="what is lost stays lost; start a full backup, and keep fulls and logs longer than the recovery window",
        answer=logs.coverage,
    ),
    Check(
        id="plan.state",
        number="C17",
        asks="Does the plan run?",
        short="plan not running",
        reads=(),
        inputs="BackupPlanStatus, schedule",
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="start the plan (StartBackupPlan) after mending what its error message says; locked: see the bill",
        answer=plan_state.plan_state,
    ),
    Check(
        id="retention.expiry",
        number="C18",
        asks="Is a usable full backup kept until the next one should have ended?",
        short="expires early",
        reads=_FULLS,
        inputs="BackupSetExpiredTime, schedule, usual duration",
        if_incomplete=IfIncomplete.KEEP_OK,
        remedy="raise BackupRetentionPeriod, or back up more often",
        answer=retention.retention_expiry,
    ),
    Check(
        id="redundancy",
        number="C19",
        asks="How many usable full backups are there?",
        short="too few fulls",
        reads=_FULLS,
        inputs="usable fulls",
        settings=("min_redundancy", "min_size"),
        if_incomplete=IfIncomplete.KEEP_OK,
        remedy="start a full backup by hand; raise BackupRetentionPeriod",
        answer=retention.redundancy,
    ),
    Check(
        id="retention.min",
        number="C20",
        asks="Are full backups kept for as long as they must be?",
        short="kept too short",
        reads=_FULLS,
        inputs="BackupSetExpiredTime − StartTime of usable fulls",
        settings=("min_retention",),
        if_incomplete=IfIncomplete.KEEP_BAD,
        remedy="raise BackupRetentionPeriod; sets that exist keep their expiry",
        answer=retention.retention_min,
    ),
    Check(
        id="storage.class",
        number="C20",
        asks="Do the newest full backups lie in an allowed storage class?",
        short="storage class",
        reads=_FULLS,
        inputs="StorageMethod of the newest usable fulls",
        settings=("allowed_storage",),
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="change the plan's lifecycle settings (DuplicationInfrequentAccessPeriod, DuplicationArchivePeriod)",
        answer=retention.storage_class,
    ),
    Check(
        id="encryption",
        number="C20",
        asks="Are the newest full backups encrypted as allowed?",
        short="encryption",
        reads=_FULLS,
        inputs="StorageEncryptMethod of the newest usable fulls",
        settings=("allowed_encryption",),
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="switch on the plan's storage encryption; sets that exist stay as they are",
        answer=retention.encryption,
    ),
    Check(
        id="region",
        number="C20",
        asks="Do the backups lie outside the database's region?",
        short="same region",
        reads=(),
        inputs="OSSBucketRegion, SourceEndpointRegion",
        settings=("require_other_region",),
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="store the backups in a bucket of another region",
        answer=retention.region,
    ),
    Check(
        id="data.time",
        number="C21",
        asks="Are all times in order and in the past?",
        short="odd times",
        reads=_FULLS,
        inputs="times of fulls and logs",
        if_incomplete=IfIncomplete.KEEP_BAD,
        remedy="check the clocks of the backup gateway and the database; a set that ends in the future is not trusted",
        answer=data.data_time,
    ),
    Check(
        id="data.duplicate",
        number="C21",
        asks="Is a backup listed twice with different outcomes?",
        short="contradicting rows",
        reads=_FULLS,
        inputs="fulls, logs",
        if_incomplete=IfIncomplete.KEEP_BAD,
        remedy="look the sets up in the console before relying on them, and tell the service's support",
        answer=data.data_duplicate,
    ),
    Check(
        id="data.unit",
        number="C21",
        asks="Are all times in milliseconds?",
        short="odd unit",
        reads=_FULLS,
        inputs="times of fulls and logs",
        if_incomplete=IfIncomplete.KEEP_BAD,
        remedy="nothing is lost: the values were read as seconds; tell the maintainers of this provider",
        answer=data.data_unit,
    ),
    Check(
        id="evidence",
        number="C25",
        asks="Was everything read that the other checks rest on?",
        short="not all read",
        reads=(),
        inputs="whether the lists are complete",
        if_incomplete=IfIncomplete.UNKNOWN,
        remedy="run the audit again; if it persists, see the error's code and request id",
        answer=plan_state.evidence,
    ),
)

BY_ID = {check.id: check for check in CHECKS}


def format_catalogue(policy: Policy | None = None) -> str:
    """All checks as text to print, with the limits of ``policy`` (default: the defaults)."""
    limits = policy or Policy()
    blocks = []
    for check in CHECKS:
        own = getattr(limits.checks, check.limits, None)
        values = [f"{name}={_shown(getattr(limits, name))}" for name in check.settings]
        values += [f"{name}={_shown(getattr(own, name))}" for name in (own.__struct_fields__ if own else ())]
        blocks.append(f"{check.id}  ({check.number})\n  {check.asks}")
        for title, text in (("reads", check.inputs), ("limits", ", ".join(values) or "none"), ("remedy", check.remedy)):
            blocks[-1] += "\n" + textwrap.fill(
                f"{title:<7}{text}", 110, initial_indent="  ", subsequent_indent=" " * 9, break_on_hyphens=False
            )
    return "\n\n".join(blocks) + "\n"


def _shown(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, timedelta):
        return duration(value)
    return ",".join(value) or "none" if isinstance(value, tuple) else str(value)
