"""The cells of a level of a grid, and which points of the next level touch them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices

Mask = NDArray[np.bool_]


class Cells:
    """The boxes between neighbouring points of a level.

    Args:
        old: the level's indices along each dimension.
        new: the next level's indices along each dimension.
    """

    def __init__(self, old: Sequence[Indices], new: Sequence[Indices]) -> None:
        self._shape = tuple(max(1, len(indices) - 1) for indices in old)
        pairs = zip(old, new, self._shape, strict=True)
        self._sides = [_sides(before, after, count) for before, after, count in pairs]

    def around(self, points: Mask) -> Mask:
        """All points of the next level that share a cell, its border included, with some of these.

        Args:
            points: a mask over the next level.
        """
        where = np.nonzero(points)
        cells = np.zeros(self._shape, dtype=bool)
        for sides in self._touching():
            cells[tuple(side[place] for side, place in zip(sides, where, strict=True))] = True
        found = np.zeros(points.shape, dtype=bool)
        for sides in self._touching():
            found |= cells[np.ix_(*sides)]
        return found

    def _touching(self) -> Iterator[tuple[Indices, ...]]:
        """For each dimension the cell on one side of every point, for all choices of sides."""
        return product(*self._sides)


def _sides(old: Indices, new: Indices, count: int) -> tuple[Indices, Indices]:
    """The numbers of the cells below and above each point; the same one inside a cell."""
    above = np.searchsorted(old, new, side="right") - 1
    below = np.where(old[above] == new, above - 1, above)
    return np.clip(below, 0, count - 1), np.clip(above, 0, count - 1)
