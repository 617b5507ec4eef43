"""Fields, from which numbers are computed: one quantity over a grid, with missing values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.off_grid_values import Interpolator
from landscape_cli.records.curves.facts import CurveFacts
from landscape_cli.records.presentation import is_wide
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.topology.significance import PERSISTENCE

Values = NDArray[np.float64]

ROUNDING = 1e-9
"""A coordinate up to this fraction of a step from the origin is at the origin."""


class UnknownError(Exception):
    """A number can't be computed from a surface; the message says why in a few words."""


class MeaninglessError(UnknownError):
    """A number makes no sense for this kind of surface."""


@dataclass(frozen=True)
class Options:
    """Settings of the numbers.

    Args:
        radii: distances at which sharpness is computed; if None, the default radii inside the grid.
        level: the value up to which a basin reaches; derived from the centre's value if None.
        persistence: least persistence of the minima that count, as a fraction of the range.
    """

    radii: tuple[float, ...] | None = None
    level: float | None = None
    persistence: float = PERSISTENCE


@dataclass(frozen=True)
class PathOver:
    """A training's path over a plane.

    Args:
        path: the path.
        own: its checkpoints' own values of the quantity, of shape (n,); None if unknown.
    """

    path: Trajectory
    own: Values | None = None


@dataclass(frozen=True)
class Field:
    """One quantity of one repeat, at the points of a grid or of one of its levels.

    Args:
        axes: ascending coordinates by name, in the order x, y, z; at least two of each.
        values: of shape (len(y), len(x)) for a plane; NaN where no finite value is known.
        computed: mask of the finite values that were computed rather than interpolated, of the same
            shape.
        ends: for each axis that leads from the centre to another checkpoint, the coordinate of that
            checkpoint, by the axis's name.
        curve: along a curve, what is known of it; None on a straight line.
        start: the coordinate of the centre along a curve.
        stderr: standard errors, of the values' shape; NaN where unknown, None if all are.
        origin: the trained network's coordinates by the axes' names, where they are not 0; those in
            ``axes`` count from there.
        paths: trainings' paths over a plane.
        metric: inner products of a plane's directions, of shape (2, 2); None if unknown.
        interpolation_error: the largest one of points that are interpolated, as a fraction of the
            range of values.
    """

    axes: Mapping[str, Values]
    values: Values
    computed: NDArray[np.bool_]
    ends: Mapping[str, float] = field(default_factory=dict)
    curve: CurveFacts | None = None
    start: float = 0.0
    stderr: Values | None = None
    origin: Mapping[str, float] = field(default_factory=dict)
    paths: tuple[PathOver, ...] = ()
    metric: Values | None = None
    interpolation_error: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes, x first."""
        return tuple(self.axes)

    @property
    def exact(self) -> Values:
        """Values that were computed, NaN elsewhere."""
        return np.where(self.computed, self.values, np.nan)

    @property
    def steps(self) -> Values:
        """Median distance between neighbouring coordinates along each axis, x first."""
        return np.array([np.median(np.diff(axis)) for axis in self.axes.values()])

    @cached_property
    def _interpolator(self) -> Interpolator:
        return Interpolator(tuple(self.axes.values())[::-1], self.values)

    def at(self, points: Sequence[Sequence[float]] | Values) -> Values:
        """Interpolate between the grid points; see ``Interpolator``.

        Args:
            points: coordinates (x, y, ...) of shape (k, axes), inside the grid.

        Returns:
            Values of shape (k,); NaN where a neighbour's value is unknown.
        """
        return self._interpolator(np.asarray(points, dtype=np.float64)[:, ::-1])

    @cached_property
    def centre(self) -> float:
        """Value at the origin.

        Raises:
            UnknownError: if there is none.
        """
        for name, axis in self.axes.items():
            if not axis[0] <= 0 <= axis[-1]:
                raise UnknownError(f"the origin is outside the range of {name}")
        nearest = np.array([axis[np.abs(axis).argmin()] for axis in self.axes.values()])
        on_point = np.abs(nearest) <= ROUNDING * self.steps
        value = float(self.at(np.where(on_point, nearest, 0.0)[None])[0])
        if not np.isfinite(value):
            raise UnknownError("there is no finite value at the origin")
        return value

    def on_suitable_scale(self, values: Values) -> tuple[Values, str]:
        """Choose a linear or logarithmic scale for values.

        Returns:
            The values and ``linear``; or their natural logarithms and ``log`` if those known are
            positive and span more than three decades.
        """
        known = values[np.isfinite(values)]
        if known.size and is_wide(known):
            return np.log(values), "log"
        return values, "linear"
