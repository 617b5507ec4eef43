"""Boxes of scattered points, each with the points around it, so that none takes long to solve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
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
        number: of the box among all.
        core: indices of the points inside, of shape (c,).
        near: indices of those and of the closest ones around them, ascending, of shape (n,).
    """

    number: int
    core: Indices
    near: Indices


@dataclass(frozen=True)
class _Halves:
    """A part of space that is halved further: the halves below a coordinate and from it on."""

    axis: int
    middle: float
    lower: _Halves | Box
    upper: _Halves | Box


class Boxes:
    """The unit cube, halved until few points are in each box.

    Args:
        points: distinct coordinates between 0 and 1, of shape (n, d).
    """

    def __init__(self, points: Points) -> None:
        self._points = points
        self._found: list[Box] = []

    @cached_property
    def _root(self) -> _Halves | Box:
        core, size = np.arange(len(self._points)), self._points.shape[1]
        if len(core) <= WHOLE:
            return self._box(core, core)
        return self._halved(core, np.zeros(size), np.ones(size))

    def all(self) -> list[Box]:
        """Return the boxes; every point is in the core of exactly one."""
        assert self._root is not None
        return self._found

    def with_targets(self, targets: Points) -> Iterator[tuple[Box, Indices]]:
        """Yield the boxes in which targets are, with the indices of these.

        Args:
            targets: coordinates between 0 and 1, of shape (t, d).
        """
        if len(targets):
            yield from _divided(self._root, targets, np.arange(len(targets)))

    def _box(self, core: Indices, near: Indices) -> Box:
        self._found.append(Box(len(self._found), core, near))
        return self._found[-1]

    def _halved(self, core: Indices, low: Points, high: Points) -> _Halves | Box:
        if len(core) <= CORE:
            return self._box(core, _with_surroundings(self._points, core, low, high))
        axis = int(np.argmax(high - low))
        middle = float((low[axis] + high[axis]) / 2)
        above = self._points[core, axis] >= middle
        end, start = high.copy(), low.copy()
        end[axis] = start[axis] = middle
        lower = self._halved(core[~above], low, end)
        return _Halves(axis, middle, lower, self._halved(core[above], start, high))


def _divided(part: _Halves | Box, targets: Points, asked: Indices) -> Iterator[tuple[Box, Indices]]:
    if isinstance(part, Box):
        yield part, asked
        return
    above = targets[asked, part.axis] >= part.middle
    for half, within in ((part.lower, asked[~above]), (part.upper, asked[above])):
        if len(within):
            yield from _divided(half, targets, within)


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
