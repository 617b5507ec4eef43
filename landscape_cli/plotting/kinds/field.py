"""Fields: filled contours under streamlines of descent, or of two players of a game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from matplotlib.cm import ScalarMappable

from landscape_cli.plotting.interpolation import CONTOURS
from landscape_cli.plotting.kinds.contour import paint_filled
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.kinds.suitability import check_wide
from landscape_cli.plotting.layers.streamlines import Streamlines, streamlines_over
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale


def paint(axes: Any, panels: Sequence[Panel], scale: Scale) -> ScalarMappable | None:
    """Draw filled contours under the streamlines that lie over a panel, or else of descent."""
    (panel,) = panels
    check_wide(panel, "field")
    if not any(isinstance(layer, Streamlines) for layer in panel.layers):
        lines = streamlines_over([panel])
        panel = replace(panel, layers=(*panel.layers, *([lines] if lines else [])))
    return paint_filled(axes, [panel], scale, lines=False)


PAINTER = Painter(paint, has_levels=True, clipped="and are grey", smooth=CONTOURS)
