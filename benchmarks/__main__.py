# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks [NAME…]``: prints a table per benchmark. The exit code is 1 only when one fails to run."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from benchmarks import BENCHMARKS, run
from benchmarks.table import Table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What the provider costs, beside others.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; default: all")
    names = parser.parse_args().names or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs. Read the ratios: times move with the machine.\n")
    failed = False
    with _own_environment():
        for name in names:
            started = time.monotonic()
            try:
                table = _in_a_fresh_interpreter(name)
            except Exception:
                failed = True
                traceback.print_exc()
                print(f"{name}: the benchmark failed\n", flush=True)
            else:
                print(f"{name}: {table.render()}\n({time.monotonic() - started:.0f} s)\n", flush=True)
    return 1 if failed else 0


def _in_a_fresh_interpreter(name: str) -> Table:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(run, name).result()


@contextmanager
def _own_environment() -> Iterator[None]:
    """An Airflow home that is thrown away, and nothing of the machine's: neither connections, nor keys, nor a proxy.

    The vendor's SDK would send the calls to the emulator through a proxy, for it ignores NO_PROXY.
    """
    for name in list(os.environ):
        if name.startswith(("AIRFLOW_", "ALIBABA_CLOUD_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="dbs-bench-") as home:
        os.environ.update(
            AIRFLOW_HOME=home,
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        )
        yield


if __name__ == "__main__":
    sys.exit(main())
