# SPDX-License-Identifier: Apache-2.0
"""A benchmark's result as a table that a terminal shows: what, figure, ratio, target, met or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_HEADINGS = ("what", "figure", "ratio", "target", "")


@dataclass(frozen=True)
class Target:
    """A bound that ``measured`` keeps or misses. ``unit`` is for the reader: ``x`` for a ratio."""

    measured: float
    at_least: float | None = None
    at_most: float | None = None
    unit: str = "x"

    @property
    def is_met(self) -> bool:
        return (self.at_least is None or self.measured >= self.at_least) and (
            self.at_most is None or self.measured <= self.at_most
        )

    def __str__(self) -> str:
        bounds = ((">=", self.at_least), ("<=", self.at_most))
        return " and ".join(f"{sign} {bound:g}{self.unit}" for sign, bound in bounds if bound is not None)


@dataclass(frozen=True)
class Line:
    """``ratio`` is given where the figure is compared with another line's."""

    what: str
    figure: str = ""
    ratio: float | None = None
    target: Target | None = None

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        ratio = "" if self.ratio is None else f"{self.ratio:.3g}x"
        verdict = "" if self.target is None else "met" if self.target.is_met else "MISSED"
        return self.what, self.figure, ratio, str(self.target or ""), verdict


@dataclass(frozen=True)
class Table:
    title: str
    lines: Sequence[Line]

    def render(self) -> str:
        rows = [_HEADINGS, *(line.cells for line in self.lines)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        printed = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        printed.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([self.title, *(f"  {row}".rstrip() for row in printed)])
