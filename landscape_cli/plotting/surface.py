"""A shaded surface in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from numpy.typing import NDArray

from landscape_cli.plotting.camera import Camera
from landscape_cli.plotting.checks import check_wide
from landscape_cli.plotting.marks import absent, alone, centre, explain, mark_size, rectangles
from landscape_cli.plotting.painter import Painter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.path import draw_path_above
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import colormap, ink, missing, ticks

Floats = NDArray[np.float64]

LIGHT = np.array([-0.5, -0.3, 0.81])
"""The direction to the light, of length 1 in units of the axes' box."""

VECTOR_FACES = 5_000
"""With more faces than this they are an image inside a PDF or SVG file."""


def paint(
    axes: Any, panels: Sequence[Panel], scale: Scale, camera: Camera | None = None, width: int = 0
) -> ScalarMappable:
    """Draw a face for every cell of the grid, values beyond the limits at the limits."""
    camera = camera or Camera()
    (panel,) = panels
    check_wide(panel, "surface")
    low, high = scale.ends
    heights = np.clip(scale.drawn(panel), low, high).filled(np.nan)
    axes.computed_zorder = False
    faces, colors = _faces(panel, heights, scale)
    if len(faces):
        axes.add_collection3d(_collection(faces, colors))
    _mark(axes, panel, heights, scale)
    draw_path_above(axes, panel, heights)
    axes.set(xlim=_ends(panel.x), ylim=_ends(panel.y), zlim=(low, high))
    axes.view_init(elev=camera.elevation, azim=camera.azimuth)
    axes.set_box_aspect((4, 4, 3), zoom=0.95 * camera.zoom)
    _tick(axes, scale)
    explain(axes, [panel], scale)
    return ScalarMappable(scale.norm, colormap())


def _faces(panel: Panel, heights: Floats, scale: Scale) -> tuple[list[Floats], Floats]:
    """A polygon (k, 3) for every cell with 3 or 4 corners, and their colours (n, 4)."""
    x, y = np.meshgrid(panel.x, panel.y)
    points = np.stack([x, y, heights], axis=-1)
    cells = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)
    cells = cells.reshape(-1, 4, 3)
    good = np.isfinite(cells[..., 2])
    kept = good.sum(axis=1) >= 3
    cells, good = cells[kept], good[kept]
    faces = [cell[corners] for cell, corners in zip(cells, good, strict=True)]
    middles = np.nanmean(cells[..., 2], axis=1)
    colors = np.asarray(colormap()(scale.norm(middles)))
    size = (np.ptp(panel.x), np.ptp(panel.y), np.ptp(scale.ends))
    colors[:, :3] = np.clip(colors[:, :3] * _light(cells / size)[:, None], 0, 1)
    return faces, colors


def _light(cells: Floats) -> Floats:
    """How bright cells (n, 4, 3) in units of the axes' box are, (n,): 1 for a level one.

    Colours of level cells are those of the colour bar.
    """
    normals = np.cross(cells[:, 2] - cells[:, 0], cells[:, 3] - cells[:, 1])
    cosines = normals @ LIGHT / np.linalg.norm(normals, axis=1)
    light: Floats = np.clip(1 + 0.45 * (cosines - LIGHT[2]), 0.6, 1.2)
    return np.where(np.isnan(light), 1.0, light)


def _collection(faces: list[Floats], colors: Floats) -> Poly3DCollection:
    return Poly3DCollection(
        faces,
        facecolors=colors,
        edgecolors=colors,
        linewidths=0.15,
        zorder=1,
        rasterized=len(faces) > VECTOR_FACES,
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


PAINTER = Painter(paint, projection="3d", has_camera=True)
