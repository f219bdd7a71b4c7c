# SPDX-License-Identifier: Apache-2.0
"""Runs one DAG file with ``dag.test()``, in a process of its own, and writes down how it ended.

``python -m demo.run_dag DAG_FILE RESULT_FILE LOGICAL_DATE [POKE_INTERVAL]``
"""

from __future__ import annotations

import json
import runpy
import sys
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG
from airflow.utils.session import create_session


def main(dag_file: str, result_file: str, logical_date: str, poke_interval: str | None = None) -> None:
    (dag,) = (value for value in runpy.run_path(dag_file).values() if isinstance(value, DAG))
    for task in dag.tasks:
        if poke_interval and hasattr(task, "poke_interval"):
            task.poke_interval = float(poke_interval)
    run = dag.test(logical_date=datetime.fromisoformat(logical_date))
    with create_session() as session:
        instances = {instance.task_id: instance for instance in run.get_task_instances(session=session)}
        tasks = {
            name: {
                "state": instances[name].state,
                "xcom": instances[name].xcom_pull(
                    task_ids=name, map_indexes=instances[name].map_index, session=session
                ),
            }
            for name in dag.task_ids
        }
    Path(result_file).write_text(json.dumps({"state": run.state, "tasks": tasks}))


if __name__ == "__main__":
    main(*sys.argv[1:])
