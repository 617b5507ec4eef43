"""Convexity: in what part of the grid the surface is bent upwards in every direction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from landscape_cli.analysis.field import Field, Options, UnknownError
from landscape_cli.analysis.local_polynomials import combine, fit_rows

SIZE = 3

ROUNDING = 1e-12
"""A curvature of this part of the window's largest value, or less, may be rounding."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """The fraction of inner grid points at which the fitted Hessian is positive definite.

    The Hessian is that of the quadratic function that fits the 3, 3x3 or 3x3x3 points around best.
    A window counts if all of its points were computed.

    Raises:
        UnknownError: if an axis has fewer than 3 points, or no window counts.
    """
    if min(field.values.shape) < SIZE:
        raise UnknownError(f"each axis must have {SIZE} points")
    hessians = window_hessians(field)
    known = np.isfinite(hessians).all(axis=(-2, -1))
    if not known.any():
        raise UnknownError("no window of neighbouring points was computed wholly")
    sizes = maximum_filter(np.abs(np.nan_to_num(field.exact, posinf=0, neginf=0)), size=SIZE)
    sizes = sizes[(slice(1, -1),) * sizes.ndim][known]
    convex = np.linalg.eigvalsh(hessians[known])[:, 0] > ROUNDING * sizes
    return {
        "fraction": float(convex.mean()),
        "points": len(convex),
        "left_out": int((~known).sum()),
    }


def text(found: dict[str, Any]) -> list[str]:
    """One line."""
    out = f", {found['left_out']:g} left out" if found["left_out"] else ""
    return [f"{100 * found['fraction']:.1f} % of {found['points']:g} inner points{out}"]


def window_hessians(field: Field) -> NDArray[np.float64]:
    """The Hessian fitted to each window, in units of grid steps.

    On a grid of windows the powers of each coordinate can be made orthogonal by themselves, so
    that the coefficients of the best quadratic function are products of fits along each axis:
    a second difference or slope along one or two of them, and means along the others.

    Returns:
        An array of shape (ny - 2, nx - 2, 2, 2) for a plane, x first in the matrices; NaN where a
        point of the window was not computed.
    """
    axes = [axis / step for axis, step in zip(field.axes.values(), field.steps, strict=True)]
    size = len(axes)
    means, slopes, bends = (
        [fit_rows(axis, SIZE, degree)[:, degree] for axis in axes] for degree in range(3)
    )
    values = field.exact
    found = np.empty((*(points - 2 for points in values.shape), size, size))
    for i in range(size):
        for j in range(i, size):
            weights = list(means)
            if i == j:
                weights[i] = 2 * bends[i]
            else:
                weights[i], weights[j] = slopes[i], slopes[j]
            found[..., i, j] = found[..., j, i] = combine(values, weights[::-1])
    return found
