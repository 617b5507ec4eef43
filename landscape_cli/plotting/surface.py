"""A shaded surface in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from numpy.typing import NDArray

from landscape_cli.plotting.checks import check_wide
from landscape_cli.plotting.faces import Faces, faces_of
from landscape_cli.plotting.marks import absent, alone, centre, explain, mark_size, rectangles
from landscape_cli.plotting.painter import Painter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.path import draw_path_above
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.shading import shaded
from landscape_cli.plotting.style import colormap, ink, missing, ticks

Floats = NDArray[np.float64]

VIEW = {"elev": 32, "azim": -58}
BOX = (4, 4, 3)
"""The proportions of the axes' box."""

VECTOR_FACES = 5_000
"""With more faces than this they are an image inside a PDF or SVG file."""

SEAM = 0.4
"""The width in points of the faces' edges, without which the background shows between them."""


def paint(axes: Any, panels: Sequence[Panel], scale: Scale) -> ScalarMappable:
    """Draw the cells of the grid, cut at the limits, with level faces in place of what is beyond."""
    (panel,) = panels
    check_wide(panel, "surface")
    low, high = scale.ends
    whole = scale.drawn(panel).filled(np.nan)
    heights = np.clip(whole, low, high)
    axes.computed_zorder = False
    faces = faces_of(panel.x, panel.y, whole, scale.ends)
    if len(faces.lid):
        axes.add_collection3d(_collection(faces, _colors(faces, panel, whole, scale)))
    _mark(axes, panel, heights, scale)
    draw_path_above(axes, panel, heights)
    axes.set(xlim=_ends(panel.x), ylim=_ends(panel.y), zlim=(low, high))
    axes.view_init(**VIEW)
    axes.set_box_aspect(BOX, zoom=0.95)
    _tick(axes, scale)
    explain(axes, [panel], scale)
    return ScalarMappable(scale.norm, colormap())


def _colors(faces: Faces, panel: Panel, heights: Floats, scale: Scale) -> Floats:
    """The colours of faces by their heights, and by light but for those at the limits, (n, 4)."""
    low, high = scale.ends
    x, y = ((axis - axis[0]) / np.ptp(axis) for axis in (panel.x, panel.y))
    top = BOX[2] / BOX[0]
    middles = faces.middles
    colors = np.asarray(colormap()(scale.norm(middles[:, 2])))
    lit = ~faces.lid
    at = (middles[lit, :2] - [panel.x[0], panel.y[0]]) / [np.ptp(panel.x), np.ptp(panel.y)]
    relative = top * (heights - low) / (high - low)
    colors[lit] = shaded(colors[lit], x, y, relative, at, top, _eye())
    return colors


def _eye() -> Floats:
    """The direction to the viewer, of length 1, in units of the axes' box."""
    up, around = np.radians(VIEW["elev"]), np.radians(VIEW["azim"])
    return np.array([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])


def _collection(faces: Faces, colors: Floats) -> Poly3DCollection:
    return Poly3DCollection(
        faces.polygons(),
        facecolors=colors,
        edgecolors=colors,
        linewidths=SEAM,
        zorder=1,
        rasterized=len(colors) > VECTOR_FACES,
    )


def _mark(axes: Any, panel: Panel, heights: Floats, scale: Scale) -> None:
    """Missing points as an area on the floor, absent values as crosses at the ceiling."""
    low, high = scale.ends
    if panel.missing.any():
        box = np.array([_ends(panel.x), _ends(panel.y)]).T
        areas = [
            np.column_stack([np.clip(corners, *box), np.full(4, low)])
            for corners in rectangles(panel, panel.missing, reach=0.5)
        ]
        axes.add_collection3d(Poly3DCollection(areas, zorder=0, **missing()))
    for mask, look in absent(panel, scale):
        rows, columns = np.nonzero(mask)
        at = np.full(len(rows), high)
        axes.plot(panel.whole.x[columns], panel.whole.y[rows], at, zorder=4, **look)
    lonely = alone(np.isfinite(heights))
    if lonely.any():
        rows, columns = np.nonzero(lonely)
        at = heights[lonely]
        colors = colormap()(scale.norm(at))
        look = {"s": mark_size(panel) ** 2 / 6, "zorder": 2, "depthshade": False}
        axes.scatter(panel.x[columns], panel.y[rows], at, c=colors, **look)
    row, column = np.abs(panel.y).argmin(), np.abs(panel.x).argmin()
    if panel.x[column] == 0 and panel.y[row] == 0 and np.isfinite(heights[row, column]):
        axes.plot([0], [0], [heights[row, column]], zorder=5, gid="centre", **centre())


def _tick(axes: Any, scale: Scale) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(ticks(5))
    if own := scale.ticks():
        axes.set_zticks(*own)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((*ink(1), 0))


def _ends(coordinates: Floats) -> tuple[float, float]:
    return float(coordinates[0]), float(coordinates[-1])


PAINTER = Painter(paint, projection="3d")
