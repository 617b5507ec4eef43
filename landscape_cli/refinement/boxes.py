"""Boxes of scattered points, each with the points around it, so that none takes long to solve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices

Points = NDArray[np.float64]

WHOLE = 128
"""Up to this number of points, a single box holds them all."""

CORE = 32
"""Largest number of points in a box otherwise."""

AROUND = 48
"""Number of points around a box that are used with its own, an equal part from each orthant."""


@dataclass(frozen=True)
class Box:
    """A part of space.

    Args:
        core: indices of the points inside, of shape (c,).
        near: indices of those and of the closest ones around them, ascending, of shape (n,).
        targets: indices of the targets inside, of shape (t,).
    """

    core: Indices
    near: Indices
    targets: Indices


def boxes(points: Points, targets: Points) -> Iterator[Box]:
    """Halve the unit cube until few points are in each box.

    Args:
        points: distinct coordinates between 0 and 1, of shape (n, d).
        targets: other coordinates between 0 and 1, of shape (t, d).

    Yields:
        Boxes; every point is in the core of exactly one, and so is every target.
    """
    core, asked = np.arange(len(points)), np.arange(len(targets))
    if len(points) <= WHOLE:
        yield Box(core, core, asked)
    else:
        size = points.shape[1]
        yield from _halved(points, targets, core, asked, np.zeros(size), np.ones(size))


def _halved(
    points: Points, targets: Points, core: Indices, asked: Indices, low: Points, high: Points
) -> Iterator[Box]:
    if len(core) <= CORE:
        if len(core) or len(asked):
            yield Box(core, _with_surroundings(points, core, low, high), asked)
        return
    axis = int(np.argmax(high - low))
    middle = (low[axis] + high[axis]) / 2
    for upper in (False, True):
        inside = core[(points[core, axis] >= middle) == upper]
        within = asked[(targets[asked, axis] >= middle) == upper]
        lower, higher = low.copy(), high.copy()
        (lower if upper else higher)[axis] = middle
        yield from _halved(points, targets, inside, within, lower, higher)


def _with_surroundings(points: Points, core: Indices, low: Points, high: Points) -> Indices:
    """Return the core and the points closest to the box in each orthant around its middle."""
    outside = np.ones(len(points), bool)
    outside[core] = False
    gaps = np.maximum(np.maximum(low - points, points - high), 0)
    distances = (gaps**2).sum(axis=1)
    above = points >= (low + high) / 2
    chosen = [core]
    for orthant in product((False, True), repeat=points.shape[1]):
        there = np.flatnonzero(outside & (above == orthant).all(axis=1))
        chosen.append(_closest(there, distances[there], AROUND >> len(orthant)))
    return np.sort(np.concatenate(chosen))


def _closest(indices: Indices, distances: Points, count: int) -> Indices:
    """Return the indices with the smallest distances; of equal ones, those that come first."""
    if len(indices) <= count:
        return indices
    eligible = np.flatnonzero(distances <= np.partition(distances, count)[count])
    return indices[eligible[np.argsort(distances[eligible], kind="stable")[:count]]]
