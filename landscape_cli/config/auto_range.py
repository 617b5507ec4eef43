"""Ranges that a run chooses itself: ``grid: {x: auto}``, or ``auto:31`` for 31 points."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from landscape_cli.records.grid import Axis

POINTS = 51
"""Number of points of an ``auto`` axis until its slice or direction sets another."""


def is_auto(value: Any) -> bool:
    """Return True for the ranges ``auto`` and ``auto:N``, also if N is malformed."""
    return isinstance(value, str) and value.strip().lower().partition(":")[0] == "auto"


def fill_auto(values: Any) -> Any:
    """Replace the range ``auto`` by a placeholder.

    Args:
        values: a configuration that has not been validated yet.

    Returns:
        The values with such axes listed under ``auto``, and those without a number of points under
        ``auto_points`` too.

    Raises:
        ValueError: naming an axis that does not exist, or whose range is malformed.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("grid"), Mapping):
        return values
    grid = values["grid"]
    texts = {axis: text.strip() for axis, text in grid.items() if is_auto(text)}
    placeholders = {axis: Axis(-1, 1, _points(text, axis)) for axis, text in texts.items()}
    listed = values.get("auto") or []
    if isinstance(listed, list):
        for axis in listed:
            if not isinstance(axis, str) or axis not in grid:
                raise ValueError(f"auto: there is no axis {axis!r}; write grid.x: auto instead")
    if not placeholders:
        return values
    return {
        **values,
        "grid": {**grid, **placeholders},
        "auto": [*listed, *placeholders],
        "auto_points": [axis for axis, text in texts.items() if ":" not in text],
    }


def _points(text: str, axis: Any) -> int:
    _, colon, count = text.partition(":")
    if not colon:
        return POINTS
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", count) or int(count) < 2:
        raise ValueError(f"grid.{axis}: expected auto or auto:N with N >= 2, got {text!r}")
    return int(count)
