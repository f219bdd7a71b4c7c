# SPDX-License-Identifier: Apache-2.0
"""What the provider costs, beside what else one could use: ``python -m benchmarks [NAME…]``, or ``make bench``.

Every benchmark runs its contestants by turns in one run against an emulator in a process of its own, and compares
them: a ratio holds on another machine, a millisecond does not. CPU is that of the calling process alone.

To add one: a module with ``run() -> Table`` and a line in ``BENCHMARKS``. Each runs in a fresh interpreter.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.table import Table

BENCHMARKS = {
    "call": "benchmarks.call",
    "listing": "benchmarks.listing",
    "decode": "benchmarks.decode",
    "import": "benchmarks.imports",
    "credentials": "benchmarks.credentials",
    "audit": "benchmarks.audit",
    "waiting": "benchmarks.waiting",
}


def run(name: str) -> Table:
    """Run one benchmark in this process."""
    table: Table = importlib.import_module(BENCHMARKS[name]).run()
    return table
