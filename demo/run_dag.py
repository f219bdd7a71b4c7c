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
from typing import Any

from airflow.sdk import DAG
from airflow.utils.session import create_session


def main(dag_file: str, result_file: str, logical_date: str, poke_interval: str | None = None) -> None:
    (dag,) = (value for value in runpy.run_path(dag_file).values() if isinstance(value, DAG))
    if poke_interval:
        hurry(dag, float(poke_interval))
    run = dag.test(logical_date=datetime.fromisoformat(logical_date))
    with create_session() as session:
        instances = run.get_task_instances(session=session)
        tasks = {name: _told([each for each in instances if each.task_id == name], session) for name in dag.task_ids}
    Path(result_file).write_text(json.dumps({"state": run.state, "tasks": tasks}))


def hurry(dag: DAG, poke_interval: float) -> None:
    """Let every sensor of the DAG look as often as that, in seconds."""
    for task in dag.tasks:
        if hasattr(task, "poke_interval"):
            task.poke_interval = poke_interval
        elif task.is_mapped and "timeout" in task.partial_kwargs:
            task.partial_kwargs["poke_interval"] = poke_interval


def _told(instances: list[Any], session: Any) -> dict[str, Any]:
    """The state and the XCom of a task; a list of XComs if it is mapped."""
    xcoms = [
        each.xcom_pull(task_ids=each.task_id, map_indexes=each.map_index, session=session)
        for each in sorted(instances, key=lambda each: each.map_index)
    ]
    is_mapped = instances[0].map_index >= 0
    return {
        "state": ", ".join(sorted({str(each.state) for each in instances})),
        "xcom": xcoms if is_mapped else xcoms[0],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
