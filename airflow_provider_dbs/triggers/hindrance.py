# SPDX-License-Identifier: Apache-2.0
"""What keeps a watch from its work, in the log: once when it comes, once when it is over, not at every look."""

from __future__ import annotations

import logging


class Hindrance:
    """``subject`` begins each line. ``kind`` tells hindrances apart, whose words differ each time (request ids)."""

    def __init__(self, log: logging.Logger, subject: str) -> None:
        self._log = log
        self._subject = subject
        self._kind: object = None

    def met(self, kind: object, message: str, *, crash: bool = False) -> None:
        """``crash``: with the traceback of the exception that is being handled."""
        if kind != self._kind:
            self._kind = kind
            self._log.error("%s %s", self._subject, message, exc_info=crash)

    def over(self) -> None:
        if self._kind is not None:
            self._kind = None
            self._log.info("%s is in order again", self._subject)
