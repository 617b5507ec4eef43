"""Coarse to fine: a nested sequence of sub-grids, from a few points along each axis to all.

Level L of an axis of n points divides it into p = 4 * 2**L gaps, or 6 * 2**L if that sequence fits
n - 1 more closely: its points are the indices i * (n - 1) / p, rounded. Doubling p keeps all of
them, so levels are nested; every level contains both ends, and the middle of an odd axis. The gaps
of a level differ by at most one index, so the largest is at most twice the smallest; all are equal
if p divides n - 1. The last level is the whole axis; if n is at most 7, it is also the first.

Level L of a grid is the product of its axes' levels L; an axis with fewer levels contributes its
last one. Repeats have no levels of their own: a point is on the same level in every repeat.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

COARSEST = (4, 6)
"""Numbers of gaps that the coarsest level may have; even, so that it contains the middle."""


def axis_levels(points: int) -> list[Indices]:
    """Return the indices of an axis that belong to each level, ascending, coarsest level first."""
    last = points - 1
    gaps = min(COARSEST, key=lambda coarsest: _doubled(coarsest, last))
    levels = []
    while gaps < last:
        steps = np.arange(gaps + 1)
        # Halves are rounded towards the middle, so that the levels of an odd axis are symmetric.
        up = steps < gaps // 2
        levels.append((2 * steps * last + gaps - 1 + up) // (2 * gaps))
        gaps *= 2
    return [*levels, np.arange(points)]


def level_of_points(shape: tuple[int, ...], repeated: bool = False) -> NDArray[np.int8]:
    """Return the number of the coarsest level that contains each point of a grid.

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
    """Sort points by the level they belong to, and by index within a level.

    Args:
        shape: the grid's shape.
        todo: flat indices of the points, of shape (k,).
        repeated: whether the first dimension counts repeats; the coarse points of all repeats then
            come first.

    Returns:
        The same indices, sorted, of shape (k,).
    """
    todo = np.sort(todo)
    levels = level_of_points(shape, repeated).ravel()[todo]
    return todo[np.argsort(levels, kind="stable")]


def finest_complete(done: NDArray[np.bool_]) -> tuple[Indices, ...] | None:
    """Return the finest level all of whose points are done.

    Args:
        done: mask of the points that are done, of the grid's shape.

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
    """Double a number until it is at least ``least``."""
    while gaps < least:
        gaps *= 2
    return gaps
