"""Ranges that follow from what a direction is, without evaluating anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from landscape_cli.store.directions_file import read_range

Range = tuple[float, float, str]
"""Where a grid should begin and end, and why, in words."""


def _to_checkpoint(section: Mapping[str, Any], axis: str) -> Range | None:
    """Half the checkpoints' distance beyond either of them."""
    return -0.5, 1.5, "the checkpoints being at 0 and 1"


def _in_file(section: Mapping[str, Any], axis: str) -> Range | None:
    """What the file recommends."""
    ends = read_range(section["path"], section.get("axis") or axis)
    return None if ends is None else (*ends, f"as {section['path']} recommends")


KINDS: dict[str, Callable[[Mapping[str, Any], str], Range | None]] = {
    "checkpoint": _to_checkpoint,
    "file": _in_file,
}
"""By kind of direction what gives its range from its settings and axis; None if it can't."""


def known_range(section: Mapping[str, Any], axis: str) -> Range | None:
    """The range of a direction with these settings, or None if it has to be probed.

    The coordinates of a direction that is normalized mean something else, so it has to be probed.

    Raises:
        StoreError: if a file that it comes from can't be read.
    """
    rule = KINDS.get(section.get("kind", "random"))
    if rule is None or section.get("normalize", "none") != "none":
        return None
    return rule(section, axis)
