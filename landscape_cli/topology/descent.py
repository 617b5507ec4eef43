"""Basins by descent: from each point of a grid, steps to the lowest neighbour lead to a minimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.topology.neighbours import pairs

Values = NDArray[np.float64]
Indices = NDArray[np.int64]

NONE = -1
"""Number that stands for no point, and no minimum."""


@dataclass(frozen=True)
class Descent:
    """The finest basins of an array, with the lowest pass between each two that touch.

    Minima are numbered from the lowest one on; points of equal value are ordered by their index.

    Args:
        minima: flat index of each point that is lower than all its neighbours, of shape (k,).
        labels: the number of each point's minimum, of the array's shape; ``NONE`` for points
            without a value.
        links: numbers of two basins that touch, of shape (m, 2), the lowest pass first.
        passes: flat index of the lowest pass between these, of shape (m,).
    """

    minima: Indices
    labels: Indices
    links: Indices
    passes: Indices


def descend(values: Values, neighbours: int) -> Descent:
    """Divide the finite points of an array into basins.

    Args:
        values: of one, two or three dimensions.
        neighbours: of a point, as in ``NEIGHBOURS``.
    """
    flat = values.ravel()
    finite = np.flatnonzero(np.isfinite(flat))
    order = finite[np.argsort(flat[finite], kind="stable")]
    rank = np.full(values.shape, len(order))
    rank.ravel()[order] = np.arange(len(order))
    lowest, labels = _basins(rank, order, neighbours)
    links, passes = _passes(rank, labels, neighbours)
    return Descent(order[lowest], labels, links, order[passes])


def _basins(rank: Indices, order: Indices, neighbours: int) -> tuple[Indices, Indices]:
    """Follow the steps from every point.

    Args:
        rank: of each point in ascending order, the number of all for those without a value.
        order: flat index of the point of each rank.
        neighbours: of a point.

    Returns:
        Ranks of the minima, and the labels of all points.
    """
    step = rank.copy()
    for here, there in pairs(rank.ndim, neighbours):
        np.minimum(step[here], rank[there], out=step[here])
        np.minimum(step[there], rank[here], out=step[there])
    below = np.append(step.ravel()[order], len(order))
    while not np.array_equal(further := below[below], below):
        below = further
    lowest = np.unique(below[:-1])
    numbers = np.full(len(order) + 1, NONE)
    numbers[lowest] = np.arange(len(lowest))
    return lowest, numbers[below[rank]]


def _passes(rank: Indices, labels: Indices, neighbours: int) -> tuple[Indices, Indices]:
    """Return the pairs of basins that touch, and the rank of the lowest pass between each."""
    count = int(labels.max(initial=0)) + 1
    keys, heights = [], []
    for here, there in pairs(rank.ndim, neighbours):
        first, second = labels[here].ravel(), labels[there].ravel()
        touch = (first != second) & (first != NONE) & (second != NONE)
        first, second = first[touch], second[touch]
        keys.append(np.minimum(first, second) * count + np.maximum(first, second))
        heights.append(np.maximum(rank[here], rank[there]).ravel()[touch])
    key, height = np.concatenate(keys), np.concatenate(heights)
    ascending = np.lexsort((key, height))
    _, first_of_each = np.unique(key[ascending], return_index=True)
    chosen = ascending[np.sort(first_of_each)]
    return np.column_stack(np.divmod(key[chosen], count)), height[chosen]
