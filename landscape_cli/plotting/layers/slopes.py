"""The vector field of a plane: descent along both axes, or ascent for a player that maximizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.text.description import differentiated

Floats = NDArray[np.float64]

SLOPES = ("gradient_x", "gradient_y")
"""The quantities that are the slopes of a plane."""

WIDE = 30.0
"""Ratio of the steepest slope to one that a tenth of the points stay below, above which slopes are
drawn on a logarithmic scale; it is 4 for a bowl, x² + y²."""

MOST_DECADES = 9
"""Maximum number of powers of ten of the slope on a logarithmic scale."""


@dataclass(frozen=True)
class Steepness:
    """The scale on which slopes are drawn, the same in all panels.

    Args:
        steepest: the slope that is drawn at full size.
        decades: 0 for sizes proportional to the slope; else the number of powers of ten over which
            sizes shrink to nothing, each by the same amount.
        ascend: the axes along which the field goes uphill, such as "y"; empty for descent.
    """

    steepest: float
    decades: int = 0
    ascend: str = ""

    def length(self, slope: Floats) -> Floats:
        """Return sizes from 0 to 1 for slopes."""
        part = slope / self.steepest
        if not self.decades:
            return part
        with np.errstate(divide="ignore"):
            return np.clip(1 + np.log10(part) / self.decades, 0, 1)

    def field(self, slopes: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Return the components of the field, given the slopes along x and y."""
        x, y = (s if axis in self.ascend else -s for axis, s in zip("xy", slopes, strict=True))
        return x, y

    @property
    def name(self) -> str:
        """The field in a legend: "descent", "ascent" or "x descends, y ascends"."""
        if len(self.ascend) == 1:
            return ", ".join(f"{a} {'a' if a in self.ascend else 'de'}scends" for a in "xy")
        return "ascent" if self.ascend else "descent"

    @property
    def words(self) -> str:
        """Say where the field points, such as "downhill, along (-∂L/∂x, -∂L/∂y)"."""
        parts = [f"{'' if axis in self.ascend else '-'}∂L/∂{axis}" for axis in "xy"]
        along = f"along ({', '.join(parts)})"
        if len(self.ascend) == 1:
            return f"{along} ({self.name})"
        return f"{'uphill' if self.ascend else 'downhill'}, {along}"


def steepness(slopes: Sequence[tuple[Floats, Floats]]) -> tuple[float, int] | None:
    """Return the steepest slope of all panels, and the decades of a scale that shows most of them.

    Args:
        slopes: those along x and y of each panel, each (ny, nx).

    Returns:
        ``steepest`` and ``decades`` of a ``Steepness``; None if no slope is finite and positive.
    """
    found = np.concatenate([np.hypot(*pair).ravel() for pair in slopes])
    known = found[np.isfinite(found)]
    if not known.size or known.max() == 0:
        return None
    steepest = float(known.max())
    if steepest <= WIDE * np.percentile(known, 10):
        return steepest, 0
    gentle = float(np.percentile(known[known > 0], 5))
    return steepest, min(MOST_DECADES, math.floor(math.log10(steepest / gentle)) + 1)


def has_slopes(panel: Panel) -> bool:
    """Return whether a panel's surface has the slopes of the quantity that it shows."""
    names = panel.surface.quantities(panel.split)
    return {*SLOPES} <= {*names} and panel.quantity == differentiated(panel.of(SLOPES[0]))


def stored_slopes(panel: Panel) -> tuple[Floats, Floats]:
    """Return the slopes that a surface has, along x and y, each (ny, nx)."""
    first, second = (panel.of(name).z for name in SLOPES)
    return first, second


def slopes_of(panel: Panel) -> tuple[Floats, Floats]:
    """Return the slopes of a panel's values along x and y, each (ny, nx).

    They are those that the surface has; without these, second-order differences of the values,
    which are exact for a quadratic, and NaN beside points without a value.
    """
    if has_slopes(panel):
        x, y = stored_slopes(panel)
        return panel.unit * x, panel.unit * y
    rise = panel.z - panel.z[panel.finite].min()  # a constant has slopes of exactly 0
    return _differences(rise.T, panel.x).T, _differences(rise, panel.y)


def _differences(values: Floats, places: Floats) -> Floats:
    """Return the slopes of values (n, m) along their first axis, at coordinates (n,)."""
    found: Floats = np.gradient(values, places, axis=0, edge_order=2 if len(places) > 2 else 1)
    return found
