"""Values between the points of a grid.

Akima's piecewise cubics (J. ACM 17, 1970; in SciPy) along one axis after the other. They are local:
a loss that explodes in a corner of the grid does not ring into the centre as splines would; and
they are exact for quadratic functions at equal distances.
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
"""How many points beyond a gap's own two ends each side of a cubic depends on."""

CHUNK = 64
"""Points evaluated at once; memory grows with its square."""


class Interpolator:
    """Values anywhere inside a grid.

    Next to points without a value it is linear, from the corners of the cell alone; in a cell with
    such a corner there is no value.

    Args:
        axes: coordinates along each dimension of the values, ascending, at least two of each.
        values: at the grid points; what is not finite is no value.
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
        """The values at points inside the grid.

        Args:
            points: coordinates in the order of the dimensions, of shape (k, dimensions).

        Returns:
            Values of shape (k,); NaN where there is none.
        """
        parts = [self._cubic(points[i : i + CHUNK]) for i in range(0, len(points), CHUNK)]
        found = np.concatenate(parts) if parts else np.empty(0)
        if not self._gaps:
            return found
        found = np.where(self._near(points) > 0, self._linear(points), found)
        return np.where(self._unknown(points) > 0, np.nan, found)

    def _cubic(self, points: Values) -> Values:
        table = _curve(self._axes[-1], self._values, -1)(points[:, -1])
        for dimension in reversed(range(len(self._axes) - 1)):
            # Every point's curves are evaluated at all points' coordinates, and its own are kept.
            everywhere = _curve(self._axes[dimension], table, -2)(points[:, dimension])
            table = np.diagonal(everywhere, axis1=-2, axis2=-1)
        return np.asarray(table)


def _curve(coordinates: Values, values: Values, dimension: int) -> Any:
    """The curve through the values along one dimension; a polynomial through two or three."""
    kind = Akima1DInterpolator if len(coordinates) > 3 else BarycentricInterpolator
    return kind(coordinates, values, axis=dimension % values.ndim)
