# SPDX-License-Identifier: Apache-2.0
"""``python -m demo [SCENARIO]``: a gate waits for a backup, or refuses, and says why. The exit code is the run's."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from demo import all_processes, one_process
from demo.screen import AUDIT_INTRODUCTION, INTRODUCTION, account, step
from demo.stories import STORIES


def main(scenario: str) -> int:
    if scenario not in STORIES:
        print(f"There is no scenario {scenario!r}. There are: {', '.join(STORIES)}.", file=sys.stderr)
        return 2
    story = STORIES[scenario]
    home = Path(tempfile.mkdtemp(prefix="dbs-demo-"))
    log = home / "airflow.log"
    introduction = AUDIT_INTRODUCTION if story.is_audit else INTRODUCTION
    print(f"\n{introduction}\n\nScenario {scenario}: {story.words}.\n")
    try:
        airflow = one_process.Airflow(home / "airflow", log)
        step("Airflow prepares a database of its own")
        airflow.migrate()
        tell = all_processes.tell if story.has_all_processes else one_process.tell
        result, calls = tell(story, scenario, airflow)
        account(story, result, calls)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130
    except one_process.DemoError as error:
        print(f"\nThe demo did not work: {error}")
        return 3
    finally:
        shutil.rmtree(home / "airflow", ignore_errors=True)
        others = " ".join(name for name in STORIES if name != scenario)
        print(f"\nAirflow's own log: {log}")
        print(f"See also: make demo SCENARIO=… with one of {others}. Your own: README.md\n")
    return 0 if result["state"] == "success" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "running"))
