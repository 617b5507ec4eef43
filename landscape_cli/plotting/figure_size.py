"""How large a picture is: the widths of printed columns, or any."""

from __future__ import annotations

import re
from dataclasses import dataclass

from landscape_cli.errors import UsageError

WIDTHS = {"column": 3.5, "double": 7.2}
"""The width in inches of one column of a page (89 mm) and of both (183 mm), as journals have it."""

UNITS = {"": 1.0, "in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
SMALLEST, LARGEST = 1.0, 100.0

_PAIR = re.compile(r"(\d+(?:\.\d*)?)x(\d+(?:\.\d*)?)(in|cm|mm)?")


@dataclass(frozen=True)
class Size:
    """The size of a picture in inches.

    Args:
        width: exact.
        height: exact; what the panels need if None.
    """

    width: float
    height: float | None = None


def parse_size(text: str) -> Size:
    """Read ``column``, ``double`` or ``WxH``, which is in inches, or else ends in cm or mm.

    Raises:
        UsageError: if it has another form, or is too small or large for a picture.
    """
    word = text.strip().lower()
    if word in WIDTHS:
        return Size(WIDTHS[word])
    match = _PAIR.fullmatch(word)
    if match is None:
        raise UsageError(f"--size {text!r}: expected column, double or WxH, such as 5x3 or 12x8cm")
    width, height = (float(number) * UNITS[match[3] or ""] for number in match.group(1, 2))
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise UsageError(f"--size {text!r}: must be from {SMALLEST:g} to {LARGEST:g} inches")
    return Size(width, height)
