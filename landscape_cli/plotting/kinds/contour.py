"""Contour plots: labelled lines, or filled bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable

from landscape_cli.plotting.annotations.contour_values import rasterize_if_large, write_values
from landscape_cli.plotting.annotations.marks import (
    add_legend,
    isolated_points,
    mark_plane,
    mark_size,
)
from landscape_cli.plotting.interpolation import CONTOURS, Drawn, Floats, smooth
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.kinds.suitability import check_wide
from landscape_cli.plotting.layers.contour_lines import ContourLines
from landscape_cli.plotting.layout.legend import state
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import beyond_look, pt


def paint_lines(axes: Any, panels: Sequence[Panel], scale: Scale) -> ScalarMappable:
    """Draw coloured contour lines labelled with their values."""
    (panel,) = panels
    check_wide(panel, "contour")
    levels = scale.lines()
    x, y, drawn = smooth(panel, scale)
    if len(levels) and drawn.min() < levels[-1] and drawn.max() > levels[0]:
        look: dict[str, Any] = {"cmap": scale.colors, "norm": scale.norm, "linewidths": pt(1.1)}
        lines = axes.contour(x, y, drawn, levels, **look)
        rasterize_if_large(lines)
        write_values(axes, lines, scale)
    _shade_beyond(axes, x, y, drawn, scale)
    _finish(axes, panel, scale)
    return ScalarMappable(scale.norm, scale.colors)


def paint_filled(
    axes: Any, panels: Sequence[Panel], scale: Scale, lines: bool = True
) -> ScalarMappable:
    """Draw filled contours, with thin lines between them unless contour lines lie over them."""
    (panel,) = panels
    check_wide(panel, "contourf")
    levels = scale.bands()
    x, y, drawn = smooth(panel, scale)
    look: dict[str, Any] = {"cmap": scale.flat_colors, "norm": scale.norm}
    bands = axes.contourf(x, y, drawn, levels, extend=scale.extend, **look)
    rasterize_if_large(bands)
    inner = levels[(levels > drawn.min()) & (levels < drawn.max())]
    over = any(isinstance(layer, ContourLines) for layer in panel.layers)
    if len(inner) and lines and not over:
        # By default, matplotlib dashes lines below zero, which are those of values below 1 on a
        # logarithmic scale.
        look = {"colors": "black", "linewidths": 0.3, "alpha": 0.5, "linestyles": "solid"}
        rasterize_if_large(axes.contour(x, y, drawn, inner, **look))
    _shade_beyond(axes, x, y, drawn, scale, colored=True)
    _finish(axes, panel, scale)
    mappable: ScalarMappable = bands
    return mappable


def _shade_beyond(
    axes: Any, x: Floats, y: Floats, drawn: Drawn, scale: Scale, colored: bool = False
) -> None:
    """Hatch the areas beyond the limits, and fill them unless they are ``colored``."""
    low, high = scale.ends
    for above, levels in ((False, [drawn.min(), low]), (True, [high, drawn.max()])):
        if levels[0] < levels[1]:
            look = beyond_look(above)
            filling = {"colors": ["none" if colored else look["facecolor"]], "zorder": 1.1}
            area = axes.contourf(x, y, drawn, levels, hatches=[look["hatch"]], **filling)
            area.set(edgecolor=look["edgecolor"], linewidth=0.0)
            rasterize_if_large(area)


def _finish(axes: Any, panel: Panel, scale: Scale) -> None:
    least = 4 if CONTOURS.applies(panel) else 3
    isolated = isolated_points(scale.visible(panel), least)
    if isolated.any():
        rows, columns = np.nonzero(isolated)
        colors = scale.flat_colors(scale.norm(scale.drawn(panel)[isolated]))
        look = {"edgecolors": "black", "linewidths": 0.3, "clip_on": False}
        axes.scatter(
            panel.x[columns], panel.y[rows], s=mark_size(panel) ** 2 / 4, c=colors, zorder=3, **look
        )
    axes.set_xlim(panel.x[0], panel.x[-1])
    axes.set_ylim(panel.y[0], panel.y[-1])
    mark_plane(axes, panel, scale, reach=1.0)
    add_legend(axes, [panel], scale)
    state(axes, CONTOURS.words(panel))


LINES = Painter(paint_lines, has_levels=True, clipped="and are grey", smooth=CONTOURS)
FILLED = Painter(paint_filled, has_levels=True, clipped="and are grey", smooth=CONTOURS)
