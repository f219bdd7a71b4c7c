# SPDX-License-Identifier: Apache-2.0
"""A DBS endpoint on loopback, for development, demos and tests without an account.

It knows nothing of this package's client: it checks signatures, pages lists and shapes answers with code of its own,
so that it can catch the client's mistakes. From the ground up:

- ``times``, ``rows``: what goes over the wire, under the API's own names
- ``progress``, ``settings``, ``backups``, ``store``, ``restore``: plans and their backups, and how they move on
- ``envelope``, ``signature``, ``fault_kinds``, ``faults``: what an answer looks like, who gets one, what goes wrong
- ``operations``, ``service``: a request in, an answer out, no HTTP yet
- ``control``, ``app``, ``tls``, ``server``: HTTP
- ``history``, ``scenario``, ``emulator``, ``pytest_plugin``, ``__main__``: the ways in, and pasts made up from a seed

``Emulator`` is loaded on first use: importing this package loads no HTTP server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_dbs.emulator.emulator import Emulator

__all__ = ["Emulator"]


def __getattr__(name: str) -> Any:
    if name != "Emulator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from airflow_provider_dbs.emulator.emulator import Emulator

    return Emulator
