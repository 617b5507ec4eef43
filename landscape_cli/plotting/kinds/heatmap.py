"""Heatmaps: one cell for each point, without interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection

from landscape_cli.plotting.annotations.marks import (
    add_legend,
    cell_edges,
    mark_plane,
    rectangles,
)
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import beyond_look

MAX_VECTOR_CELLS = 10_000
"""With more cells than this, a PDF or SVG file holds them as an image."""


def paint(axes: Any, panels: Sequence[Panel], scale: Scale) -> ScalarMappable:
    """Draw a cell centred on each point."""
    (panel,) = panels
    mesh: ScalarMappable = axes.pcolormesh(
        cell_edges(panel.x, panel.whole.x),
        cell_edges(panel.y, panel.whole.y),
        scale.drawn(panel),
        cmap=scale.flat_colors,
        norm=scale.norm,
        rasterized=panel.z.size > MAX_VECTOR_CELLS,
    )
    for above in (False, True):
        if (mask := scale.beyond(panel, above)).any():
            look = {**beyond_look(above), "facecolor": "none"}
            axes.add_collection(PolyCollection(rectangles(panel, mask), **look), autolim=False)
    mark_plane(axes, panel, scale, reach=0.5)
    add_legend(axes, [panel], scale)
    return mesh


PAINTER = Painter(paint, clipped="and are grey")
