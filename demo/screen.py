# SPDX-License-Identifier: Apache-2.0
"""What the demo prints, for someone who has never seen DBS."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path
from typing import Any

from demo.stories import Story

INTRODUCTION = """\
DBS, Alibaba Cloud's Database Backup, backs a database up every night. A job that overwrites or drops data has a gate
in front of it, which lets it run only when the backup can be trusted. Here DBS is an emulator on this machine."""

AUDIT_INTRODUCTION = """\
DBS, Alibaba Cloud's Database Backup, backs databases up by backup plans. Every morning an audit asks of each plan
whether the database could be got back as promised: to any instant of the last three days, with an hour of work lost at
most. It leaves a report, and fails when one could not. Here DBS is an emulator on this machine."""

_started = time.monotonic()


def step(message: str, by: str = "") -> None:
    lines = textwrap.wrap(f"{by}{message}", 106, subsequent_indent=" " * len(by), break_on_hyphens=False)
    print(f"{time.monotonic() - _started:6.1f} s  " + f"\n{' ' * 10}".join(lines), flush=True)


def account(story: Story, result: dict[str, Any], calls: int) -> None:
    """How the run ended and on what its gates rested. ``result``: ``{"state": …, "tasks": {id: {state, xcom}}}``."""
    tasks = result["tasks"]
    print(f"\nThe DAG run ended: {result['state']}.")
    if result["state"] != "success":
        print(f"  {story.failure}")
    for xcom in [xcom for task in tasks.values() for xcom in _each(task["xcom"])]:
        if isinstance(xcom, dict) and "verdict" in xcom:
            _tell_gate(xcom)
        if isinstance(xcom, dict) and "audit_html" in xcom:
            _tell_audit(xcom)
    said = list(tasks.values())[-1]["xcom"]
    if isinstance(said, str):
        print(f"  Result     {said}")
    print(f"  DBS calls  {calls}")
    print("  Tasks      " + ", ".join(f"{name}: {task['state']}" for name, task in tasks.items()))


def _tell_audit(xcom: dict[str, Any]) -> None:
    print(f"\n  {xcom['headline']}:")
    for plan in xcom["worst"]:
        why = textwrap.wrap(plan["why"], 80, subsequent_indent=" " * 27)
        print(f"    {plan['severity']:<9} {plan['backup_plan_name']:<12} " + "\n".join(why))
    print(f"    {'ok':<9} {xcom['by_severity'].get('ok', 0)} more\n")
    print(f"  Report     {Path(xcom['audit_html']).as_uri()}")
    print(f"  As data    {xcom['audit_json']}")


def _each(xcom: Any) -> list[Any]:
    return xcom if isinstance(xcom, list) else [xcom]


def _tell_gate(xcom: dict[str, Any]) -> None:
    start, end = xcom["window_start"], xcom["window_end"] or "open end"
    print(f"  Plan       {xcom['backup_plan_id']}, asked for {start if start == end else f'{start} to {end}'}")
    print(f"             ({xcom['window_source']})")
    if "backup_set_id" in xcom:
        print(f"  Backup     {xcom['backup_set_id']}, {xcom['start_time']} to {xcom['end_time']}")
    if "backup_size" in xcom:
        print(f"             {xcom['backup_size']:,} bytes, kept until {xcom['backup_set_expired_time']}")
    if "first_segment" in xcom:
        print(f"  Logs       {xcom['first_segment']} to {xcom['last_segment']}")
