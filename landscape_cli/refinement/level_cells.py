"""Cells of a level of a grid, and the points of the next level that touch them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices

Mask = NDArray[np.bool_]


class Cells:
    """Boxes between neighbouring points of a level.

    Args:
        old: the level's indices along each dimension.
        new: the next level's indices along each dimension.
    """

    def __init__(self, old: Sequence[Indices], new: Sequence[Indices]) -> None:
        self._shape = tuple(max(1, len(indices) - 1) for indices in old)
        pairs = zip(old, new, self._shape, strict=True)
        self._sides = [_sides(before, after, count) for before, after, count in pairs]

    def around(self, points: Mask) -> Mask:
        """Return the points of the next level that share a cell with any of these.

        Cells include their borders.

        Args:
            points: a mask over the next level.

        Returns:
            A mask over the next level.
        """
        indices = np.nonzero(points)
        cells = np.zeros(self._shape, dtype=bool)
        for sides in self._touching():
            cells[tuple(side[along] for side, along in zip(sides, indices, strict=True))] = True
        around = np.zeros(points.shape, dtype=bool)
        for sides in self._touching():
            around |= cells[np.ix_(*sides)]
        return around

    def _touching(self) -> Iterator[tuple[Indices, ...]]:
        """Yield every choice of sides: for each dimension, the cells on one side of all points."""
        return product(*self._sides)


def _sides(old: Indices, new: Indices, count: int) -> tuple[Indices, Indices]:
    """Return the indices of the cells below and above each point; equal inside a cell."""
    above = np.searchsorted(old, new, side="right") - 1
    below = np.where(old[above] == new, above - 1, above)
    return np.clip(below, 0, count - 1), np.clip(above, 0, count - 1)
