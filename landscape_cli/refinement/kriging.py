"""Kriging of scattered points with the kernel r^3, and how far its values may be off.

The prediction is a polyharmonic spline: a sum of |x - x_i|^3 and a linear function, which in one
dimension is the natural cubic spline (Duchon 1977, "Splines minimizing rotation-invariant
semi-norms in Sobolev spaces"). It is also the best linear prediction of a random function with the
generalized covariance r^3 (Matheron 1973, "The intrinsic random functions and their
applications"), which gives a standard deviation at every place, up to the function's scale. That
scale follows from the errors with which every point is predicted by the others, which need no
further solution (Dubrule 1983, "Cross validation of kriging in a unique neighborhood").

Nothing here uses BLAS or LAPACK, whose last bits depend on the processor and on the number of
threads; systems are small (see ``boxes``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.refinement.boxes import Points, boxes

Values = NDArray[np.float64]

RIDGE = 1e-12
"""Variance, relative to a box's, that keeps points on one line or plane from making it singular."""

AT_ONCE = 4096
"""Number of targets that are predicted together."""


@dataclass(frozen=True)
class Prediction:
    """A prediction of values at targets.

    Args:
        values: of shape (t,).
        deviations: their standard deviations for a function of scale 1, of shape (t,).
        scales: squared local scales of the function at the points, of shape (n,): squared errors
            of each point's prediction by the others over their expectation.
    """

    values: Values
    deviations: Values
    scales: Values


def left_out(points: Points, values: Values) -> Values:
    """Return the error with which each value is predicted by the others.

    Args:
        points: distinct coordinates between 0 and 1, of shape (n, d).
        values: at these points, of shape (n, q), for q functions.

    Returns:
        Values minus predictions, of shape (n, q).
    """
    errors = np.empty_like(values)
    for box in boxes(points, points[:0]):
        near = _scaled(points[box.near], points[box.near])[0]
        inverse = _inverse(near, np.zeros(len(near)))
        weights = _product(inverse[:, : len(near)], values[box.near])[: len(near)]
        own = np.searchsorted(box.near, box.core)
        errors[box.core] = weights[own] / np.diag(inverse)[own, None]
    return errors


def predict(
    points: Points, values: Values, noise: Values, targets: Points, deviations: bool = True
) -> Prediction:
    """Predict a function at targets from noisy values.

    Args:
        points: distinct coordinates between 0 and 1, of shape (n, d).
        values: at these points, of shape (n,).
        noise: standard deviations of the values' noise, of shape (n,).
        targets: coordinates between 0 and 1, of shape (t, d).
        deviations: whether to compute standard deviations, which takes most of the time; else they
            are NaN.
    """
    found, spread = np.empty(len(targets)), np.full(len(targets), np.nan)
    scales = np.empty(len(points))
    for box in boxes(points, targets):
        near, size = _scaled(points[box.near], points[box.near])
        inverse, weights = _noisy_inverse(near, values[box.near], noise[box.near])
        own = np.searchsorted(box.near, box.core)
        unit = size**1.5  # the kernel's standard deviation over one size
        scales[box.core] = weights[own] ** 2 / np.diag(inverse)[own] / unit**2
        for start in range(0, len(box.targets), AT_ONCE):
            some = box.targets[start : start + AT_ONCE]
            kernel = _kernel(_scaled(targets[some], points[box.near])[0], near)
            found[some] = _product(kernel, weights[:, None])[:, 0]
            if deviations:
                variances = -(_product(kernel, inverse) * kernel).sum(axis=1)
                spread[some] = unit * np.sqrt(np.maximum(variances, 0))
    return Prediction(found, spread, np.abs(scales))


def _noisy_inverse(near: Points, values: Values, noise: Values) -> tuple[Values, Values]:
    """Return the system's inverse and the weights, for noise relative to the function's scale."""
    count = len(near)
    inverse = _inverse(near, np.zeros(count))
    weights = _product(inverse[:, :count], values[:, None])[:, 0]
    if noise.any():
        scale = float((weights[:count] * values).sum()) / count
        inverse = _inverse(near, noise**2 / max(scale, float(noise.max()) ** 2))
        weights = _product(inverse[:, :count], values[:, None])[:, 0]
    return inverse, weights


def _scaled(points: Points, near: Points) -> tuple[Points, float]:
    """Return points in units of the extent of ``near``, from its middle; and that extent."""
    low, high = near.min(axis=0), near.max(axis=0)
    size = float((high - low).max()) or 1.0
    return (points - (low + high) / 2) / size, size


def _kernel(points: Points, near: Points) -> Values:
    """Return the kernel and the linear functions at points, of shape (t, n + d + 1)."""
    squares = sum(
        (points[:, None, axis] - near[None, :, axis]) ** 2 for axis in range(near.shape[1])
    )
    return np.concatenate([squares * np.sqrt(squares), np.ones((len(points), 1)), points], axis=1)


def _inverse(near: Points, ratio: Values) -> Values:
    """Return the inverse of the kriging system, of shape (n + d + 1, n + d + 1)."""
    rows = _kernel(near, near)
    count, size = rows.shape
    system = np.zeros((size, size))
    system[:count] = rows
    system[count:, :count] = rows[:, count:].T
    diagonal = np.arange(size)
    system[diagonal, diagonal] = np.concatenate([ratio, np.full(size - count, -RIDGE)])
    return invert(system)


def invert(matrix: Values) -> Values:
    """Invert a matrix in place by Gauss-Jordan elimination with row pivoting, and return it."""
    swaps = []
    for row in range(len(matrix)):
        pivot = row + int(np.abs(matrix[row:, row]).argmax())
        if pivot != row:
            matrix[[row, pivot]] = matrix[[pivot, row]]
            swaps.append((row, pivot))
        factors, scale = matrix[:, row].copy(), matrix[row, row]
        factors[row] = 0
        matrix[:, row] = 0
        matrix[row, row] = 1
        matrix[row] /= scale
        matrix -= factors[:, None] * matrix[row]
    for row, pivot in reversed(swaps):
        matrix[:, [row, pivot]] = matrix[:, [pivot, row]]
    return matrix


def _product(left: Values, right: Values) -> Values:
    """Return the product of two matrices, with sums in the same order on every machine."""
    result: Values = np.einsum("ti,ij->tj", left, right, optimize=False)
    return result
