"""Least-squares polynomials in a small window around each inner point of a grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Values = NDArray[np.float64]


def fit_rows(coordinates: Values, size: int, degree: int) -> Values:
    """Return the weights that turn a window's values into the coefficients of its polynomial.

    Args:
        coordinates: along an axis, of shape (n,).
        size: number of points in a window, odd, at most n.
        degree: degree of the polynomial, below ``size``.

    Returns:
        Weights of shape (n - size + 1, degree + 1, size), a row for each power of the distance from
        the window's middle point.
    """
    windows = sliding_window_view(coordinates, size)
    distances = windows - windows[:, size // 2, None]
    powers = distances[..., None] ** np.arange(degree + 1)
    return np.asarray(np.linalg.pinv(powers), dtype=np.float64)


def combine(values: Values, weights: Sequence[Values]) -> Values:
    """Sum over each window of a grid, with weights that are products over the dimensions.

    Args:
        values: over the grid; a NaN makes every sum NaN that includes it.
        weights: for each dimension, the weights of its windows, of shape (n - size + 1, size).

    Returns:
        An array of shape (n - size + 1, ...), an entry for each window.
    """
    for dimension, rows in enumerate(weights):
        windows = sliding_window_view(values, rows.shape[1], axis=dimension)
        shape = [1] * values.ndim
        shape[dimension] = len(rows)
        values = np.sum(windows * rows.reshape(*shape, rows.shape[1]), axis=-1)
    return values
