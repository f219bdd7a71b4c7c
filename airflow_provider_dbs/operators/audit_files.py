# SPDX-License-Identifier: Apache-2.0
"""Where audits are kept: a directory per audit, local or in an object store.

::

    <output_path>/<dag_id>/<task_id>/20261121T020000Z/audit.html, audit.md, audit.json

The stamp is the audit's ``as_of``; a second audit of the same instant has ``-2`` behind it, so that none overwrites
another. A part of a mapped audit has ``-part0003`` and is nobody's last audit. ``audit.json`` is written last: where it
stands, the audit is whole.
"""

from __future__ import annotations

import os
import re
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from airflow_provider_dbs.judgement.audit import Audit, PlanAudit, audit_unavailable
from airflow_provider_dbs.report import render_html, render_json, render_markdown

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

_LOCAL = ("", "file", "local")
_WHOLE = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
HTML, MARKDOWN, JSON = "audit.html", "audit.md", "audit.json"


@dataclass(frozen=True)
class Paths:
    """Where an audit was written. ``url``: where a browser finds the report; None if nowhere."""

    json: str
    markdown: str
    html: str
    url: str | None


@dataclass(frozen=True)
class AuditFiles:
    """The audits of one task. ``output_path``: an absolute path or a URL. ``report_url``: where a browser finds it.

    Raises ValueError for an ``output_path`` or a ``report_url`` that cannot be meant.
    """

    output_path: str
    report_url: str | None
    dag_id: str
    task_id: str
    map_index: int = -1

    def __post_init__(self) -> None:
        if "://" not in self.output_path and not os.path.isabs(self.output_path):
            raise ValueError(
                f"output_path={self.output_path!r} is relative, and nobody knows to what on a worker: give an absolute "
                "path, or a URL such as s3://connection@bucket/audits"
            )
        if self.report_url and not re.match(r"https?://[^/]|/(?!/)", self.report_url):
            raise ValueError(
                f"report_url={self.report_url!r} is nothing a browser opens: give the http(s) address under which "
                f"output_path={self.output_path!r} is served"
            )

    def prepare(self) -> None:
        """Find out before the audit, not after it, that its place is out of reach. Raises OSError or ValueError."""
        directory = _path(self._directory)
        if directory.protocol in _LOCAL:
            Path(directory.path).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory.path):
                pass
        else:
            directory.fs.exists(directory.path)

    def write(self, audit: Audit) -> Paths:
        """Write the three files; each appears whole or not at all."""
        place = self._new_place(audit.as_of)
        html, markdown, json = (f"{self._directory}/{place}/{name}" for name in (HTML, MARKDOWN, JSON))
        url = self._url(f"{place}/{HTML}")
        _put(html, render_html(audit).encode())
        _put(markdown, render_markdown(audit, url).encode())
        _put(json, render_json(audit))
        return Paths(json, markdown, html, url)

    def latest(self, before: datetime) -> Audit | None:
        """The task's newest audit that was made before ``before``; None when there is none.

        Raises OSError or ValueError when it is there and cannot be read.
        """
        directory = _path(self._directory)
        try:
            listed = directory.fs.ls(directory.path, detail=False)
        except FileNotFoundError:
            return None
        names = (str(path).rstrip("/").rpartition("/")[2] for path in listed)
        for name in sorted(names, reverse=True):
            if _WHOLE.fullmatch(name) and name < _stamp(before):
                try:
                    return read_audit(f"{self._directory}/{name}/{JSON}")
                except FileNotFoundError:
                    continue  # cut off before it was whole
        return None

    @property
    def _directory(self) -> str:
        return f"{self.output_path.rstrip('/')}/{self.dag_id}/{self.task_id}"

    def _new_place(self, as_of: datetime) -> str:
        """A directory that no other audit has; on a disk it is made, and so taken."""
        stamp = _stamp(as_of) + (f"-part{self.map_index:04d}" if self.map_index >= 0 else "")
        places = (stamp if number == 1 else f"{stamp}-{number}" for number in count(1))
        return next(place for place in places if _take(_path(f"{self._directory}/{place}")))

    def _url(self, name: str) -> str | None:
        base = self.report_url or (self.output_path if self.output_path.startswith(("http://", "https://")) else None)
        return f"{base.rstrip('/')}/{quote(f'{self.dag_id}/{self.task_id}/{name}')}" if base else None


def read_audit(path: str) -> Audit:
    """An ``audit.json``. Raises OSError, or ValueError for a file that is none."""
    try:
        return Audit.from_json(read_text(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def input_paths(inputs: Any) -> list[str]:
    """Paths of ``audit.json`` files from what a task was given to merge. Raises ValueError."""
    given = [inputs] if isinstance(inputs, (str, Mapping)) else list(inputs or ())
    paths: list[Any] = [item.get("audit_json") if isinstance(item, Mapping) else item for item in given]
    if not paths:
        raise ValueError("inputs is empty: there is no audit to merge")
    for path in paths:
        if not isinstance(path, str) or not path.strip():
            raise ValueError(f"inputs holds {path!r}: give paths of audit.json files, or what the audits returned")
    return paths


def not_judged(expected: Sequence[str], parts: Sequence[Audit]) -> list[Audit]:
    """One more part, with the expected plans that no other part has judged; none when there are none."""
    judged = {plan.backup_plan_id for part in parts for plan in part.plans}
    plans = tuple(
        audit_unavailable(
            plan_id, "it is in none of the merged audits", as_of=parts[0].as_of, call="The audit of this plan"
        )
        for plan_id in expected
        if plan_id not in judged
    )
    return [msgspec.structs.replace(parts[0], plans=plans, api_calls=0)] if plans else []


def without_pictures(audit: Audit) -> Audit:
    """What a comparison needs of an audit: of a thousand plans the pictures are most of it."""
    plans = tuple(
        PlanAudit(backup_plan_id=plan.backup_plan_id, name=plan.name, severity=plan.severity, findings=plan.findings)
        for plan in audit.plans
    )
    return msgspec.structs.replace(audit, plans=plans)


def read_text(path: str) -> str:
    """A text file, local or in an object store. Raises OSError, or ValueError for one that is not UTF-8."""
    with _path(path).open("rb") as file:
        content: bytes = file.read()
    return content.decode()


def default_output() -> str:
    """``dbs-audits`` in AIRFLOW_HOME, which is found as Airflow finds it."""
    return os.path.join(os.path.expanduser(os.environ.get("AIRFLOW_HOME") or "~/airflow"), "dbs-audits")


def _stamp(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def _path(text: str) -> ObjectStoragePath:
    from airflow.providers.common.compat.sdk import ObjectStoragePath  # fsspec is not for the parsing of DAG files

    return ObjectStoragePath(text)


def _take(directory: ObjectStoragePath) -> bool:
    if directory.protocol not in _LOCAL:
        return not directory.fs.exists(directory.path)
    try:
        Path(directory.path).mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _put(address: str, content: bytes) -> None:
    """An object store shows an object when its upload is complete; on a disk a renamed file does the same."""
    path = _path(address)
    if path.protocol not in _LOCAL:
        with path.open("wb") as file:
            file.write(content)
        return
    target = Path(path.path)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
