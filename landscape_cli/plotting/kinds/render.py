"""Surfaces with cast shadows above their contours, rendered by VTK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.curve import (
    bend_look,
    curve_look,
    end_names,
    lines_of,
    straight_look,
)
from landscape_cli.plotting.annotations.marks import (
    add_legend,
    centre_look,
    height_of_centre,
    rectangles,
    undrawable_points,
)
from landscape_cli.plotting.annotations.overlay import checkpoints_of, curve_of, paths_of
from landscape_cli.plotting.annotations.path import ENDS, path_color
from landscape_cli.plotting.annotations.path_above import paths_above
from landscape_cli.plotting.annotations.pins import hollow_look
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.kinds.suitability import check_wide
from landscape_cli.plotting.layers.basins import Basins
from landscape_cli.plotting.layout.legend import state
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.camera import Camera, Eye, eye_of, frame_of
from landscape_cli.plotting.scene3d.floor_axes import draw_floor_axes
from landscape_cli.plotting.scene3d.height_axis import draw_height_axis
from landscape_cli.plotting.scene3d.scene import Ball, Scene, render
from landscape_cli.plotting.scene3d.terrain import BOX_HEIGHT, FLOOR, SMOOTH, Terrain, terrain_of
from landscape_cli.plotting.scene3d.visibility import Sight
from landscape_cli.plotting.style import beyond_look, ink, outline, pt
from landscape_cli.plotting.topology.criterion import MAX_NUMBERED
from landscape_cli.records.curves.plane import CurveInPlane

Floats = NDArray[np.float64]
Tube = tuple[Floats, tuple[float, float, float]]
"""The points of a tube, of shape (n, 3), and its colour."""

Extrema = list[tuple[Floats, dict[str, Any]]]
"""The places of marked extrema, and of their saddles, each of shape (n, 3), with their looks."""

TARGET = np.array([0.0, 0.0, (FLOOR + BOX_HEIGHT) / 2])
"""The point that the camera looks at."""

WHITE = (1.0, 1.0, 1.0)

DASHES = 24
"""Number of dashes of the straight line between a curve's ends."""


def paint(
    axes: Any, panels: Sequence[Panel], scale: Scale, camera: Camera | None = None, width: int = 900
) -> ScalarMappable:
    """Render a panel, cut at the limits.

    Args:
        axes: flat axes, which get no ticks.
        panels: a single panel.
        scale: its scale.
        camera: the viewpoint.
        width: width of the image in pixels.
    """
    (panel,) = panels
    check_wide(panel, "render")
    camera = camera or Camera()
    terrain = terrain_of(panel, scale, camera)
    eye = eye_of(camera, TARGET)
    frame = frame_of(camera, terrain.corners - TARGET)
    extrema = _extrema(panel, terrain, scale)
    image = render(_scene(panel, terrain, scale, camera, extrema), eye, frame, width)
    axes.imshow(image, extent=frame.edges, interpolation="antialiased", zorder=0)
    axes.set(xlim=(frame.left, frame.right), ylim=(frame.bottom, frame.top))
    axes.set_axis_off()
    draw_floor_axes(axes, terrain, eye, frame)
    draw_height_axis(axes, panel, terrain, scale, eye, frame)
    _draw_heads(axes, panel, terrain, scale, eye, extrema)
    _mark(axes, panel, terrain, scale, eye)
    add_legend(axes, [panel], scale, cut=True)
    state(axes, SMOOTH.words(panel))
    return ScalarMappable(scale.norm, scale.colors)


def _scene(panel: Panel, terrain: Terrain, scale: Scale, camera: Camera, extrema: Extrema) -> Scene:
    tubes: list[Tube] = []
    balls: list[Ball] = []
    stems: list[Tube] = []
    for place, path in enumerate(paths_above(panel, terrain.lift, scale)):
        fine, checkpoints = (_in_box(terrain, points) for points in (path.line, path.drawn))
        color = to_rgb(path_color(place))
        if path.own is None:
            tubes += [(part, color) for part in _inside(fine)]
        else:
            tubes += [(part, color) for part in _inside(checkpoints)]
            stems += [(_in_box(terrain, stem), color) for stem in path.stems]
            stems += [(part, color) for part in _inside(fine)]
        end = to_rgb(ENDS)
        balls += [Ball(position, 0.018, color) for position in checkpoints[1:-1]]
        balls += [Ball(checkpoints[0], 0.03, end), Ball(checkpoints[-1], 0.04, end)]
    if (curve := curve_of(panel)) is not None:
        line, straight, bends, ends = _curve_in_box(terrain, curve)
        dashes = np.array_split(straight, 2 * DASHES)[::2]
        parts = [*_inside(line), *(part for dash in dashes for part in _inside(dash))]
        tubes += [(part, ink(0)) for part in parts]
        balls += [Ball(position, 0.022, ink(0)) for position in bends]
        balls += [Ball(position, 0.032, WHITE) for position in ends]
    for position in _marked(panel, terrain, scale):
        balls.append(Ball(position + [0, 0, 0.02], 0.028, WHITE))
    standing = [position for position in _pinned(panel, terrain, scale) if position[2] > FLOOR]
    for minima, _ in extrema[:1]:
        standing += [*minima] if len(minima) <= MAX_NUMBERED else []
    for position in standing:
        foot = np.array([*position[:2], FLOOR])
        stems.append((np.stack([position, foot]), ink(0.3)))
        balls.append(Ball(foot, 0.014, ink(0.3)))
    gaps = np.reshape(rectangles(panel, panel.missing, reach=0.5), (-1, 4, 2))
    box = np.array(terrain.limits)
    return Scene(
        terrain,
        scale.lines(),
        ground=ink(1),
        plate=ink(0.95),
        ink=ink(0),
        gaps=np.clip(gaps, box[:, 0], box[:, 1]),
        gap_color=ink(0.75),
        beyond_color=beyond_look(above=False)["facecolor"],
        path=tuple(part for part, _ in tubes),
        path_colors=tuple(color for _, color in tubes),
        stems=tuple(part for part, _ in stems),
        stem_colors=tuple(color for _, color in stems),
        balls=tuple(ball for ball in balls if np.isfinite(ball.position).all()),
        line_colors=scale.colors,
        azimuth=camera.azimuth,
    )


def _marked(panel: Panel, terrain: Terrain, scale: Scale) -> Floats:
    """Return the centre and the checkpoints of a panel on its surface, of shape (n, 3)."""
    points = []
    heights = scale.drawn(panel).filled(np.nan)
    if (height := height_of_centre(panel, heights)) is not None:
        points.append([*panel.surface.origin[:2], height])
    if curve_of(panel) is None and (marks := checkpoints_of(panel)):
        places = np.array([mark.coordinates[:2] for mark in marks])
        points += terrain.lift(places).tolist()
    found = _in_box(terrain, np.reshape(points, (-1, 3)))
    return found[np.isfinite(found).all(axis=1)]


def _extrema(panel: Panel, terrain: Terrain, scale: Scale) -> Extrema:
    """Return the extrema that are marked, and their saddles."""
    heights = scale.drawn(panel).filled(np.nan)
    layers = [layer for layer in panel.layers if isinstance(layer, Basins)]
    marks = [each for layer in layers for each in layer.marks(panel)]
    return [(_in_box(terrain, each.on(panel, heights)), each.look) for each in marks]


def _pinned(panel: Panel, terrain: Terrain, scale: Scale) -> Floats:
    """Return the balls that have a stem and a foot on the floor, of shape (n, 3)."""
    places = [_marked(panel, terrain, scale)]
    for path in paths_above(panel, terrain.lift, scale):
        places.append(_in_box(terrain, path.drawn[[0, -1]]))
    if (curve := curve_of(panel)) is not None:
        places.append(_curve_in_box(terrain, curve)[-1])
    found = np.concatenate(places)
    return found[np.isfinite(found).all(axis=1)]


def _inside(line: Floats) -> list[Floats]:
    """Return the parts of a line, of shape (n, 3), that have heights."""
    cuts = np.flatnonzero(np.diff(np.isfinite(line[:, 2]))) + 1
    return [part for part in np.split(line, cuts) if np.isfinite(part[0, 2])]


def _curve_in_box(terrain: Terrain, curve: CurveInPlane) -> list[Floats]:
    """Return points of a curve, of the straight line, its bends and its ends, of shape (n, 3)."""
    return [_in_box(terrain, terrain.lift(line)) for line in lines_of(curve)]


def _in_box(terrain: Terrain, points: Floats) -> Floats:
    """Map points (n, 3) of x, y and value as drawn to the box, with heights clipped to it."""
    heights = np.clip(terrain.height_of(points[:, 2]), 0, BOX_HEIGHT)
    return np.column_stack([terrain.place(points[:, 0], points[:, 1]), heights])


def _draw_heads(
    axes: Any, panel: Panel, terrain: Terrain, scale: Scale, eye: Eye, extrema: Extrema
) -> None:
    """Draw a ring at each ball of a pin that the surface hides, and the marks of extrema."""
    whole = np.pad(terrain.cells, ((0, 1), (0, 1)), mode="edge")
    z = np.where(whole, terrain.z, np.nan)
    sight = Sight(terrain.x, terrain.y, z, (0.0, BOX_HEIGHT), eye.position)
    heads = _pinned(panel, terrain, scale)
    for x, y, _ in eye.project(heads[sight.hides(heads)]):
        axes.plot([x], [y], zorder=4, **{**centre_look(), **hollow_look()})
    for number, (places, look) in enumerate(extrema):
        hidden = sight.hides(places)
        seen = eye.project(places)[:, :2]
        if len(places):
            axes.plot(*seen[~hidden].T, zorder=4 - number / 10, **look)
        if hidden.any():
            hollow = {**look, **hollow_look(), "label": "_hidden"}
            axes.plot(*seen[hidden].T, zorder=3.8, **hollow)


def _mark(axes: Any, panel: Panel, terrain: Terrain, scale: Scale, eye: Eye) -> None:
    """Draw crosses at the box's lid where values are undrawable, and label the paths."""
    whole = panel.whole
    for mask, look in undrawable_points(panel, scale):
        rows, columns = np.nonzero(mask)
        places = terrain.place(whole.x[columns], whole.y[rows])
        seen = eye.project(np.column_stack([places, np.full(len(places), BOX_HEIGHT)]))
        axes.plot(seen[:, 0], seen[:, 1], zorder=4, **look)
    lifted = paths_above(panel, terrain.lift, scale)
    for place, (trajectory, path) in enumerate(zip(paths_of(panel), lifted, strict=True)):
        look = {"color": path_color(place), "label": path.label(trajectory)}
        axes.plot([], [], linewidth=pt(1.6), gid="trajectory", **look)
    if (curve := curve_of(panel)) is not None:
        _mark_curve(axes, terrain, eye, curve)


def _mark_curve(axes: Any, terrain: Terrain, eye: Eye, curve: CurveInPlane) -> None:
    """Name the ends of a curve, and label its lines."""
    *_, ends = _curve_in_box(terrain, curve)
    for name, (x, y, _) in zip(end_names(curve), eye.project(ends), strict=True):
        if np.isfinite(x):
            above = {"xytext": (0, pt(6)), "textcoords": "offset points", "ha": "center"}
            look = {"fontsize": pt(8), "path_effects": outline(1.8), "zorder": 5, "gid": "end"}
            axes.annotate(name, (x, y), **above, **look)
    axes.plot([], [], **curve_look(curve))
    axes.plot([], [], **straight_look())
    axes.plot([], [], **{**bend_look(curve), "markerfacecolor": ink(0)})


PAINTER = Painter(paint, has_levels=True, shape=0.95, clipped="and are cut off", smooth=SMOOTH)
