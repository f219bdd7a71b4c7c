# SPDX-License-Identifier: Apache-2.0
"""Runs several DAGs one after another in one process: ``python -m tests.airflow.run_examples ORDERS_FILE``.

An order is ``{"dag_file", "result_file", "logical_date", "connection"}``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from airflow_provider_dbs.hooks import shared
from demo import run_dag

POKE_INTERVAL = "1"


def main(orders_file: str) -> None:
    for order in json.loads(Path(orders_file).read_text()):
        os.environ["AIRFLOW_CONN_DBS_DEFAULT"] = json.dumps(order["connection"])
        shared.forget()  # its triggers run in this process too, and remember the connection of the DAG before
        run_dag.main(order["dag_file"], order["result_file"], order["logical_date"], POKE_INTERVAL)


if __name__ == "__main__":
    main(sys.argv[1])
