"""A heatmap: every point is a cell of its own, nothing is interpolated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.cm import ScalarMappable

from landscape_cli.plotting.annotations.marks import cells, explain, mark_plane
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import colormap

VECTOR_CELLS = 10_000
"""With more cells than this they are an image inside a PDF or SVG file."""


def paint(axes: Any, panels: Sequence[Panel], scale: Scale) -> ScalarMappable:
    """Draw the cells, each centred on its point."""
    (panel,) = panels
    mesh: ScalarMappable = axes.pcolormesh(
        cells(panel.x, panel.whole.x),
        cells(panel.y, panel.whole.y),
        scale.drawn(panel),
        cmap=colormap(),
        norm=scale.norm,
        rasterized=panel.z.size > VECTOR_CELLS,
    )
    mark_plane(axes, panel, scale, reach=0.5)
    explain(axes, [panel], scale)
    return mesh


PAINTER = Painter(paint)
