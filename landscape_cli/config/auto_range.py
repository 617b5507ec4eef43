"""Ranges that a run is to find by itself: ``grid: {x: auto}``, or ``auto:31`` for 31 points."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from landscape_cli.records.grid import Axis

POINTS = 51

CHECKPOINT_POINTS = 53
"""From -0.5 to 1.5 in steps of 1/26, so that both checkpoints are grid points."""


def is_auto(value: Any) -> bool:
    """Whether a range is ``auto`` or ``auto:N``, or meant so."""
    return isinstance(value, str) and value.strip().lower().partition(":")[0] == "auto"


def fill_auto(values: Any) -> Any:
    """Give axes with the range ``auto`` one that stands for it, and list them under ``auto``.

    Args:
        values: a configuration that is not validated yet.

    Raises:
        ValueError: naming an axis whose range is wrong, or that there is none.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("grid"), Mapping):
        return values
    grid = values["grid"]
    found = {
        axis: Axis(-1, 1, _points(text, axis, values.get("directions")))
        for axis, text in grid.items()
        if is_auto(text)
    }
    listed = values.get("auto") or []
    if isinstance(listed, list):
        for axis in listed:
            if axis not in grid:
                raise ValueError(f"auto: there is no axis {axis!r}; write grid.x: auto instead")
    return {**values, "grid": {**grid, **found}, "auto": [*listed, *found]} if found else values


def points_for(direction: Any) -> int:
    """How many points suit a direction with these settings, if nobody says."""
    kind = direction.get("kind") if isinstance(direction, Mapping) else None
    return CHECKPOINT_POINTS if kind == "checkpoint" else POINTS


def _points(text: str, axis: Any, directions: Any) -> int:
    _, colon, count = text.strip().partition(":")
    if not colon:
        return points_for(directions.get(axis) if isinstance(directions, Mapping) else None)
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", count) or int(count) < 2:
        raise ValueError(f"grid.{axis}: expected auto or auto:N with N >= 2, got {text!r}")
    return int(count)
