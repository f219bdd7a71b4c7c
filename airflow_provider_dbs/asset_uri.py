# SPDX-License-Identifier: Apache-2.0
"""The URI of an asset that stands for the full backups of a plan: ``dbs://<region>/<backup plan>``.

Airflow imports this module at the first asset of any kind in every process, so it imports next to nothing.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

SCHEME = "dbs"

# In place of the region: that of the connection, which a DAG file does not read.
CONNECTIONS_REGION = "default"

_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLAN = re.compile(r"[A-Za-z0-9_-]+")


def backup_asset_uri(backup_plan_id: str, region_id: str | None = None) -> str:
    """Raises ValueError, naming the setting, for what cannot be a plan's or a region's id."""
    if not isinstance(backup_plan_id, str) or not _PLAN.fullmatch(backup_plan_id):
        raise ValueError(
            f"backup_plan_id={backup_plan_id!r} is no id of a backup plan: give one such as 'dbsr179qz0001'. "
            "Templates are not rendered here: Airflow reads an asset's name from the DAG file"
        )
    if region_id is not None and (not isinstance(region_id, str) or not _REGION.fullmatch(region_id)):
        raise ValueError(
            f"region_id={region_id!r} is no id of a region: give one such as 'cn-hangzhou', or None for the "
            "connection's"
        )
    return f"{SCHEME}://{region_id or CONNECTIONS_REGION}/{backup_plan_id}"


def backup_asset_plan(uri: str) -> tuple[str, str | None] | None:
    """The plan and the region that a URI names (None: the connection's region); None for a URI of another kind."""
    parts = urlsplit(uri)
    if parts.scheme != SCHEME:
        return None
    region = parts.netloc
    return parts.path.strip("/"), None if region == CONNECTIONS_REGION else region


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """What Airflow calls for each ``dbs:`` URI (``asset-uris`` in provider.py): the same asset is spelt one way."""
    uri = uri._replace(netloc=uri.netloc.lower())
    if uri.query or not _REGION.fullmatch(uri.netloc) or not _PLAN.fullmatch(uri.path[1:]):
        raise ValueError(
            f"{uri.geturl()!r} is no asset of DBS: write dbs://<region>/<backup plan>, such as "
            "dbs://cn-hangzhou/dbsr179qz0001, or use dbs_backup_asset()"
        )
    return uri
