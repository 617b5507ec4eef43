"""Contour lines of one quantity over the colours of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patheffects import withStroke

from landscape_cli.plotting.annotations.contour_values import rasterize_if_large, write_values
from landscape_cli.plotting.interpolation import CONTOURS, smooth
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import pt
from landscape_cli.plotting.text import labels

LINE, EDGE = "white", "black"
"""Colours of a line and its edges, which stand out against any colour map."""

WIDTH, EDGE_WIDTH = 0.8, 1.8
"""Widths of a line without and with its edges, in points at the base font size."""


MAX_LINES = 8
"""Maximum number of lines, unless the user sets it."""


@dataclass(frozen=True)
class ContourLines:
    """Contour lines with their values.

    Args:
        quantity: the quantity whose lines are drawn.
        scale: its scale, which has their levels.
    """

    quantity: str
    scale: Scale

    def draw(self, axes: Any, panel: Panel) -> None:
        """Draw the lines that lie in a panel."""
        other = panel.of(self.quantity)
        x, y, drawn = smooth(other, self.scale)
        levels = self.scale.lines(MAX_LINES)
        if not drawn.count():
            return
        levels = levels[(levels > drawn.min()) & (levels < drawn.max())]
        if not len(levels):
            return
        look: dict[str, Any] = {"linestyles": "solid", "zorder": 2.2}
        for color, width, alpha in ((EDGE, EDGE_WIDTH, 0.6), (LINE, WIDTH, 1.0)):
            look |= {"colors": color, "linewidths": pt(width), "alpha": alpha}
            lines = axes.contour(x, y, drawn, levels, **look)
            rasterize_if_large(lines)
        write_values(axes, lines, self.scale)
        edges = [withStroke(linewidth=pt(EDGE_WIDTH), foreground=EDGE)]
        name = labels.quantity([other]) + ", interpolated" * CONTOURS.applies(other)
        name = labels.legend_text(name)
        axes.plot([], [], color=LINE, linewidth=pt(WIDTH), path_effects=edges, label=name)

    def describe(self, panels: Sequence[Panel]) -> str:
        """Name the quantity and its range."""
        others = [panel.of(self.quantity) for panel in panels]
        values = np.concatenate([other.z[self.scale.visible(other)] for other in others])
        text = f"Contour lines: {labels.quantity(others)}"
        if len(values):
            text += f", from {values.min():.4g} to {values.max():.4g}"
        text += ", on a logarithmic scale" if self.scale.log else ""
        return text + (", interpolated." if any(map(CONTOURS.applies, others)) else ".")
