"""Contour plots: labelled lines, or filled bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.marks import (
    add_legend,
    isolated_points,
    mark_plane,
    mark_size,
)
from landscape_cli.plotting.annotations.overlay import paths_of
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.kinds.suitability import check_wide
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import colormap, ink, outline, pt

Floats = NDArray[np.float64]

MAX_VECTOR_VERTICES = 50_000
"""With more vertices than this, a PDF or SVG file holds contours as an image."""

SPACING = 0.08
"""Minimum distance between labels, and minimum length of a labelled line, in axes units."""


def paint_lines(axes: Any, panels: Sequence[Panel], scale: Scale) -> ScalarMappable:
    """Draw coloured contour lines labelled with their values."""
    (panel,) = panels
    check_wide(panel, "contour")
    levels = scale.lines()
    drawn = scale.drawn(panel)
    if len(levels) and drawn.min() < levels[-1] and drawn.max() > levels[0]:
        lines = axes.contour(
            panel.x, panel.y, drawn, levels, cmap=colormap(), norm=scale.norm, linewidths=pt(1.1)
        )
        _rasterize_if_large(lines)
        _write_values(axes, lines, scale, panel)
    _finish(axes, panel, scale, filled=False)
    return ScalarMappable(scale.norm, colormap())


def paint_filled(axes: Any, panels: Sequence[Panel], scale: Scale) -> ScalarMappable:
    """Draw filled contours with thin lines between them."""
    (panel,) = panels
    check_wide(panel, "contourf")
    drawn, levels = scale.drawn(panel), scale.bands()
    bands = axes.contourf(
        panel.x, panel.y, drawn, levels, cmap=colormap(), norm=scale.norm, extend=scale.extend
    )
    _rasterize_if_large(bands)
    inner = levels[(levels > drawn.min()) & (levels < drawn.max())]
    if len(inner):
        # By default, matplotlib dashes lines below zero, which are those of values below 1 on a
        # logarithmic scale.
        look: dict[str, Any] = {"colors": "black", "linewidths": 0.3, "alpha": 0.5}
        look["linestyles"] = "solid"
        _rasterize_if_large(axes.contour(panel.x, panel.y, drawn, inner, **look))
    _finish(axes, panel, scale, filled=True)
    mappable: ScalarMappable = bands
    return mappable


def _rasterize_if_large(contours: Any) -> None:
    """Draw contours with many vertices as an image, to keep PDF and SVG files small."""
    vertices = sum(len(path.vertices) for path in contours.get_paths())
    contours.set_rasterized(vertices > MAX_VECTOR_VERTICES)


def _finish(axes: Any, panel: Panel, scale: Scale, filled: bool) -> None:
    isolated = isolated_points(scale.visible(panel))
    if isolated.any():
        rows, columns = np.nonzero(isolated)
        colors = colormap()(scale.norm(scale.drawn(panel)[isolated]))
        look = {"edgecolors": "black", "linewidths": 0.3, "clip_on": False}
        axes.scatter(
            panel.x[columns], panel.y[rows], s=mark_size(panel) ** 2 / 4, c=colors, zorder=3, **look
        )
    axes.set_xlim(panel.x[0], panel.x[-1])
    axes.set_ylim(panel.y[0], panel.y[-1])
    mark_plane(axes, panel, scale, reach=1.0)
    add_legend(axes, [panel], scale, filled)


def _write_values(axes: Any, lines: Any, scale: Scale, panel: Panel) -> None:
    """Write each level's value once, on its longest line, away from other values and the path."""
    corner = np.array([axes.get_xlim()[0], axes.get_ylim()[0]])
    size = np.array([np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())])
    occupied: list[Floats] = [
        place for path in paths_of(panel) for place in (path.coordinates - corner) / size
    ]
    places: list[Floats] = []
    for segments in lines.allsegs:
        scaled = [(segment - corner) / size for segment in segments if len(segment) > 1]
        place = _free_place(max(scaled, key=_length, default=None), occupied + places)
        if place is not None:
            places.append(place)
    positions = [tuple(place * size + corner) for place in places]
    if positions:
        axes.clabel(
            lines, fontsize=pt(7), inline=False, fmt=scale.text, colors=[ink(0)], manual=positions
        )
    for text in lines.labelTexts:
        text.set_path_effects(outline(3.2))


def _length(line: Floats) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _free_place(line: Floats | None, occupied: list[Floats]) -> Floats | None:
    """Return the vertex of a line that is farthest from the occupied places and the centre.

    Places have shape (2,), in axes coordinates. Returns None if the line is short, or every vertex
    is closer than ``SPACING`` to one of these places.
    """
    if line is None or _length(line) < SPACING:
        return None
    inner = line[((line > 0.05) & (line < 0.95)).all(axis=1)]
    others = np.array([[0.5, 0.5], *occupied])
    distances = np.hypot(*(inner[:, None] - others).transpose(2, 0, 1)).min(axis=1)
    if not len(inner) or distances.max() < SPACING:
        return None
    place: Floats = inner[distances.argmax()]
    return place


LINES = Painter(paint_lines, has_levels=True, clipped="and have no lines")
FILLED = Painter(paint_filled, has_levels=True)
