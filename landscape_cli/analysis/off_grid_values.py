"""Interpolation between the points of a grid.

Akima's piecewise cubics (J. ACM 17, 1970; from SciPy) are applied along one axis after the other.
They are local, so that a loss that explodes in a corner of the grid causes no ringing in the
centre, as it would with splines; and they are exact for quadratic functions on equidistant points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import (
    Akima1DInterpolator,
    BarycentricInterpolator,
    RegularGridInterpolator,
)
from scipy.ndimage import maximum_filter

Values = NDArray[np.float64]

REACH = 2
"""Number of points on either side of an interval, beyond its ends, that its cubic depends on."""

CHUNK = 64
"""Number of points evaluated at once; memory grows with its square."""


class Interpolator:
    """Interpolator inside a grid that may have missing values.

    Near a missing value it is linear, from the corners of the cell alone; in a cell with a missing
    corner the result is NaN.

    Args:
        axes: coordinates along each dimension of the values, ascending, at least two of each.
        values: at the grid points; those that are not finite count as missing.
    """

    def __init__(self, axes: Sequence[Values], values: Values) -> None:
        unknown = ~np.isfinite(values)
        self._axes = axes
        self._values = np.where(unknown, 0.0, values)
        self._gaps = bool(unknown.any())
        if self._gaps:
            near = maximum_filter(unknown, size=2 * REACH + 1)
            self._unknown, self._near, self._linear = (
                RegularGridInterpolator(axes, table.astype(np.float64))
                for table in (unknown, near, self._values)
            )

    def __call__(self, points: Values) -> Values:
        """Interpolate at points inside the grid.

        Args:
            points: coordinates in the order of the dimensions, of shape (k, dimensions).

        Returns:
            Values of shape (k,); NaN where there is none.
        """
        chunks = [self._cubic(points[i : i + CHUNK]) for i in range(0, len(points), CHUNK)]
        values = np.concatenate(chunks) if chunks else np.empty(0)
        if not self._gaps:
            return values
        values = np.where(self._near(points) > 0, self._linear(points), values)
        return np.where(self._unknown(points) > 0, np.nan, values)

    def _cubic(self, points: Values) -> Values:
        table = _curve(self._axes[-1], self._values, -1)(points[:, -1])
        for dimension in reversed(range(len(self._axes) - 1)):
            # Each point's curve is evaluated at all points' coordinates; only its own is kept.
            everywhere = _curve(self._axes[dimension], table, -2)(points[:, dimension])
            table = np.diagonal(everywhere, axis1=-2, axis2=-1)
        return np.asarray(table)


def _curve(coordinates: Values, values: Values, dimension: int) -> Any:
    """Return the curve through the values along a dimension; a polynomial through two or three."""
    kind = Akima1DInterpolator if len(coordinates) > 3 else BarycentricInterpolator
    return kind(coordinates, values, axis=dimension % values.ndim)
