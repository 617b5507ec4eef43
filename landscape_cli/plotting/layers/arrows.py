"""Arrows along the negative gradient of the loss within a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SLOPES = ("gradient_x", "gradient_y")
"""The quantities that arrows show."""

MAX_ARROWS = 13
"""Maximum number of arrows along an axis."""

LONGEST = 0.9
"""Length of the longest arrow, as a fraction of the distance between arrows."""

WIDE = 30.0
"""Ratio of the steepest slope to one that a tenth of the points stay below, above which lengths are
logarithmic; it is 4 for a bowl, x² + y²."""

MOST_DECADES = 9
"""Maximum number of powers of ten of the slope that logarithmic lengths show."""


@dataclass(frozen=True)
class Arrows:
    """Arrows that point downhill.

    Args:
        steepest: the slope of the longest arrow.
        decades: 0 for lengths proportional to the slope; else the number of powers of ten over
            which lengths shrink to nothing, each by the same amount.
    """

    steepest: float
    decades: int = 0

    def draw(self, axes: Any, panel: Panel) -> None:
        """Draw arrows centred on every point of a panel, or on every k-th along an axis."""
        rows, columns = (_places(len(c)) for c in (panel.y, panel.x))
        x, y = np.meshgrid(panel.x[columns], panel.y[rows])
        first, second = (z[np.ix_(rows, columns)] for z in _slopes(panel))
        inside = np.isfinite(first) & np.isfinite(second)
        first, second = (np.where(inside, each, 0.0) for each in (first, second))
        slope = np.hypot(first, second)
        size = np.array([np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim()) / panel.aspect])
        # An arrow points to where a step of gradient descent in x and y leads on the page.
        across, up = -first / size[0], -second / size[1]
        spacing = min(_spacing(c) / s for c, s in zip((x[0], y[:, 0]), size, strict=True))
        with np.errstate(all="ignore"):
            factor = LONGEST * spacing * self.length(slope) / np.hypot(across, up)
        factor = np.where(np.isfinite(factor), factor, 0.0)
        half = 0.5 * factor * np.stack([np.abs(across) * size[0], np.abs(up) * size[1]])
        for place, reach, (low, high) in (
            (x, half[0], sorted(axes.get_xlim())),
            (y, half[1], sorted(axes.get_ylim())),
        ):
            inside &= (place - reach >= low) & (place + reach <= high)
        axes.quiver(
            *(each[inside] for each in (x, y, across * factor, up * factor)),
            angles="uv",
            scale_units="width",
            scale=1,
            pivot="mid",
            width=0.0045,
            headwidth=3.6,
            headlength=4,
            headaxislength=3.6,
            minlength=0.5,
            facecolor="white",
            edgecolor="black",
            linewidth=0.4,
            zorder=2.6,
            gid="arrows",
        )

    def length(self, slope: Floats) -> Floats:
        """Return lengths from 0 to 1 for slopes."""
        part = slope / self.steepest
        if not self.decades:
            return part
        with np.errstate(divide="ignore"):
            return np.clip(1 + np.log10(part) / self.decades, 0, 1)

    def describe(self, panels: Sequence[Panel]) -> str:
        """Say where arrows point and what their length means."""
        text = "Arrows point downhill, along (-∂L/∂x, -∂L/∂y)"
        if not self.decades:
            return (
                f"{text}; their length is proportional to the slope, at most {self.steepest:.3g}."
            )
        return (
            f"{text}; the longest stands for a slope of {self.steepest:.3g}, and each factor of "
            f"ten less shortens an arrow by 1/{self.decades} of that."
        )


def arrows_over(panels: Sequence[Panel]) -> Arrows | None:
    """Return arrows on the same scale for all panels; None if no slope is finite and positive."""
    slopes = np.concatenate([np.hypot(*_slopes(panel)).ravel() for panel in panels])
    known = slopes[np.isfinite(slopes)]
    if not known.size or known.max() == 0:
        return None
    steepest = float(known.max())
    if steepest <= WIDE * np.percentile(known, 10):
        return Arrows(steepest)
    gentle = float(np.percentile(known[known > 0], 5))
    return Arrows(steepest, min(MOST_DECADES, math.floor(math.log10(steepest / gentle)) + 1))


def _slopes(panel: Panel) -> tuple[Floats, Floats]:
    first, second = (panel.of(name).z for name in SLOPES)
    return first, second


def _places(count: int) -> NDArray[np.int64]:
    """Return at most ``MAX_ARROWS`` of ``count`` indices, equally far apart and centred."""
    stride = -(-count // MAX_ARROWS)
    return np.arange((count - 1) % stride // 2, count, stride)


def _spacing(coordinates: Floats) -> float:
    return float(np.diff(coordinates).min()) if len(coordinates) > 1 else 1.0
