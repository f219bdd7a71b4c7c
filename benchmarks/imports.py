# SPDX-License-Identifier: Apache-2.0
"""What a DAG file pays at its top for the provider, over ``airflow.sdk``: every parse and every task pays it anew."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import NamedTuple

import airflow_provider_dbs
from benchmarks.table import Line, Table, Target

_HEAVY = ("aiohttp", "requests", "darabonba", "Tea", "alibabacloud_")
# What DAG files import and what Airflow imports to know the provider; those that exist.
_ROOMS = ("provider", "hooks.dbs", "sensors.dbs", "operators.dbs", "triggers.dbs", "assets", "links")
_TURNS = 7


class Cost(NamedTuple):
    cpu_milliseconds: float
    modules: int
    heavy: list[str]


def run() -> Table:
    package = airflow_provider_dbs.__name__
    rooms = [f"{package}.{room}" for room in _ROOMS]
    ours = [room for room in rooms if _exists(room)]
    # As the processes that parse DAG files and run tasks: forked from one that has imported Airflow already.
    sdk_of_airflow = importlib.import_module("airflow.sdk")
    for lazily_loaded in ("DAG", "BaseOperator", "BaseHook", "BaseSensorOperator", "task"):
        getattr(sdk_of_airflow, lazily_loaded)
    gc.freeze()  # or whoever happens to trigger a collection pays for all of Airflow's heap
    own, sdk = _cost(ours), _cost(["alibabacloud_dbs20190306.client"])
    return Table(
        "top-level imports over airflow.sdk, in a fresh fork: CPU",
        [
            Line(
                f"the provider's {len(ours)} public modules",
                f"{own.cpu_milliseconds:.1f} ms, {own.modules} modules",
            ),
            Line(
                f"  heavy ones among them: {', '.join(own.heavy) or 'none'}",
                f"{len(own.heavy)}",
                target=Target(len(own.heavy), at_most=0, unit=""),
            ),
            Line(
                "vendor SDK / ours",
                f"{sdk.cpu_milliseconds:.1f} ms, {sdk.modules} modules",
                sdk.cpu_milliseconds / own.cpu_milliseconds,
            ),
            Line("  heavy ones among them", f"{len(sdk.heavy)}"),
        ],
    )


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _cost(modules: Sequence[str]) -> Cost:
    """The median of some turns; one more before them leaves the bytecode behind, as an installation does."""
    costs = []
    with tempfile.TemporaryDirectory() as bytecode:
        sys.dont_write_bytecode, sys.pycache_prefix = False, bytecode
        for _ in range(1 + _TURNS):
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as fork:
                costs.append(fork.submit(_import, modules).result())
    return costs[0]._replace(cpu_milliseconds=median(cost.cpu_milliseconds for cost in costs[1:]))


def _import(modules: Sequence[str]) -> Cost:
    known = set(sys.modules)
    started = time.process_time()
    for module in modules:
        importlib.import_module(module)
    spent = (time.process_time() - started) * 1000
    new = sorted(set(sys.modules) - known)
    heavy = sorted({name.split(".")[0] for name in new if name.split(".")[0].startswith(_HEAVY)})
    return Cost(spent, len(new), heavy)
