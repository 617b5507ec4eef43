"""Coarse to fine: a nested sequence of sub-grids, from a few points along each axis to all.

Level L of an axis of n points cuts it into p = 4 * 2**L gaps, or 6 * 2**L if that fits n - 1 more
closely: its points are the indices i * (n - 1) / p, rounded. Doubling p keeps them all, so levels
are nested; both ends belong to the coarsest, and so does the middle of an odd axis. No two gaps of
a level differ by more than one index, so the largest is at most twice the smallest; all are equal
where p divides n - 1. The last level is the whole axis, and the first one if n is at most 7.

Level L of a grid is the product of its axes' levels L, of the last one for an axis that has fewer.
Repeats of a grid have no levels of their own: a point is on the same one in all of them.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

COARSEST = (4, 6)
"""The gaps that a coarsest level can have: even numbers, so that it holds the middle."""


def axis_levels(points: int) -> list[Indices]:
    """The indices of an axis that belong to each level, ascending, the coarsest level first."""
    last = points - 1
    gaps = min(COARSEST, key=lambda coarsest: _doubled(coarsest, last))
    found = []
    while gaps < last:
        steps = np.arange(gaps + 1)
        # Halves are rounded towards the middle, so that the mirror image of an odd axis is itself.
        up = steps < gaps // 2
        found.append((2 * steps * last + gaps - 1 + up) // (2 * gaps))
        gaps *= 2
    return [*found, np.arange(points)]


def level_of_points(shape: tuple[int, ...], repeated: bool = False) -> NDArray[np.int8]:
    """The number of the coarsest level that each point of a grid of this shape belongs to.

    Args:
        shape: the grid's shape.
        repeated: whether its first dimension counts repeats.
    """
    if repeated:
        return np.broadcast_to(level_of_points(shape[1:]), shape)
    axes = []
    for points in shape:
        first = np.empty(points, np.int8)
        for level, indices in reversed(list(enumerate(axis_levels(points)))):
            first[indices] = level
        axes.append(first)
    return reduce(np.maximum.outer, axes)


def coarse_to_fine(shape: tuple[int, ...], todo: Indices, repeated: bool = False) -> Indices:
    """Flat indices of points sorted by the level they belong to, by index within a level.

    Args:
        shape: the grid's shape.
        todo: the points, flat indices of shape (k,).
        repeated: whether the first dimension counts repeats; their coarse points all come first.

    Returns:
        The same points, of shape (k,).
    """
    todo = np.sort(todo)
    levels = level_of_points(shape, repeated).ravel()[todo]
    return todo[np.argsort(levels, kind="stable")]


def finest_complete(done: NDArray[np.bool_]) -> tuple[Indices, ...] | None:
    """The finest level all of whose points are done.

    Args:
        done: which points are, of the grid's shape.

    Returns:
        The level's indices along each dimension of ``done``; None if no level is complete.
    """
    if done.all():
        return tuple(np.arange(points) for points in done.shape)
    level = int(level_of_points(done.shape)[~done].min()) - 1
    if level < 0:
        return None
    axes = [axis_levels(points) for points in done.shape]
    return tuple(levels[min(level, len(levels) - 1)] for levels in axes)


def _doubled(gaps: int, least: int) -> int:
    """The number doubled until it is at least so large."""
    while gaps < least:
        gaps *= 2
    return gaps
