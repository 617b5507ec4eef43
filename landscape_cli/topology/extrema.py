"""Minima or maxima of gridded values, with those that are significant, and their basins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from landscape_cli.topology.descent import NONE
from landscape_cli.topology.merge_tree import MergeTree, merge_tree
from landscape_cli.topology.significance import PERSISTENCE, Threshold, significant

Values = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Extrema:
    """The minima of an array, or its maxima.

    Args:
        sign: 1 for minima, -1 for maxima.
        tree: the merge tree of ``sign`` times the values.
        threshold: the persistence from which one counts.
        significant: mask of those that count; see ``significance.significant``.
    """

    sign: int
    tree: MergeTree
    threshold: Threshold
    significant: Mask

    @property
    def values(self) -> Values:
        """The values at the extrema, of shape (k,)."""
        return self.sign * self.tree.births

    @property
    def ends(self) -> Values:
        """The values at their saddles, not finite for those that never end."""
        return self.sign * self.tree.deaths

    @cached_property
    def order(self) -> Indices:
        """Numbers of those that count, the most persistent on the threshold's scale first.

        Those that never end come before; what one merges into comes before it.
        """
        numbers = np.flatnonzero(self.significant)
        low, high = np.sort([self.values[numbers], self.ends[numbers]], axis=0)
        endless = self.tree.endless[numbers]
        if self.threshold.log:
            low, high = np.log(np.where(endless, 1, low)), np.log(np.where(endless, 1, high))
        with np.errstate(over="ignore"):
            depth = np.where(endless, np.inf, high - low)
        return numbers[np.argsort(-depth, kind="stable")]

    @cached_property
    def basins(self) -> Indices:
        """The number of the significant extremum that each point belongs to, else ``NONE``."""
        return self.tree.basins(self.significant)

    def smad(self, volumes: Values | None = None) -> float:
        """Return the saddle-minimum average distance, 0 for a single minimum.

        That is the mean, over the minima, of the height of the first node of the merge tree above
        each; all minima count, significant or not. Landscaper (Chen et al. 2026, arXiv 2602.07135)
        takes the contour tree of a graph of empty regions instead.

        Args:
            volumes: weights of the points, of the values' shape, that sum to 1; each height is then
                multiplied by the volume of the minimum's basin.
        """
        known = np.isfinite(self.tree.firsts)
        if not known.any():
            return 0.0
        heights = (self.tree.firsts - self.tree.births)[known]
        if volumes is None:
            return float(heights.mean())
        inside = self.tree.labels != NONE
        sizes = np.bincount(self.tree.labels[inside], volumes[inside], len(known))
        return float((heights * sizes[known]).mean())


def find_extrema(
    values: Values,
    neighbours: int,
    stderr: Values | None = None,
    fraction: float = PERSISTENCE,
    sign: int = 1,
) -> Extrema:
    """Find the minima of an array and the saddles between them, or its maxima.

    Args:
        values: of one, two or three dimensions; points that are not finite are left out.
        neighbours: 2 on a line, 4 or 8 in a plane, 6 or 26 in a volume.
        stderr: standard errors of the values, NaN where unknown.
        fraction: least persistence of a significant one, as a fraction of the range; on a
            logarithmic scale if the values are positive and span more than three decades.
        sign: 1 for minima, -1 for maxima.

    Example:
        >>> found = find_extrema(np.array([[1.0, 3, 0, 2.999, 2.998]]), 4)
        >>> found.values.tolist(), found.significant.tolist()
        ([0.0, 1.0, 2.998], [True, True, False])
        >>> found.basins.tolist()
        [[1, 0, 0, 0, 0]]
    """
    tree = merge_tree(sign * values, neighbours)
    threshold = Threshold.of(values, fraction)
    return Extrema(sign, tree, threshold, significant(tree, threshold, stderr, sign))
