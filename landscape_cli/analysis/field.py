"""What a number is computed from: one quantity over a grid, and what is not known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.off_grid_values import Interpolator
from landscape_cli.records.presentation import is_wide

Values = NDArray[np.float64]


class UnknownError(Exception):
    """A number that can't be computed from a surface; the message says why, in a few words."""


class MeaninglessError(UnknownError):
    """A number that makes no sense for a surface such as this."""


@dataclass(frozen=True)
class Options:
    """What a user may choose.

    Args:
        radii: distances at which sharpness is computed; if None, the default radii inside the grid.
        level: the value up to which a basin reaches; from the centre's value if None.
    """

    radii: tuple[float, ...] | None = None
    level: float | None = None


@dataclass(frozen=True)
class Field:
    """One quantity of one repeat, at the points of a grid or of a level of it.

    Args:
        axes: ascending coordinates by name, in the order x, y, z; at least two of each.
        values: of shape (len(y), len(x)) for a plane; NaN where no finite value is known.
        computed: where a finite value was computed, rather than interpolated, of the same shape.
        ends: by the name of each axis that leads from the centre to another checkpoint, the
            coordinate of that checkpoint.
    """

    axes: Mapping[str, Values]
    values: Values
    computed: NDArray[np.bool_]
    ends: Mapping[str, float] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The axes' names, x first."""
        return tuple(self.axes)

    @property
    def exact(self) -> Values:
        """The values that were computed, NaN elsewhere."""
        return np.where(self.computed, self.values, np.nan)

    @property
    def steps(self) -> Values:
        """The median distance of neighbouring coordinates along each axis, x first."""
        return np.array([np.median(np.diff(axis)) for axis in self.axes.values()])

    @cached_property
    def _interpolator(self) -> Interpolator:
        return Interpolator(tuple(self.axes.values())[::-1], self.values)

    def at(self, points: Sequence[Sequence[float]] | Values) -> Values:
        """Values between the grid points; see ``Interpolator``.

        Args:
            points: coordinates (x, y, ...) of shape (k, axes), inside the grid.

        Returns:
            Values of shape (k,); NaN where the neighbours' are not all known.
        """
        return self._interpolator(np.asarray(points, dtype=np.float64)[:, ::-1])

    @cached_property
    def centre(self) -> float:
        """The value at the origin.

        Raises:
            UnknownError: if there is none.
        """
        for name, axis in self.axes.items():
            if not axis[0] <= 0 <= axis[-1]:
                raise UnknownError(f"the origin is outside of the range of {name}")
        value = float(self.at(np.zeros((1, len(self.axes))))[0])
        if not np.isfinite(value):
            raise UnknownError("there is no finite value at the origin")
        return value

    def on_due_scale(self, values: Values) -> tuple[Values, str]:
        """Values, or their natural logarithms where those known span more than three decades.

        Returns:
            The values and ``linear``, or the logarithms and ``log``.
        """
        known = values[np.isfinite(values)]
        if known.size and is_wide(known):
            return np.log(values), "log"
        return values, "linear"
