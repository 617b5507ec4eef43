"""Sublevel merge trees: how the pieces of {L <= c} appear and merge as c rises.

A piece is born at a minimum. Where two pieces meet, at a saddle, the one with the higher minimum
ends there (the elder rule); the height of the saddle above that minimum is its persistence
(Edelsbrunner, Letscher & Zomorodian, Discrete Comput. Geom. 28, 2002). Points of equal value are
ordered by their index. A minimum of persistence 0 is a part of a plateau, and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.topology.descent import NONE, Descent, descend
from landscape_cli.topology.union_find import UnionFind

Values = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class MergeTree:
    """The minima of an array, and the saddles at which their pieces end.

    Minima are numbered by persistence, the largest first. Those that never end come before, the
    lowest as number 0: there is one in each region that points without a value separate from the
    others.

    Args:
        minima: flat index of each minimum, of shape (k,).
        saddles: flat index of the saddle at which it ends, ``NONE`` if it never does.
        births: its value.
        deaths: the value at that saddle, infinite if there is none.
        parents: the number of the minimum that lives on there, ``NONE`` if there is none.
        firsts: the value at the lowest saddle that its piece reaches, NaN if there is none.
        highest: the largest value in its region.
        links: at its saddle, the numbers of the two minima whose basins touch, of shape (k, 2).
        labels: the number of the minimum to whose basin each point belongs, of the array's shape;
            ``NONE`` for points without a value.
    """

    minima: Indices
    saddles: Indices
    births: Values
    deaths: Values
    parents: Indices
    firsts: Values
    highest: Values
    links: Indices
    labels: Indices

    @property
    def persistence(self) -> Values:
        """Height of each minimum's saddle above it, infinite for those that never end."""
        return self.deaths - self.births

    @property
    def endless(self) -> Mask:
        """Mask of the minima that never end."""
        return np.asarray(self.saddles == NONE)

    def pieces(self, level: float) -> Mask:
        """Return a mask with the lowest minimum of each piece of {L <= level}."""
        return np.asarray((self.births <= level) & (self.deaths > level))

    def with_ancestors(self, chosen: Mask) -> Mask:
        """Return a mask of the chosen minima and of those that live on where they end."""
        kept = chosen.copy()
        for number in np.flatnonzero(chosen).tolist():
            above = int(self.parents[number])
            while above != NONE and not kept[above]:
                kept[above] = True
                above = int(self.parents[above])
        return kept

    def basins(self, kept: Mask) -> Indices:
        """Return the number of the kept minimum whose basin each point belongs to.

        The basin of a minimum that is not kept becomes a part of the one across its saddle.

        Args:
            kept: mask of the minima, which includes those that live on where one of them ends.

        Returns:
            An array like ``labels``, also ``NONE`` in regions without a kept minimum.
        """
        joined = UnionFind(len(kept))
        for number in np.flatnonzero(~kept & ~self.endless).tolist():
            joined.unite(*self.links[number].tolist())
        group = np.array(joined.all(), dtype=np.int64)
        owner = np.full(len(kept), NONE)
        owner[group[kept]] = np.flatnonzero(kept)
        return np.append(owner[group], NONE)[self.labels]


def merge_tree(values: Values, neighbours: int) -> MergeTree:
    """Build the merge tree of the sublevel sets of an array.

    The result is that of union-find over the sorted points, which is only done over basins here:
    the points up to any level are connected exactly as the basins they lie in.

    Args:
        values: of one, two or three dimensions; points that are not finite are left out. Negated
            values give the tree of the superlevel sets, whose minima are the maxima.
        neighbours: 2 on a line, 4 or 8 in a plane, 6 or 26 in a volume.

    Example:
        >>> tree = merge_tree(np.array([3.0, 0, 2, 1, 5]), 2)
        >>> tree.births.tolist(), tree.deaths.tolist()
        ([0.0, 1.0], [inf, 2.0])
    """
    flat = values.ravel()
    merged = _Merging(flat, descend(values, neighbours))
    for (first, second), place in zip(
        merged.found.links.tolist(), merged.found.passes.tolist(), strict=True
    ):
        merged.join(first, second, place)
    return merged.tree()


class _Merging:
    """The state while basins are merged over their passes, the lowest first."""

    def __init__(self, flat: Values, found: Descent) -> None:
        count = len(found.minima)
        self.found = found
        self._flat, self._births = flat, flat[found.minima]
        self._saddles, self._parents = np.full(count, NONE), np.full(count, NONE)
        self._links, self._firsts = np.full((count, 2), NONE), np.full(count, np.nan)
        self._pieces, self._plateaus = UnionFind(count), UnionFind(count)

    def join(self, first: int, second: int, place: int) -> None:
        """Join the pieces of two basins at the pass between them, a flat index."""
        joined = self._pieces.unite(first, second)
        if joined is None:
            return
        elder, younger = joined
        height = self._flat[place]
        if height == self._births[younger]:
            self._plateaus.unite(first, second)
            return
        self._saddles[younger], self._parents[younger] = place, elder
        self._links[younger] = first, second
        for one in joined:
            if np.isnan(self._firsts[one]):
                self._firsts[one] = height

    def tree(self) -> MergeTree:
        """Return the tree of the minima that are more than a part of a plateau."""
        whole = np.array(self._plateaus.all(), dtype=np.int64)
        proper = np.flatnonzero(whole == np.arange(len(whole)))
        saddles = self._saddles[proper]
        deaths = np.where(saddles == NONE, np.inf, self._flat[saddles])
        with np.errstate(over="ignore"):
            ranks = np.lexsort((self._births[proper] - deaths, saddles != NONE))
        proper, saddles, deaths = proper[ranks], saddles[ranks], deaths[ranks]
        number = np.full(len(whole) + 1, NONE)
        number[proper] = np.arange(len(proper))
        number[:-1] = number[whole]
        return MergeTree(
            self.found.minima[proper],
            saddles,
            self._births[proper],
            deaths,
            number[self._parents[proper]],
            self._firsts[proper],
            self._tops()[proper],
            number[self._links[proper]],
            number[self.found.labels],
        )

    def _tops(self) -> Values:
        """Return the largest value in the region of each basin."""
        labels = self.found.labels.ravel()
        regions = np.array(self._pieces.all(), dtype=np.int64)
        tops = np.full(len(regions), -np.inf)
        known = labels != NONE
        np.maximum.at(tops, regions[labels[known]], self._flat[known])
        return tops[regions]
