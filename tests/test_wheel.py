# SPDX-License-Identifier: Apache-2.0
"""What users install: the built wheel, in an environment that has only what the wheel asks for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parent.parent

SHOW_PROVIDER = """
import json
import os

import airflow_provider_dbs
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.providers_manager import ProvidersManager
from airflow_provider_dbs.emulator import Emulator
from airflow_provider_dbs.hooks.dbs import DbsHook
from airflow_provider_dbs.operators.dbs import DbsListBackupPlansOperator
from airflow_provider_dbs.sensors.dbs import DbsFullBackupSensor
from airflow_provider_dbs.triggers.dbs import DbsGateTrigger

manager = ProvidersManager()
provider = manager.providers["airflow-provider-dbs"]
forms = {form.connection_type: form for form in HookMetaService.hook_meta_data()}
with Emulator() as emulator:
    os.environ["AIRFLOW_CONN_DBS_DEFAULT"] = json.dumps(emulator.airflow_connection())
    accepted = DbsHook().test_connection()
print(json.dumps({
    "version": provider.version,
    "fields": sorted(forms["alibabadbs"].extra_fields),
    "accepted": accepted,
    "file": airflow_provider_dbs.__file__,
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what git would give to a stranger: the tree of this checkout."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    outside = [name for name in names if not name.startswith(("airflow_provider_dbs/", "airflow_provider_dbs-"))]
    rubbish = [name for name in names if "__pycache__" in name or "node_modules" in name]
    assert outside == rubbish == []
    assert "airflow_provider_dbs/py.typed" in names
    (metadata,) = (name for name in names if name.endswith("entry_points.txt"))
    entry_points = zipfile.ZipFile(wheel).read(metadata).decode()
    assert "[apache_airflow_provider]" in entry_points
    assert "[pytest11]" in entry_points


def test_airflow_shows_the_provider_of_the_wheel(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    install = ["pip", "install", "--quiet", "--python", str(python), "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")], check=True)
    subprocess.run([*uv, *install, str(wheel)], check=True)

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    shown = subprocess.run(
        [python, "-W", "ignore", "-c", SHOW_PROVIDER],
        env={**environment, "AIRFLOW_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr[-3000:]

    provider = json.loads(shown.stdout.splitlines()[-1])
    from airflow_provider_dbs import __version__
    from airflow_provider_dbs.connection_fields import CONNECTION_FIELDS

    assert provider["version"] == __version__
    assert provider["fields"] == sorted(CONNECTION_FIELDS)
    assert provider["accepted"][0] is True, provider["accepted"]
    assert str(tmp_path) in provider["file"], "the wheel's package was not the one imported"
