"""Sizes of pictures: widths of printed columns, or explicit dimensions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from landscape_cli.errors import UsageError

WIDTHS = {"column": 3.5, "double": 7.2}
"""Widths in inches of one column (89 mm) and of a full page (183 mm), as in journals."""

UNITS = {"": 1.0, "in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
"""Inches per unit."""

SMALLEST, LARGEST = 1.0, 100.0
"""Bounds on a picture's width and height in inches."""

_PAIR = re.compile(r"(\d+(?:\.\d*)?)x(\d+(?:\.\d*)?)(in|cm|mm)?")


@dataclass(frozen=True)
class Size:
    """The size of a picture in inches.

    Args:
        width: exact width.
        height: exact height; None for as much as the panels need.
    """

    width: float
    height: float | None = None


def size_of(size: str | tuple[float, float]) -> Size:
    """Return a size given in the form of ``parse_size``, or as width and height in inches.

    Raises:
        UsageError: if the size has another form, or is out of bounds.
    """
    if isinstance(size, str):
        return parse_size(size)
    try:
        width, height = size
        return parse_size(f"{float(width):f}x{float(height):f}")
    except (TypeError, ValueError):
        raise UsageError(
            f"size: expected 'column', 'double' or (width, height) in inches, got {size!r}"
        ) from None


def parse_size(text: str) -> Size:
    """Parse ``column``, ``double`` or ``WxH`` in inches, or in cm or mm with that suffix.

    Raises:
        UsageError: if the text has another form, or the size is out of bounds.
    """
    word = text.strip().lower()
    if word in WIDTHS:
        return Size(WIDTHS[word])
    match = _PAIR.fullmatch(word)
    if match is None:
        raise UsageError(f"--size {text!r}: expected column, double or WxH, such as 5x3 or 12x8cm")
    width, height = (float(number) * UNITS[match[3] or ""] for number in match.group(1, 2))
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise UsageError(f"--size {text!r}: must be between {SMALLEST:g} and {LARGEST:g} inches")
    return Size(width, height)
