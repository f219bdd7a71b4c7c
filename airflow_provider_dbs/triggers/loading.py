# SPDX-License-Identifier: Apache-2.0
"""What triggers stand on, loaded without stopping the triggerer's loop: a stall of it stops a thousand triggers."""

from __future__ import annotations

import gc
from functools import cache

from airflow_provider_dbs.client import vendor


async def load_shared_reading() -> None:
    """Import ``hooks/shared.py`` and all that it needs, off the loop. Afterwards an import of it costs nothing."""
    _spare_airflow_from_collection()
    await vendor.load("airflow_provider_dbs.hooks.shared")


@cache
def _spare_airflow_from_collection() -> None:
    """The imports would set off a full garbage collection, and 0.2 s long it would stop every thread, only to find that
    Airflow's modules are still in use. They are for as long as the triggerer lives.
    """
    gc.freeze()
