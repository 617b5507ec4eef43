"""Axes and grids: the coordinates at which a slice is sampled."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError

AXIS_NAMES = ("x", "y", "z")
MAX_POINTS = 10**9
"""Upper bound on the number of points of an axis and of a whole grid."""


@dataclass(frozen=True)
class Axis:
    """Equidistant coordinates from ``low`` to ``high``, both included.

    Args:
        low: first coordinate.
        high: last coordinate; above ``low``, or equal to it for a single point.
        points: number of coordinates, at least 1.

    Raises:
        UsageError: if the three do not describe a range.
    """

    low: float
    high: float
    points: int

    def __post_init__(self) -> None:
        text = f"{self.low}:{self.high}:{self.points}"
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise UsageError(f"range {text}: the ends must be finite numbers")
        if not math.isfinite(self.high - self.low):
            raise UsageError(f"range {text}: MAX - MIN overflows; choose closer ends")
        if not 1 <= self.points <= MAX_POINTS:
            raise UsageError(f"range {text}: N must be between 1 and {MAX_POINTS}")
        if self.points == 1 and self.low != self.high:
            raise UsageError(f"range {text}: one point needs MIN equal to MAX, or choose N >= 2")
        if self.points > 1 and not self.low < self.high:
            raise UsageError(f"range {text}: MIN must be below MAX")
        if self.points > 1 and (self.high - self.low) / (self.points - 1) < self._least_step:
            raise UsageError(f"range {text}: too narrow for {self.points} distinct numbers")

    @classmethod
    def parse(cls, text: str) -> Axis:
        """Parse ``MIN:MAX:N``, the format of ``str``.

        Raises:
            UsageError: if the text is malformed.
        """
        parts = text.strip().split(":")
        if len(parts) != 3:
            raise UsageError(f"range {text!r}: expected MIN:MAX:N, such as -1:1:51")
        if not re.fullmatch(r"\s*\+?[0-9]{1,12}\s*", parts[2]):
            raise UsageError(f"range {text!r}: N must be a whole number, got {parts[2]!r}")
        try:
            low, high = float(parts[0]), float(parts[1])
        except ValueError:
            raise UsageError(f"range {text!r}: MIN and MAX must be numbers") from None
        return cls(low, high, int(parts[2]))

    def __str__(self) -> str:
        return f"{self.low!r}:{self.high!r}:{self.points}"

    @property
    def _least_step(self) -> float:
        """Four times the rounding of the larger end."""
        return 4 * math.ulp(max(abs(self.low), abs(self.high)))

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """Coordinates, float64 of shape (points,).

        A point that would be 0 but for rounding is an exact 0.
        """
        if self.points == 1:
            return np.array([self.low])
        weights = np.arange(self.points, dtype=np.float64) / (self.points - 1)
        values = self.low * weights[::-1] + self.high * weights
        values[0], values[-1] = self.low, self.high
        values[1:-1][np.abs(values[1:-1]) < self._least_step / 2] = 0.0
        return values


@dataclass(frozen=True)
class Grid:
    """The coordinates at which a slice is sampled; the only place that maps indices to them.

    Arrays over a grid have one dimension per axis in reverse order, (ny, nx) for a plane: row = y,
    column = x. If the axes are sampled on several slices (repeats), arrays have a leading dimension
    for them, (repeats, ny, nx), and points have the repeat's number, starting at 0, as their last
    coordinate, (x, y, repeat). Flat indices count in C order over that shape, so x varies fastest.

    Args:
        axes: the axes by name, in the order x, y, z.
        repeats: number of slices, at least 1; with a single one, the extra dimension and coordinate
            are absent.

    Raises:
        UsageError: if the names are not the first ones of x, y, z, ``repeats`` is less than 1, or
            there are too many points.
    """

    axes: Mapping[str, Axis]
    repeats: int = 1

    def __post_init__(self) -> None:
        names = tuple(self.axes)
        if not names or names != AXIS_NAMES[: len(names)]:
            raise UsageError(f"grid: axes must be x, then y, then z; got {', '.join(names)}")
        if self.repeats < 1:
            raise UsageError(f"repeats: got {self.repeats}, expected at least 1")
        if self.total > MAX_POINTS:
            raise UsageError(f"grid: {self.total} points are more than the {MAX_POINTS} allowed")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes in order, ("x", "y") for a plane."""
        return tuple(self.axes)

    @property
    def repeated(self) -> bool:
        """True if there are several repeats, and so a dimension and a coordinate for them."""
        return self.repeats > 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an array over this grid, such as (ny, nx), preceded by any repeats."""
        axes = tuple(axis.points for axis in tuple(self.axes.values())[::-1])
        return (self.repeats, *axes) if self.repeated else axes

    @property
    def total(self) -> int:
        """Number of points in all repeats."""
        return self.repeats * math.prod(axis.points for axis in self.axes.values())

    @property
    def origin(self) -> tuple[float, ...]:
        """Coordinates of the slice's centre, in the first repeat."""
        return (0.0,) * len(self.shape)

    def corners(self) -> list[tuple[float, ...]]:
        """Return the coordinates of every corner, repeat by repeat."""
        ends = [(axis.low, axis.high) for axis in self.axes.values()]
        corners = list(itertools.product(*ends))
        if not self.repeated:
            return corners
        return [(*corner, float(repeat)) for repeat in range(self.repeats) for corner in corners]

    def coordinates(self, indices: Sequence[int]) -> tuple[tuple[float, ...], ...]:
        """Return the coordinates (x, y, ...) of the points with the given flat indices."""
        positions = np.unravel_index(np.asarray(indices, dtype=np.int64), self.shape)[::-1]
        columns = [
            axis.coordinates[along].tolist()
            for axis, along in zip(self.axes.values(), positions, strict=False)
        ]
        if self.repeated:
            columns.append(positions[-1].astype(np.float64).tolist())
        return tuple(zip(*columns, strict=True))

    def nearest(self, coordinates: tuple[float, ...]) -> int:
        """Return the flat index of the grid point nearest to the given coordinates (x, y, ...)."""
        values = [axis.coordinates for axis in self.axes.values()]
        if self.repeated:
            values.append(np.arange(self.repeats, dtype=np.float64))
        position = [int(np.abs(v - c).argmin()) for v, c in zip(values, coordinates, strict=True)]
        return int(np.ravel_multi_index(position[::-1], self.shape))


def coordinates_text(point: Sequence[float], repeated: bool = False) -> str:
    """Format a point for people, such as ``(0.5, -1)``.

    Args:
        point: its coordinates.
        repeated: whether the last coordinate numbers a repeat, as in ``(0.5, -1) of repeat 2``.
    """
    if repeated:
        return f"{coordinates_text(point[:-1])} of repeat {point[-1]:g}"
    return f"({', '.join(f'{coordinate:g}' for coordinate in point)})"
