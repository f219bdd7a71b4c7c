# SPDX-License-Identifier: Apache-2.0
"""The status colours can be told apart, also without red, green or blue cones, and stand out from the page.

Colour vision deficiencies after Machado et al. 2009 (severity 1.0), distance in CIE Lab, contrast after WCAG 2.
"""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import pytest

STATUSES = ("ok", "warn", "error", "unknown")
VISION = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.9505, 1.0, 1.089)


def themes() -> dict[str, dict[str, str]]:
    css = (files("airflow_provider_dbs.report") / "templates" / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = [dict(re.findall(r"--([a-z-]+): (#[0-9A-Fa-f]{3,6})", block)) for block in blocks]
    return dict(zip(("light", "dark", "print"), colours, strict=True))


def linear(colour: str) -> list[float]:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def lab(rgb):
    def f(t: float) -> float:
        return t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116

    x, y, z = (f(value / white) for value, white in zip(times(TO_XYZ, rgb), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str, vision: str) -> float:
    seen = [lab([min(1, max(0, part)) for part in times(VISION[vision], linear(colour))]) for colour in (one, other)]
    return sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5


def contrast(one: str, other: str) -> float:
    light, dark = sorted((times(TO_XYZ, linear(colour))[1] for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_light_and_print_use_the_four_tested_colours():
    for theme in ("light", "print"):
        assert [themes()[theme][status] for status in STATUSES] == ["#0072B2", "#E69F00", "#A50026", "#767676"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_statuses_can_be_told_apart(theme, vision):
    colours = themes()[theme]
    for one, other in combinations(STATUSES, 2):
        assert distance(colours[one], colours[other], vision) >= 28, (one, other)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_outline_and_words_stand_out(theme):
    colours = themes()[theme]
    for words in ("ink", "quiet", "link"):
        assert contrast(colours[words], colours["ground"]) >= 4.5, words
    # Amber on white is too weak by itself (2.2:1): that is why every mark has an outline in the ink's colour.
    for status in {"ok", "error", "unknown"} if theme != "dark" else STATUSES:
        assert contrast(colours[status], colours["ground"]) >= 3, status
