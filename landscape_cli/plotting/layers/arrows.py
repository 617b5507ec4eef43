"""Arrows along the vector field of a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.layers.slopes import Floats, Steepness, steepness, stored_slopes
from landscape_cli.plotting.panel import Panel

MAX_ARROWS = 13
"""Maximum number of arrows along an axis."""

LONGEST = 0.9
"""Length of the longest arrow, as a fraction of the distance between arrows."""


@dataclass(frozen=True)
class Arrows(Steepness):
    """Arrows along the field, the longer the steeper the values."""

    def draw(self, axes: Any, panel: Panel) -> None:
        """Draw arrows centred on every point of a panel, or on every k-th along an axis."""
        rows, columns = (_places(len(c)) for c in (panel.y, panel.x))
        x, y = np.meshgrid(panel.x[columns], panel.y[rows])
        first, second = (z[np.ix_(rows, columns)] for z in stored_slopes(panel))
        inside = np.isfinite(first) & np.isfinite(second)
        first, second = (np.where(inside, each, 0.0) for each in (first, second))
        slope = np.hypot(first, second)
        size = np.array([np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim()) / panel.aspect])
        # An arrow points to where a step of gradient descent in x and y leads on the page.
        across, up = (each / s for each, s in zip(self.field((first, second)), size, strict=True))
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

    def describe(self, panels: Sequence[Panel]) -> str:
        """Say where arrows point and what their length means."""
        text = f"Arrows point {self.words}"
        if not self.decades:
            return (
                f"{text}; their length is proportional to the slope, at most {self.steepest:.3g}."
            )
        return (
            f"{text}; the longest stands for a slope of {self.steepest:.3g}, and each factor of "
            f"ten less shortens an arrow by 1/{self.decades} of that."
        )


def arrows_over(panels: Sequence[Panel], ascend: str = "") -> Arrows | None:
    """Return arrows on the same scale for all panels; None if no slope is finite and positive."""
    found = steepness([stored_slopes(panel) for panel in panels])
    return None if found is None else Arrows(*found, ascend)


def _places(count: int) -> NDArray[np.int64]:
    """Return at most ``MAX_ARROWS`` of ``count`` indices, equally far apart and centred."""
    stride = -(-count // MAX_ARROWS)
    return np.arange((count - 1) % stride // 2, count, stride)


def _spacing(coordinates: Floats) -> float:
    return float(np.diff(coordinates).min()) if len(coordinates) > 1 else 1.0
