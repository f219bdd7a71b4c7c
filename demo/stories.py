# SPDX-License-Identifier: Apache-2.0
"""What each scenario shows, and with which of the example DAGs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
SCENARIOS = Path(__file__).parent / "scenarios"


class Story(NamedTuple):
    """``hours_ago``: how old the DAG run is, for a window that is over can be judged at once."""

    words: str
    dag: str = "gate_etl_on_full_backup"
    hours_ago: int = 0
    has_all_processes: bool = False
    failure: str = "The gate refused, so nothing behind it ran; the reason stands above."

    @property
    def is_audit(self) -> bool:
        return self.dag == "daily_backup_audit"

    @property
    def dag_file(self) -> Path:
        return ROOT / "example_dags" / f"{self.dag}.py"


STORIES = {
    "running": Story("a backup is still running when the DAG starts"),
    "throttled": Story("a backup is running, and DBS is at first too busy to answer"),
    "failed": Story("the backup of the last day has failed", hours_ago=1),
    "expired": Story("the last backup has expired", hours_ago=1),
    "missing_plan": Story("the DAG names a plan that DBS does not know", hours_ago=1),
    "every_plan": Story("a release waits for a backup of every plan there is", "gate_on_every_plan"),
    "recoverable": Story("an ETL waits until its whole interval can be restored", "etl_when_recoverable"),
    "logs": Story("a replay waits for the newest log to be sealed", "replay_logs_when_complete"),
    "log_gap": Story("a replay is refused, for one of its logs is missing", "replay_logs_when_complete"),
    "audit": Story(
        "twelve databases, and not all of them can be got back",
        "daily_backup_audit",
        failure="The audit found errors. The report says what is wrong, on what evidence, and what to do.",
    ),
    "deferred": Story(
        "a migration waits for tonight's backup in the triggerer, where it holds no worker slot",
        "migrate_after_next_backup",
        has_all_processes=True,
    ),
}
