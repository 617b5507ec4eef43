"""Shaded surfaces in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.marks import (
    add_legend,
    centre_look,
    height_of_centre,
    isolated_points,
    mark_size,
    rectangles,
    undrawable_points,
)
from landscape_cli.plotting.annotations.path import draw_path_above
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.kinds.suitability import check_wide
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.scene3d.faces import Faces, faces_of
from landscape_cli.plotting.scene3d.shading import shaded
from landscape_cli.plotting.style import ink, missing_look, pt, ticks

Floats = NDArray[np.float64]

BOX_HEIGHT = 0.75
"""Height of the axes' box, in units of its width."""

MIN_ELEVATION = 5.0
"""Camera elevation in degrees above which the upper limit is certainly seen from above."""

MAX_VECTOR_FACES = 5_000
"""With more faces than this, a PDF or SVG file holds them as an image."""

MAX_EXCESS = 1e9
"""Heights beyond a limit are clipped at this many ranges from it, to avoid overflow."""

SEAM_WIDTH = 0.3
"""Width in points of the faces' edges, which hide the background between faces."""


def paint(
    axes: Any, panels: Sequence[Panel], scale: Scale, camera: Camera | None = None, width: int = 0
) -> ScalarMappable:
    """Draw the grid's cells, cut at the limits; the parts beyond a limit are flat."""
    camera = camera or Camera()
    (panel,) = panels
    check_wide(panel, "surface")
    low, high = scale.ends
    excess = MAX_EXCESS * (high - low)
    unclipped = np.clip(scale.drawn(panel).filled(np.nan), low - excess, high + excess)
    heights = np.clip(unclipped, low, high)
    axes.computed_zorder = False
    faces = faces_of(panel.x, panel.y, unclipped, scale.ends)
    for side in (-1, 0, 1):
        if len(part := faces.on(side)):
            # Seen from above, faces at the lower limit are behind, those at the upper in front.
            zorder = 1 + 0.1 * side if camera.elevation > MIN_ELEVATION else 1 - 0.1 * abs(side)
            colors = _colors(part, panel, unclipped, scale, camera)
            axes.add_collection3d(_collection(part, colors, zorder, len(faces)))
    _mark(axes, panel, heights, scale)
    draw_path_above(axes, panel, heights, scale)
    axes.set(xlim=_ends(panel.x), ylim=_ends(panel.y), zlim=(low, high))
    axes.view_init(elev=camera.elevation, azim=camera.azimuth)
    axes.set_box_aspect((1, 1, BOX_HEIGHT), zoom=0.95 * camera.zoom)
    _tick(axes, scale)
    add_legend(axes, [panel], scale)
    return ScalarMappable(scale.norm, scale.colors)


def paint_above_lines(
    axes: Any, panels: Sequence[Panel], scale: Scale, camera: Camera | None = None, width: int = 0
) -> ScalarMappable:
    """Draw the surface with its contour lines on the floor of the box."""
    (panel,) = panels
    check_wide(panel, "relief")
    mappable = paint(axes, panels, scale, camera)
    low, high = scale.ends
    axes.contour(
        *np.meshgrid(panel.x, panel.y),
        scale.drawn(panel),
        levels=scale.lines(),
        zdir="z",
        offset=low,
        norm=scale.norm,
        cmap=scale.colors,
        linewidths=pt(0.7),
        zorder=0.5,
    )
    axes.set(xlim=_ends(panel.x), ylim=_ends(panel.y), zlim=(low, high))
    return mappable


def _colors(faces: Faces, panel: Panel, heights: Floats, scale: Scale, camera: Camera) -> Floats:
    """Return the colours (n, 4) of faces: by height, and by light too unless they are at a limit.

    All faces have the same ``side``.
    """
    low, high = scale.ends
    middles = faces.middles
    colors = np.asarray(scale.colors(scale.norm(middles[:, 2])))
    if faces.side.any():
        return colors
    ends = np.array([_ends(panel.x), _ends(panel.y)])
    sizes = np.ptp(ends, axis=1)
    x, y = (panel.x - ends[0, 0]) / sizes[0], (panel.y - ends[1, 0]) / sizes[1]
    relative = BOX_HEIGHT * (heights - low) / (high - low)
    return shaded(colors, x, y, relative, (middles[:, :2] - ends[:, 0]) / sizes, BOX_HEIGHT, camera)


def _collection(faces: Faces, colors: Floats, zorder: float, count: int) -> Poly3DCollection:
    return Poly3DCollection(
        faces.corners,
        facecolors=colors,
        edgecolors=colors,
        linewidths=SEAM_WIDTH,
        joinstyle="round",
        zorder=zorder,
        rasterized=count > MAX_VECTOR_FACES,
    )


def _mark(axes: Any, panel: Panel, heights: Floats, scale: Scale) -> None:
    """Mark missing points on the floor, undrawable values at the lid, and the centre."""
    low, high = scale.ends
    if panel.missing.any():
        box = np.array([_ends(panel.x), _ends(panel.y)]).T
        areas = [
            np.column_stack([np.clip(corners, *box), np.full(4, low)])
            for corners in rectangles(panel, panel.missing, reach=0.5)
        ]
        axes.add_collection3d(Poly3DCollection(areas, zorder=0, **missing_look()))
    for mask, look in undrawable_points(panel, scale):
        rows, columns = np.nonzero(mask)
        at = np.full(len(rows), high)
        axes.plot(panel.whole.x[columns], panel.whole.y[rows], at, zorder=4, **look)
    isolated = isolated_points(np.isfinite(heights))
    if isolated.any():
        rows, columns = np.nonzero(isolated)
        at = heights[isolated]
        colors = scale.colors(scale.norm(at))
        look = {"s": mark_size(panel) ** 2 / 6, "zorder": 2, "depthshade": False}
        axes.scatter(panel.x[columns], panel.y[rows], at, c=colors, **look)
    if (height := height_of_centre(panel, heights)) is not None:
        x, y, *_ = panel.surface.origin
        axes.plot([x], [y], [height], zorder=5, gid="centre", **centre_look())


def _tick(axes: Any, scale: Scale) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(ticks(5))
    if own := scale.ticks():
        axes.set_zticks(*own)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((*ink(1), 0))
        axis.set_tick_params(pad=pt(12) - 8)  # matplotlib adds 8 points
        axis.labelpad = pt(25) - 21  # matplotlib adds 21 points


def _ends(coordinates: Floats) -> tuple[float, float]:
    return float(coordinates[0]), float(coordinates[-1])


PAINTER = Painter(paint, projection="3d")
ABOVE_LINES = Painter(paint_above_lines, projection="3d", has_levels=True)
