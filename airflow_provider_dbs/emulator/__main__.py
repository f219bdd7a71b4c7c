# SPDX-License-Identifier: Apache-2.0
"""``python -m airflow_provider_dbs.emulator``: the endpoint in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse
import ipaddress
import json
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from airflow_provider_dbs.emulator.emulator import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Emulator
from airflow_provider_dbs.emulator.settings import Settings

DEFAULT_PORT = 8390


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    key_id, secret = options.access_key
    try:
        emulator = Emulator(
            options.scenario,
            host=options.host,
            port=options.port,
            tls=options.tls,
            access_key_id=key_id,
            access_key_secret=secret,
            **dict(options.set),
        )
        emulator.start()
    except (ValueError, OSError) as error:
        sys.stderr.write(f"DBS emulator: {error}\n")
        return 1
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    sys.stdout.write(_start_block(emulator))
    sys.stdout.flush()
    stopped.wait()
    emulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_dbs.emulator", description="A DBS endpoint on loopback, in memory."
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"default {DEFAULT_PORT}; 0 takes a free one")
    parser.add_argument("--host", type=_loopback, default="127.0.0.1", help="a loopback address; default 127.0.0.1")
    parser.add_argument("--scenario", type=Path, help="plans, backups, faults and settings, as JSON or YAML")
    parser.add_argument(
        "--access-key",
        type=_access_key,
        default=(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
        metavar="ID:SECRET",
        help="the key pair to accept; not a real one, please",
    )
    parser.add_argument("--tls", action="store_true", help="serve HTTPS under an authority made for this run")
    parser.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"change a setting, e.g. order=newest; there are {', '.join(item.name for item in fields(Settings))}",
    )
    return parser


def _loopback(text: str) -> str:
    try:
        if text == "localhost" or ipaddress.ip_address(text).is_loopback:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a loopback address: the emulator listens on 127.0.0.1, ::1 or localhost only"
    )


def _access_key(text: str) -> tuple[str, str]:
    key_id, separator, secret = text.partition(":")
    if not (key_id and separator and secret):
        raise argparse.ArgumentTypeError("must be ID:SECRET")
    return key_id, secret


def _setting(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _start_block(emulator: Emulator) -> str:
    connection = emulator.airflow_connection()
    if emulator.access_key_secret != ACCESS_KEY_SECRET:
        connection["password"] = "(the secret you gave)"  # noqa: S105
    plans = [plan.row["BackupPlanId"] for plan in emulator.service.store.plans()]
    return "\n".join(
        (
            "DBS emulator",
            f"  endpoint   {emulator.url}",
            f"  plans      {', '.join(plans) if plans else 'none yet: use --scenario, or POST /_emulator/scenario'}",
            f"  control    {emulator.url}/_emulator/",
            f"  Airflow    export AIRFLOW_CONN_DBS_DEFAULT={shlex.quote(json.dumps(connection))}",
            "  Ctrl-C stops it.",
            "",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
