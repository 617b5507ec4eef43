"""Neighbours on a grid, and the pairs of slices that put neighbouring points side by side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

NEIGHBOURS = {1: (2,), 2: (4, 8), 3: (6, 26)}
"""Numbers of neighbours a point can have, by dimension: across faces alone, and corners too."""

Slices = tuple[slice, ...]


def offsets(dimensions: int, neighbours: int) -> list[tuple[int, ...]]:
    """Return the steps to half of a point's neighbours; the others are their opposites.

    Args:
        dimensions: 1, 2 or 3.
        neighbours: one of ``NEIGHBOURS[dimensions]``.

    Raises:
        ValueError: if it is not one of these.

    Example:
        >>> offsets(2, 4)
        [(0, 1), (1, 0)]
    """
    if neighbours not in NEIGHBOURS[dimensions]:
        allowed = " or ".join(map(str, NEIGHBOURS[dimensions]))
        raise ValueError(f"neighbours: got {neighbours}, expected {allowed}")
    faces = neighbours == NEIGHBOURS[dimensions][0]
    steps = itertools.product((-1, 0, 1), repeat=dimensions)
    half = (step for step in steps if step > (0,) * dimensions)
    return [step for step in half if not faces or sum(map(abs, step)) == 1]


def pairs(dimensions: int, neighbours: int) -> Iterator[tuple[Slices, Slices]]:
    """Yield pairs of indices of an array; the points they select are neighbours, one by one."""
    for step in offsets(dimensions, neighbours):
        yield (
            tuple(slice(max(-move, 0), -move if move > 0 else None) for move in step),
            tuple(slice(max(move, 0), move if move < 0 else None) for move in step),
        )
