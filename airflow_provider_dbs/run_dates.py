# SPDX-License-Identifier: Apache-2.0
"""The dates of a DAG run that a window can lean on."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


def run_dates(context: Context) -> dict[str, Any]:
    """The run's dates, and Airflow's time zone for naive ones: arguments of ``judgement.window``.

    The interval's keys are absent, not None, in a run without a logical date.
    """
    return {
        "data_interval_start": context.get("data_interval_start"),
        "data_interval_end": context.get("data_interval_end"),
        "run_after": context["dag_run"].run_after,
        "default_timezone": _default_timezone(),
    }


def _default_timezone() -> str | tzinfo:
    name: str = conf.get("core", "default_timezone", fallback="UTC")
    if name != "system":
        return name
    from pendulum.tz.local_timezone import get_local_timezone

    return get_local_timezone()
