# SPDX-License-Identifier: Apache-2.0
"""Log runs and breaks in words and as evidence, for the gates that rest on incremental backups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow_provider_dbs.judgement.chains import LogBreak, LogChains, LogRun
from airflow_provider_dbs.judgement.segments import BreakCause
from airflow_provider_dbs.judgement.words import clean, listed
from airflow_provider_dbs.models import IncrementalBackup, IncrementalBackupStatus, iso

NAME_LIMIT = 64


def run_words(run: LogRun) -> str:
    first, last = clean(run.first_segment, NAME_LIMIT), clean(run.last_segment, NAME_LIMIT)
    return f"logs {first} to {last} reach from {iso(run.start)} to {iso(run.end)}"


def break_words(found: LogBreak) -> str:
    """What broke the chain and where: ``between binlog.000004 (…) and binlog.000006 (…) segments are missing``."""
    names = listed([clean(log.backup_set_id, NAME_LIMIT) for log in found.segments])
    after = found.after and f"{clean(found.after.last_segment, NAME_LIMIT)} ({iso(found.after.end)})"
    before = found.before and f"{clean(found.before.first_segment, NAME_LIMIT)} ({iso(found.before.start)})"
    if after and before:
        where = f"between {after} and {before} "
    else:
        where = f"after {after} " if after else f"before {before} " if before else ""
    if found.cause is BreakCause.BROKEN:
        words = f"segments are broken (UNCOMPLETED, or with impossible times): {names}"
    elif found.cause is BreakCause.EXPIRED:
        words = f"segments have expired: {names}"
    elif found.cause is BreakCause.NOT_SEALED:
        words = f"segments are not finished yet: {names}"
    elif found.cause is BreakCause.TIME_GAP:
        words = "there is a stretch without logs"
    elif found.cause is BreakCause.EPOCH_BREAK:
        words = (
            "a new sequence begins (RESET MASTER, or another endpoint after a failover); only a full backup joins them"
        )
    else:
        words = "segments are missing"
    if found.missing:
        more = (
            f" and {found.missing_count - len(found.missing)} more" if found.missing_count > len(found.missing) else ""
        )
        words += f"; not listed: {', '.join(clean(name, NAME_LIMIT) for name in found.missing)}{more}"
    return f"{where}{words}"


def break_evidence(found: LogBreak) -> dict[str, Any]:
    return {
        "segments": [clean(log.backup_set_id, NAME_LIMIT) for log in found.segments],
        "missing_segments": [clean(name, NAME_LIMIT) for name in found.missing],
        "missing_segment_count": found.missing_count,
    }


def replay_evidence(run: LogRun, start: datetime, end: datetime) -> dict[str, Any]:
    """The first and last segment that a replay from ``start`` to ``end`` reads."""
    needed = run.needed(start, end)
    return {
        "first_segment": clean(needed[0].backup_set_id, NAME_LIMIT),
        "last_segment": clean(needed[-1].backup_set_id, NAME_LIMIT),
    }


def break_after(chains: LogChains, run: LogRun | None, since: datetime) -> LogBreak | None:
    """Why the logs do not go on after ``run``, or, without a run, why none holds ``since``; what is for good first."""
    found = [
        each
        for each in chains.breaks
        if each.after is run and (run is not None or each.before is None or each.before.start > since)
    ]
    return min(found, key=lambda each: each.cause is BreakCause.NOT_SEALED, default=None)


def unfinished_words(logs: Sequence[IncrementalBackup], count_open_tail: bool) -> str:
    """A hint at the newest segment when it is still open and does not count."""
    open_segments = [log for log in logs if log.backup_status is IncrementalBackupStatus.FILLING and log.start_time]
    if not open_segments or count_open_tail:
        return ""
    newest = max(open_segments, key=lambda log: (log.start_time_ms or 0, log.end_time_ms or 0, log.backup_set_id))
    until = f" up to {iso(newest.end_time)}" if newest.end_time else ""
    name = clean(newest.backup_set_id, NAME_LIMIT)
    return f"Segment {name} is FILLING{until} and counts once it is COMPLETED, or with count_open_tail=True."
