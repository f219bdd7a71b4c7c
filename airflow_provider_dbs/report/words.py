# SPDX-License-Identifier: Apache-2.0
"""How a report says things: durations, instants, quantities, and texts of the service made safe to show.

``plain`` is for every text that comes from outside (plan names, error messages, ids): one line, without control
characters, and without the user names, endpoints, key ids and secrets that a report leaves out. It does not escape:
that belongs to the format (Jinja2's autoescape, ``markdown.escape``).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from airflow_provider_dbs.judgement.audit.findings import Severity
from airflow_provider_dbs.judgement.words import clean
from airflow_provider_dbs.judgement.words import duration as length_words

NONE = "–"
LONGEST_TEXT = 300

SEVERITY_LABELS = {
    Severity.ERROR: "error",
    Severity.UNKNOWN: "unknown",
    Severity.WARN: "warning",
    Severity.INFO: "info",
    Severity.OK: "ok",
    Severity.NOT_EVALUATED: "not evaluated",
}

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_ISO_TIME = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d{1,6})?)?Z")

_LEFT_OUT = (
    (re.compile(r"'[^'\s]{1,64}'@'[^'\s]{1,255}'"), "[user]"),  # how MySQL names an account
    (re.compile(r"(?i)\b(user(?:[ _]?name)?|role)(\s*[:=]?\s*)(['\"])[^'\"\s]{1,64}\3"), r"\1\2[user]"),
    (re.compile(r"(?i)\b(user(?:[ _]?name)?)(\s*[:=]\s*)[^\s'\"\[,;]{1,64}"), r"\1\2[user]"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@]{1,200}@"), r"\1[user]@"),
    (
        re.compile(r"(?i)(password|passwd|pwd|secret|token)(['\"]?\s*[:=]\s*)(?!(?:yes|no)\b)[^\s,;]{1,200}"),
        r"\1\2[secret]",
    ),
    (re.compile(r"\b(?:LTAI|STS\.)[A-Za-z0-9]{8,64}\b"), "[key id]"),
    (re.compile(r"(?i)\b[a-z0-9][a-z0-9.-]{0,200}\.aliyuncs\.com(?::\d{1,5})?"), "[endpoint]"),
    (re.compile(r"(?i)\b(host(?:[ _]?name)?\s*[:=]\s*|server on )(?!\[)[^\s,;]{1,255}"), r"\1[endpoint]"),
    (re.compile(r"(?i)\b(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}:\d{2,5}\b"), "[endpoint]"),
    (re.compile(r"(?i)\[(?=[0-9a-f:]{0,40}::)[0-9a-f:]{2,45}\](?::\d{1,5})?"), "[endpoint]"),
    (re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\d.])"), "[endpoint]"),
)


def plain(text: object, longest: int = LONGEST_TEXT) -> str:
    """One clean line of at most ``longest`` characters; user names, endpoints and key ids are replaced by a word."""
    line = str(text)[: longest * 8]
    for pattern, word in _LEFT_OUT:
        line = pattern.sub(word, line)
    return clean(line, longest)


def sentence(text: str) -> str:
    """With a capital at the start, unless it starts with an id, and with its ISO times as a report writes them."""
    text = _ISO_TIME.sub(r"\1 \2", text)
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.rstrip(",:;").isalpha() else text


def duration(seconds: float | None) -> str:
    """``4 d 2 h``, ``3 h 20 min``, ``45 s``: the two largest parts."""
    if seconds is None:
        return NONE
    return f"{'-' if seconds < 0 else ''}{length_words(timedelta(seconds=seconds))}"


def instant(moment: datetime | None) -> str:
    """``2026-11-21 02:00`` in UTC (the page says once that all times are UTC)."""
    return NONE if moment is None else moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M")


def timestamp(moment: datetime) -> str:
    """For the ``datetime`` attribute of a ``<time>``: ``2026-11-21T02:00Z``."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ")


def local_instant(moment: datetime, zone: str) -> str | None:
    """The same instant in ``zone``; None when that says nothing new."""
    named = _zone(zone)
    return None if named is None else f"{moment.astimezone(named):%Y-%m-%d %H:%M} {zone}"


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    if name.upper() in ("", "UTC", "Z", "ETC/UTC"):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def number(value: float) -> str:
    """At most three significant digits after the whole part: ``0.952``, ``12.5``, ``1440``."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def size(value: float | None) -> str:
    """``12.4 G``. No page of the service names the unit of BackupSize, so none is named here either."""
    if value is None:
        return NONE
    magnitude = float(value)
    for prefix in ("", "k", "M", "G", "T", "P"):
        if abs(magnitude) < 999.5 or prefix == "P":
            break
        magnitude /= 1000
    digits = f"{magnitude:.0f}" if not prefix or abs(magnitude) >= 99.95 else f"{magnitude:.3g}"
    return f"{digits} {prefix}".rstrip()


def share(ratio: float | None) -> str:
    """``99.2 %``, cut rather than rounded: only what is whole is called 100 %."""
    return NONE if ratio is None else f"{number(int(round(ratio * 1000, 6)) / 10)} %"


def quantity(value: float | str | None, unit: str | None) -> str:
    """A measured value or a limit in the words of its unit (``Finding.unit``)."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return plain(value, 60)
    if unit == "seconds":
        return duration(value)
    if unit == "days":
        return f"{number(value)} d"
    if unit == "ratio":
        return share(value)
    if unit == "size":
        return size(value)
    return number(value)


def schedule(period: str | None, start_time: str | None, zone: str) -> str:
    """``every day at 02:00 UTC``, ``Mon, Wed at 02:00 UTC``."""
    days = [day.strip().lower() for day in (period or "").split(",") if day.strip()]
    if not days:
        return "no schedule"
    daily = set(days) >= set(_WEEKDAYS)
    when = "every day" if daily else ", ".join(plain(day[:3].capitalize()) for day in days[:7])
    return f"{when} at {plain(start_time, 20)} {plain(zone, 40)}" if start_time else when


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """``1 plan``, ``12 plans``, ``1,000 plans``."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"
