"""Shaded surfaces in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    rim_look,
    undrawable_points,
)
from landscape_cli.plotting.annotations.path_above import draw_path_above
from landscape_cli.plotting.annotations.pins import draw_pins
from landscape_cli.plotting.interpolation import Interpolation
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.kinds.suitability import check_wide
from landscape_cli.plotting.layers.basins import Basins
from landscape_cli.plotting.layout.legend import state
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.box import BOX
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.scene3d.faces import FACES_PER_AXIS, MAX_PARTS, Faces, faces_of
from landscape_cli.plotting.scene3d.shading import shaded
from landscape_cli.plotting.scene3d.visibility import Sight, eye_of_projection
from landscape_cli.plotting.style import BEYOND_ALPHA, beyond_look, ink, missing_look, pt, ticks

Floats = NDArray[np.float64]

BOX_HEIGHT = 0.75
"""Height of the axes' box, in units of its width."""

MAX_VECTOR_FACES = 5_000
"""With more faces than this, a PDF or SVG file holds them as an image."""

MAX_EXCESS = 1e9
"""Heights beyond a limit are clipped at this many ranges from it, to avoid overflow."""

DROP = 0.3
"""Distance of the contour lines below the lower limit, as a fraction of the range."""

DROP_SHOWN = 0.3
"""Part of that distance by which the box is higher; the rest is taken from the surface."""

SMOOTH = Interpolation("surface", FACES_PER_AXIS, MAX_PARTS)

CLIPPED = "and are cut off"
"""The phrase for clipped values in notes."""

SEAM_WIDTH = 0.3
"""Width in points of the faces' edges, which hide the background between faces."""


@dataclass(frozen=True)
class _Ground:
    """A surface's grid, as fine as it is drawn, and the floor below it.

    Args:
        x: of shape (nx,).
        y: of shape (ny,).
        heights: values as drawn, not clipped, of shape (ny, nx); NaN where there are none.
        ends: the limits as drawn.
        floor: height of the floor of the box.
    """

    x: Floats
    y: Floats
    heights: Floats
    ends: tuple[float, float]
    floor: float

    @property
    def sides(self) -> Floats:
        """Ends of x and of y, of shape (2, 2)."""
        return np.array([_ends(self.x), _ends(self.y)])

    def relative(self, places: Any) -> Floats:
        """Map places (..., 2) of x and y to fractions of the sides."""
        low, high = self.sides.T
        return np.asarray((np.asarray(places) - low) / (high - low))


def paint(
    axes: Any, panels: Sequence[Panel], scale: Scale, camera: Camera | None = None, width: int = 0
) -> ScalarMappable:
    """Draw the grid's cells, cut at the limits, with a line along the rim."""
    return _paint(axes, panels, scale, camera or Camera(), "surface", 0.0)


def paint_above_lines(
    axes: Any, panels: Sequence[Panel], scale: Scale, camera: Camera | None = None, width: int = 0
) -> ScalarMappable:
    """Draw the surface above its contour lines, which are on the floor of the box."""
    return _paint(axes, panels, scale, camera or Camera(), "relief", DROP)


def _paint(
    axes: Any, panels: Sequence[Panel], scale: Scale, camera: Camera, kind: str, drop: float
) -> ScalarMappable:
    (panel,) = panels
    check_wide(panel, kind)
    low, high = scale.ends
    ground = _ground(panel, scale, low - drop * (high - low))
    _set_box(axes, ground, camera)
    sight = Sight(
        ground.x, ground.y, ground.heights, scale.ends, eye_of_projection(axes.get_proj())
    )
    _draw_faces(axes, ground, scale, camera)
    _draw_rim(axes, ground)
    if drop:
        _draw_lines(axes, ground, scale)
    heights = np.clip(scale.drawn(panel).filled(np.nan), low, high)
    _mark(axes, panel, heights, scale, sight, ground.floor)
    for layer in panel.layers:
        if isinstance(layer, Basins):
            layer.draw_above(axes, panel, heights, sight, ground.floor)
    draw_path_above(axes, panel, scale, sight, ground.floor)
    _set_box(axes, ground, camera)  # the artists have moved the limits
    _tick(axes, scale)
    add_legend(axes, [panel], scale, cut=True)
    state(axes, SMOOTH.words(panel))
    return ScalarMappable(scale.norm, scale.colors)


def _ground(panel: Panel, scale: Scale, floor: float) -> _Ground:
    """Return a panel's heights, interpolated between the points of a coarse grid."""
    low, high = scale.ends
    excess = MAX_EXCESS * (high - low)
    heights = np.clip(scale.drawn(panel).filled(np.nan), low - excess, high + excess)
    return _Ground(*SMOOTH.refine(panel, heights), scale.ends, floor)


def _set_box(axes: Any, ground: _Ground, camera: Camera) -> None:
    axes.computed_zorder = False
    (low, high), floor = ground.ends, ground.floor
    axes.set(xlim=_ends(ground.x), ylim=_ends(ground.y), zlim=(floor, high))
    axes.view_init(elev=camera.elevation, azim=camera.azimuth)
    drop = (low - floor) / (high - low)
    tall = BOX_HEIGHT * (1 + DROP_SHOWN * drop)
    axes.set_box_aspect((1, 1, tall), zoom=0.95 * camera.zoom)


def _draw_faces(axes: Any, ground: _Ground, scale: Scale, camera: Camera) -> None:
    """Draw the surface within the limits, and a neutral area where it lies below the lower one."""
    faces = faces_of(ground.x, ground.y, ground.heights, ground.ends)
    rasterized = len(faces) > MAX_VECTOR_FACES
    if len(part := faces.on(-1)):
        look = {
            "facecolors": [(*beyond_look(above=False)["facecolor"], BEYOND_ALPHA)],
            "edgecolors": "none",
            "zorder": 0.9,
        }
        axes.add_collection3d(Poly3DCollection(part.corners, rasterized=rasterized, **look))
    if len(part := faces.on(0)):
        colors = _colors(part, ground, scale, camera)
        look = {"facecolors": colors, "edgecolors": colors, "joinstyle": "round", "zorder": 1}
        look |= {"linewidths": SEAM_WIDTH, "rasterized": rasterized}
        axes.add_collection3d(Poly3DCollection(part.corners, **look))


def _draw_rim(axes: Any, ground: _Ground) -> None:
    """Draw a line where the surface is cut at the upper limit."""
    high = ground.ends[1]
    if not (ground.heights > high).any():
        return
    look = rim_look()
    line = {"colors": [look["color"]], "linewidths": look["linewidth"], "zorder": 1.2}
    _contour(axes, ground, [high], high, **line)


def _draw_lines(axes: Any, ground: _Ground, scale: Scale) -> None:
    """Draw contour lines on the floor."""
    look = {"norm": scale.norm, "cmap": scale.colors, "linewidths": pt(0.9), "zorder": 0.5}
    _contour(axes, ground, scale.lines(), ground.floor, **look)


def _contour(axes: Any, ground: _Ground, levels: Any, height: float, **look: Any) -> None:
    """Draw a surface's contour lines at one height."""
    heights = np.ma.masked_invalid(ground.heights)
    places = np.meshgrid(ground.x, ground.y)
    axes.contour(*places, heights, levels=levels, zdir="z", offset=height, **look)


def _colors(faces: Faces, ground: _Ground, scale: Scale, camera: Camera) -> Floats:
    """Return the colours (n, 4) of faces within the limits, by height and light."""
    (low, high), middles = ground.ends, faces.middles
    colors = np.asarray(scale.colors(scale.norm(middles[:, 2])))
    x, y = (
        ground.relative(np.column_stack([one, one]))[:, i]
        for i, one in enumerate((ground.x, ground.y))
    )
    relative = BOX_HEIGHT * (ground.heights - low) / (high - low)
    return shaded(colors, x, y, relative, ground.relative(middles[:, :2]), BOX_HEIGHT, camera)


def _mark(
    axes: Any, panel: Panel, heights: Floats, scale: Scale, sight: Sight, floor: float
) -> None:
    """Mark missing points on the floor, undrawable values at the top, and the centre."""
    high = scale.ends[1]
    if panel.missing.any():
        box = np.array([_ends(panel.x), _ends(panel.y)]).T
        areas = [
            np.column_stack([np.clip(corners, *box), np.full(4, floor)])
            for corners in rectangles(panel, panel.missing, reach=0.5)
        ]
        axes.add_collection3d(Poly3DCollection(areas, zorder=0, **missing_look()))
    for mask, look in undrawable_points(panel, scale):
        rows, columns = np.nonzero(mask)
        at = np.full(len(rows), high)
        axes.plot(panel.whole.x[columns], panel.whole.y[rows], at, zorder=4, **look)
    isolated = isolated_points(np.isfinite(heights), 4 if SMOOTH.applies(panel) else 3)
    if isolated.any():
        rows, columns = np.nonzero(isolated)
        at = heights[isolated]
        colors = scale.colors(scale.norm(at))
        look = {"s": mark_size(panel) ** 2 / 6, "zorder": 2, "depthshade": False}
        axes.scatter(panel.x[columns], panel.y[rows], at, c=colors, **look)
    if (height := height_of_centre(panel, heights)) is not None:
        x, y, *_ = panel.surface.origin
        place = np.array([[x, y, height]])
        draw_pins(axes, place, floor, sight, zorder=5, **{"gid": "centre", **centre_look()})


def _tick(axes: Any, scale: Scale) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(ticks(5))
    low, high = scale.ends
    if own := scale.ticks():
        axes.set_zticks(*own)
    else:
        places = ticks(6).tick_values(low, high)
        axes.set_zticks([place for place in places if low <= place <= high])
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((*ink(1), 0))
        axis.set_tick_params(pad=pt(12) - 8)  # matplotlib adds 8 points
        axis.labelpad = pt(25) - 21  # matplotlib adds 21 points


def _ends(coordinates: Floats) -> tuple[float, float]:
    return float(coordinates[0]), float(coordinates[-1])


PAINTER = Painter(paint, projection=BOX, clipped=CLIPPED, smooth=SMOOTH)
ABOVE_LINES = replace(PAINTER, paint=paint_above_lines, has_levels=True)
