# SPDX-License-Identifier: Apache-2.0
"""The vendor's packages, loaded off the loop and made to keep quiet.

Importing them takes half a second or more, and attaches handlers to three loggers, so that every line of a task's log
would appear up to four times.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any

_loaded: set[str] = set()  # only what has been imported in full: sys.modules holds half-imported ones too
_LOGGERS = ("darabonba-core", "alibabacloud-tea", "credentials")
_is_silent: ContextVar[bool] = ContextVar("is_silent", default=False)


async def load(module: str) -> Any:
    """``module``, imported without stopping the loop."""
    return sys.modules[module] if module in _loaded else await asyncio.to_thread(_import, module)


def _import(module: str) -> ModuleType:
    loaded = importlib.import_module(module)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if type(handler) is logging.StreamHandler:
                logger.removeHandler(handler)
        # Below this level they write out requests, and at ERROR the text of a failed refresh with the answer of STS
        # in it; what went wrong is said by this package's errors.
        logger.setLevel(logging.CRITICAL)
    # The renewal of an ECS role's key tells of every job that it schedules, in every task's log.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("urllib3.connectionpool").addFilter(_may_speak)
    _loaded.add(module)
    return loaded


@contextmanager
def silence() -> Iterator[None]:
    """While a key is fetched, urllib3 logs no URL: that of STS holds the caller's token and signature."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)


def _may_speak(record: logging.LogRecord) -> bool:
    return not _is_silent.get()
