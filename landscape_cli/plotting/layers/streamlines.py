"""Streamlines of the vector field of a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke

from landscape_cli.plotting.layers.slopes import (
    Floats,
    Steepness,
    has_slopes,
    slopes_of,
    steepness,
)
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import pt

FINENESS = 61
"""Minimum number of points along an axis of the grid that lines are integrated on."""

DENSITY = 0.75
"""Closeness of lines, in units of matplotlib's 30 lines across a panel."""

THIN, THICK = 0.35, 1.7
"""Widths of a line where the field vanishes and where it is largest, in points."""

EDGE = 0.9
"""Width of a line's dark edges, both together, in points."""


@dataclass(frozen=True)
class Streamlines(Steepness):
    """Lines along the field, the wider the steeper the values."""

    def draw(self, axes: Any, panel: Panel) -> None:
        """Draw the lines of a panel."""
        x, y = (_even(panel.x), _even(panel.y))
        slopes = [_between(panel, each, x, y) for each in slopes_of(panel)]
        across, up = self.field((slopes[0], slopes[1]))
        speed = np.hypot(across, up)
        known = np.isfinite(speed)
        if not (speed[known] > 0).any():
            return
        across, up = (np.ma.MaskedArray(np.where(known, each, 0), ~known) for each in (across, up))
        width = pt(THIN) + pt(THICK - THIN) * self.length(np.where(known, speed, 0))
        before = len(axes.patches)
        limits = axes.get_xlim(), axes.get_ylim()
        look: dict[str, Any] = {"color": "white", "density": DENSITY, "zorder": 2.5}
        lines = axes.streamplot(x, y, across, up, linewidth=width, arrowsize=0.9, **look).lines
        lines.set(gid="field", capstyle="round")
        edges = LineCollection(
            lines.get_segments(),
            linewidths=np.asarray(lines.get_linewidths()) + pt(EDGE),
            colors="black",
            zorder=2.45,
            capstyle="round",
        )
        axes.add_collection(edges, autolim=False)
        for head in axes.patches[before:]:
            head.set(facecolor="white", edgecolor="black", linewidth=pt(EDGE / 2), zorder=2.6)
        axes.set(xlim=limits[0], ylim=limits[1])
        edged = [withStroke(linewidth=pt(THICK + EDGE), foreground="black")]
        look = {"color": "white", "linewidth": pt(THICK), "path_effects": edged}
        axes.plot([], [], label=f"lines: {self.name}", **look)

    def describe(self, panels: Sequence[Panel]) -> str:
        """Say where lines lead, how steep they are, and where the slopes are from."""
        text = f"Lines lead {self.words}"
        if self.decades:
            text += (
                f"; the widest stand for a slope of {self.steepest:.3g}, and each factor of ten "
                f"less makes them thinner by 1/{self.decades} of that"
            )
        else:
            text += f"; their width grows with the slope, at most {self.steepest:.3g}"
        stored = {has_slopes(panel) for panel in panels}
        if stored == {True}:
            return f"{text}; slopes are stored gradients."
        where = " where no gradients are stored" if len(stored) > 1 else ""
        return f"{text}; slopes are differences of the values between points{where}."


def streamlines_over(panels: Sequence[Panel], ascend: str = "") -> Streamlines | None:
    """Return lines on the same scale for all panels; None if no slope is finite and positive."""
    found = steepness([slopes_of(panel) for panel in panels])
    return None if found is None else Streamlines(*found, ascend)


def _even(coordinates: Floats) -> Floats:
    """Return equally spaced coordinates over the range of n ascending ones, at least n."""
    count = max(FINENESS, len(coordinates))
    return np.linspace(coordinates[0], coordinates[-1], count)


def _between(panel: Panel, values: Floats, x: Floats, y: Floats) -> Floats:
    """Interpolate values (ny, nx) at a panel's points linearly to other coordinates, (my, mx)."""
    rows = np.stack([np.interp(x, panel.x, row) for row in values])
    return np.stack([np.interp(y, panel.y, column) for column in rows.T]).T
