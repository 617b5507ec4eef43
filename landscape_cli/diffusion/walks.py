"""Random walks with the step lengths of trainings, as squared distances between their points.

Points are known by their distances alone, and no vector of the parameter space is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from landscape_cli.diffusion.products import squared_distances

Floats = NDArray[np.float64]

Walk: TypeAlias = Callable[[np.random.Generator], Floats]
"""Draws a walk: squared distances of its points, of shape (n, n)."""


def spans_of(training: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the numbers of the points of each training, in order."""
    return [np.flatnonzero(training == one) for one in np.unique(training)]


def random_steps(distances2: Floats, training: NDArray[np.int64], dimension: int) -> Walk:
    """Return a walk whose steps go in random directions of the parameter space.

    Each training starts at its own first point, so that these keep their places, and takes steps of
    its own lengths in its own order. Directions are independent and uniform on the sphere of the
    whole space. The Gram matrix of m Gaussian vectors in P dimensions, m at most P, is drawn as
    L L^T by Bartlett's decomposition of the Wishart distribution: L is lower triangular, with
    independent standard normal entries below the diagonal, and row i's diagonal entry is chi
    distributed with P - i degrees of freedom, i from 0.

    Args:
        distances2: squared distances of the trainings' points, of shape (n, n).
        training: number of each point's training, of shape (n,).
        dimension: P, of the parameter space.
    """
    spans = spans_of(training)
    starts = _places([int(span[0]) for span in spans], distances2, dimension)
    lengths = [np.sqrt(distances2[span[:-1], span[1:]]) for span in spans]
    steps = sum(map(len, lengths))

    def draw(numbers: np.random.Generator) -> Floats:
        directions = _gaussian(numbers, steps, dimension, starts.shape[1])
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        directions *= np.concatenate(lengths)[:, None]
        points = np.zeros((len(distances2), directions.shape[1]))
        done = 0
        for span, start in zip(spans, starts, strict=True):
            points[span[0], : len(start)] = start
            points[span[1:]] = directions[done : done + len(span) - 1]
            points[span] = np.cumsum(points[span], axis=0)
            done += len(span) - 1
        return squared_distances(points @ points.T)

    return draw


def permuted_steps(distances2: Floats, training: NDArray[np.int64]) -> Walk:
    """Return a walk that takes each training's own steps, in random order.

    Each training starts at its own first point and ends at its own last.

    Args:
        distances2: squared distances of the trainings' points, of shape (n, n).
        training: number of each point's training, of shape (n,).
    """
    spans = spans_of(training)
    about_first = (distances2[:, :1] + distances2[:1] - distances2) / 2
    steps = _differences(_differences(about_first, spans).T, spans)

    def draw(numbers: np.random.Generator) -> Floats:
        order = np.arange(len(distances2))
        for span in spans:
            order[span[1:]] = numbers.permutation(span[1:])
        shuffled = steps[np.ix_(order, order)]
        return squared_distances(_sums(_sums(shuffled, spans).T, spans))

    return draw


def _places(starts: Sequence[int], distances2: Floats, dimension: int) -> Floats:
    """Return coordinates of some points about the first, of shape (t, at most t - 1)."""
    among = distances2[np.ix_(starts, starts)]
    products = (among[:, :1] + among[:1] - among) / 2
    values, vectors = np.linalg.eigh(products)
    kept = min(len(starts) - 1, dimension)
    chosen = slice(len(starts) - kept, None)
    found: Floats = vectors[:, chosen] * np.sqrt(np.maximum(values[chosen], 0.0))
    return found


def _gaussian(numbers: np.random.Generator, count: int, dimension: int, first: int) -> Floats:
    """Return vectors with the inner products of Gaussian ones, and their first entries.

    Args:
        numbers: the source of random numbers.
        count: m, number of vectors.
        dimension: P, of their space.
        first: number of entries that are drawn as such.

    Returns:
        Coordinates of shape (m, P) if P is at most first + m, else (m, first + m).
    """
    rest = dimension - first
    if rest <= count:
        return numbers.standard_normal((count, dimension))
    found = np.zeros((count, first + count))
    found[:, :first] = numbers.standard_normal((count, first))
    triangle = found[:, first:]
    rows, columns = np.tril_indices(count, -1)
    triangle[rows, columns] = numbers.standard_normal(len(rows))
    np.fill_diagonal(triangle, np.sqrt(numbers.chisquare(rest - np.arange(count))))
    return found


def _differences(rows: Floats, spans: Sequence[NDArray[np.int64]]) -> Floats:
    """Replace each row but a training's first by its difference from the one before."""
    found = rows.copy()
    for span in spans:
        found[span[1:]] = rows[span[1:]] - rows[span[:-1]]
    return found


def _sums(rows: Floats, spans: Sequence[NDArray[np.int64]]) -> Floats:
    """Undo ``_differences``."""
    found = rows.copy()
    for span in spans:
        found[span] = np.cumsum(rows[span], axis=0)
    return found
