"""Convexity: the fraction of the grid in which the surface curves upwards in every direction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from landscape_cli.analysis.field import Field, Options, UnknownError
from landscape_cli.analysis.local_polynomials import combine, fit_rows

READING = (
    "The fraction of inner grid points at which the slice curves upwards in every direction: 100 "
    "% means that no bump is visible at the grid's resolution. A convex slice does not make the "
    "loss convex: a random slice shows averages of many curvatures, in which a few negative ones "
    "vanish."
)
"""Explanation of the numbers to a reader of a report."""

SIZE = 3
"""Points along each axis of the window around a point."""

ROUNDING = 1e-12
"""A curvature of at most this fraction of the window's largest value may be rounding."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute the fraction of inner grid points at which the fitted Hessian is positive definite.

    The Hessian belongs to the quadratic least-squares fit to the 3, 3x3 or 3x3x3 points around. A
    window counts only if all of its points were computed.

    Raises:
        UnknownError: if an axis has fewer than 3 points, or no window counts.
    """
    if min(field.values.shape) < SIZE:
        raise UnknownError(f"each axis must have at least {SIZE} points")
    known, convex = convex_windows(field)
    if not known.any():
        raise UnknownError("no window of neighbouring points was computed completely")
    return {
        "fraction": float(convex[known].mean()),
        "points": int(known.sum()),
        "left_out": int((~known).sum()),
    }


def text(numbers: dict[str, Any]) -> list[str]:
    """Format one line."""
    out = f", {numbers['left_out']:g} left out" if numbers["left_out"] else ""
    return [f"{100 * numbers['fraction']:.1f} % of {numbers['points']:g} inner points{out}"]


def convex_windows(field: Field) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the windows in which the fitted Hessian is positive definite.

    Returns:
        Two masks of shape (ny - 2, nx - 2) for a plane: the windows that were computed completely,
        and those of them that are convex beyond rounding.
    """
    hessians = window_hessians(field)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(hessians).all(axis=(-2, -1)))
    largest = maximum_filter(np.abs(np.nan_to_num(field.exact, posinf=0, neginf=0)), size=SIZE)
    largest = largest[(slice(1, -1),) * largest.ndim][known]
    convex = np.zeros_like(known)
    convex[known] = np.linalg.eigvalsh(hessians[known])[:, 0] > ROUNDING * largest
    return known, convex


def window_hessians(field: Field) -> NDArray[np.float64]:
    """Fit a Hessian to each window, in units of grid steps.

    Since the points of a window form a grid, the powers of each coordinate can be orthogonalized
    separately, and the coefficients of the quadratic fit are products of fits along each axis: a
    second difference along one axis, or slopes along two, and means along the others.

    Returns:
        An array of shape (ny - 2, nx - 2, 2, 2) for a plane, x first in the matrices; NaN where a
        point of the window was not computed.
    """
    axes = [axis / step for axis, step in zip(field.axes.values(), field.steps, strict=True)]
    size = len(axes)
    means, slopes, curvatures = (
        [fit_rows(axis, SIZE, degree)[:, degree] for axis in axes] for degree in range(3)
    )
    values = field.exact
    hessians = np.empty((*(points - 2 for points in values.shape), size, size))
    for i in range(size):
        for j in range(i, size):
            weights = list(means)
            if i == j:
                weights[i] = 2 * curvatures[i]
            else:
                weights[i], weights[j] = slopes[i], slopes[j]
            hessians[..., i, j] = hessians[..., j, i] = combine(values, weights[::-1])
    return hessians
