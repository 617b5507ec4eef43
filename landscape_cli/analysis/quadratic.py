"""Quadratic least-squares fit to a surface around its centre."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.field import Field, UnknownError

Values = NDArray[np.float64]

STEPS = 3
"""Radius of the fit in grid steps, if it contains enough points."""

ENOUGH = 2
"""Least number of points to fit, as a multiple of the number of coefficients."""


@dataclass(frozen=True)
class Fit:
    """Least-squares fit of L(a) = c + g.a + a.H.a / 2, in the units of the coordinates.

    Args:
        gradient: g, of shape (n,).
        hessian: H, symmetric, of shape (n, n).
        covariance: of the coefficients c, g_1 ... g_n, H_11, H_12, ... H_1n, H_22, ... H_nn,
            estimated from the residuals; None if there are no more points than coefficients.
        points: number of points fitted.
        reach: their largest distance from the centre along each axis.
    """

    gradient: Values
    hessian: Values
    covariance: Values | None
    points: int
    reach: Values

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Indices (i, j) of the coefficients H_ij, in their order."""
        return _pairs(len(self.gradient))

    def error(self, weights: Values) -> float | None:
        """Return the standard error of a linear function of the coefficients."""
        if self.covariance is None:
            return None
        return math.sqrt(max(0.0, float(weights @ self.covariance @ weights)))

    def hessian_error(self, weights: Values) -> float | None:
        """Return the standard error of sum_ij W_ij H_ij, for a symmetric W of shape (n, n)."""
        entries = [(1 if i == j else 2) * weights[i, j] for i, j in self.pairs]
        return self.error(np.array([*np.zeros(1 + len(self.gradient)), *entries]))

    def gradient_error(self, axis: int) -> float | None:
        """Return the standard error of one entry of the gradient."""
        size = 1 + len(self.gradient) + len(self.pairs)
        return self.error(np.eye(size)[1 + axis])


def fit_centre(field: Field) -> Fit:
    """Fit the computed points around the origin.

    These are the points within three grid steps: in the ellipsoid sum_i (a_i / h_i)^2 <= 3^2 with
    the steps h_i. It is enlarged until it holds twice as many points as there are coefficients.

    Raises:
        UnknownError: if the centre has no value, or the points do not determine a quadratic.
    """
    _ = field.centre  # raises UnknownError without a value there
    steps = field.steps
    mesh = np.meshgrid(*tuple(field.axes.values())[::-1], indexing="ij")[::-1]
    scaled = np.stack([axis[field.computed] for axis in mesh], 1) / steps
    values = field.values[field.computed]
    distances = np.linalg.norm(scaled, axis=1)
    unknowns = 1 + len(steps) + len(_pairs(len(steps)))
    if len(values) < unknowns:
        raise UnknownError(
            f"a quadratic fit needs {unknowns} computed points, there are {len(values)}"
        )
    needed = min(ENOUGH * unknowns, len(values))
    reach = max(STEPS, float(np.sort(distances)[needed - 1])) * (1 + 1e-9)
    inside = distances <= reach
    return _fit(scaled[inside], values[inside], steps)


def _fit(scaled: Values, values: Values, steps: Values) -> Fit:
    """Fit in units of grid steps, which keeps the numbers well scaled, then convert the units."""
    size = len(steps)
    pairs = _pairs(size)
    squares = [scaled[:, i] * scaled[:, j] / (2 if i == j else 1) for i, j in pairs]
    matrix = np.stack([np.ones(len(scaled)), *scaled.T, *squares], 1)
    coefficients, _, rank, _ = np.linalg.lstsq(matrix, values, rcond=None)
    if rank < matrix.shape[1]:
        raise UnknownError("the computed points do not determine a quadratic function")
    units = np.array([1.0, *(1 / steps), *(1 / (steps[i] * steps[j]) for i, j in pairs)])
    covariance = None
    if (freedom := len(values) - len(coefficients)) > 0:
        variance = float(np.sum((values - matrix @ coefficients) ** 2)) / freedom
        inverse = np.linalg.pinv(matrix)
        covariance = variance * (inverse @ inverse.T) * np.outer(units, units)
    coefficients = coefficients * units
    hessian = np.empty((size, size))
    for (i, j), entry in zip(pairs, coefficients[1 + size :], strict=True):
        hessian[i, j] = hessian[j, i] = entry
    reach = np.abs(scaled).max(axis=0) * steps
    return Fit(coefficients[1 : 1 + size], hessian, covariance, len(values), reach)


def _pairs(size: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(size) for j in range(i, size)]
