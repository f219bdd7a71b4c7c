# SPDX-License-Identifier: Apache-2.0
"""An operator's task, rendered and run as a worker would, without a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_dbs.emulator import Emulator

PLAN = "dbsr179qz0001"
NOW = datetime.now(timezone.utc).replace(microsecond=0)

# Airflow's remark on a task that no worker runs.
_OUTSIDE = "cannot be called outside of the Task Runner"


@dataclass
class TaskInstance:
    """What an operator asks of its task instance, and what it pushed besides its result."""

    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


def run_context(*, run_after: datetime = NOW, **more: Any) -> Any:
    """The context of a run; the keys of a data interval are absent unless they are given."""
    return {"dag_run": SimpleNamespace(run_after=run_after), "ti": TaskInstance(), **more}


def run(operator: BaseOperator, context: Any = None) -> Any:
    """Render the templates, then execute."""
    context = context or run_context()
    operator.render_template_fields(context)
    return operator.execute(context)


@pytest.fixture
def plan(dbs: Emulator) -> Emulator:
    """The emulator with a plan that has no backups yet."""
    dbs.add_plan(PLAN)
    return dbs


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """The messages that the operators have logged since the last call."""

    def read() -> list[str]:
        lines = [
            line
            for line in capsys.readouterr().out.splitlines()
            if "[airflow.task.operators.airflow_provider_dbs" in line and _OUTSIDE not in line
        ]
        return [line.partition("] ")[2].rpartition(" [airflow.task.")[0].strip() for line in lines]

    return read
