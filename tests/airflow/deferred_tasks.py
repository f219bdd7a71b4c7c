# SPDX-License-Identifier: Apache-2.0
"""A DAG run whose tasks are all deferred, put into Airflow's database: work for a triggerer, without any worker.

``python -m tests.airflow.deferred_tasks put FILE`` reads ``[[classpath, kwargs], …]``, a trigger each, for the mapped
task of the DAG ``waiting``. ``… tell FILE`` writes ``[{"state", "event", "is_waiting"}, …]`` in the same order.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.models.dagbag import DBDagBag
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

DAG = "waiting"
DAG_FILE = f"""\
from airflow.sdk import DAG
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor

with DAG("{DAG}", schedule=None):
    DbsFullBackupSensor.partial(task_id="gate", deferrable=True, open_end=True).expand(backup_plan_id=%r)
"""


def dag_file(gates: int) -> str:
    return DAG_FILE % [f"dbsgate{number:04d}" for number in range(gates)]


def put(file: Path) -> None:
    triggers: list[tuple[str, dict[str, Any]]] = json.loads(file.read_text())
    now = datetime.now(timezone.utc)
    with create_session() as session:
        dag = DBDagBag().get_latest_version_of_dag(DAG, session=session)
        assert dag is not None
        dag.create_dagrun(
            run_id="waiting",
            run_after=now,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING,
            start_date=now,
            session=session,
        )
        tasks = _tasks(session)
        assert len(tasks) == len(triggers), f"{len(tasks)} tasks for {len(triggers)} triggers"
        rows = [Trigger(classpath, kwargs) for classpath, kwargs in triggers]
        session.add_all(rows)
        session.flush()
        for task, row in zip(tasks, rows, strict=True):
            task.state, task.trigger_id, task.start_date = TaskInstanceState.DEFERRED, row.id, now
            task.next_method, task.next_kwargs, task.try_number = "execute_complete", {}, 1
            task.trigger_timeout = now + timedelta(hours=1)


def tell(file: Path) -> None:
    with create_session() as session:
        told = [
            {
                "state": task.state,
                "event": (task.next_kwargs or {}).get("event"),
                "is_waiting": task.trigger_id is not None,
            }
            for task in _tasks(session)
        ]
    file.write_text(json.dumps(told))


def _tasks(session: Any) -> list[TaskInstance]:
    return list(
        session.scalars(select(TaskInstance).where(TaskInstance.dag_id == DAG).order_by(TaskInstance.map_index))
    )


if __name__ == "__main__":
    {"put": put, "tell": tell}[sys.argv[1]](Path(sys.argv[2]))
