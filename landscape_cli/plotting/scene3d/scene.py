"""Terrains as images, rendered by VTK through PyVista without a display."""

from __future__ import annotations

import math
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.plotting.scene3d.camera import Eye, Frame
from landscape_cli.plotting.scene3d.terrain import FLOOR, TALL, Terrain
from landscape_cli.plotting.style import colormap

Floats = NDArray[np.float64]
Color = tuple[float, float, float]

LOWEST = FLOOR - 0.012
"""The plate lies below its contours, so that these are seen."""


PLAIN = {"lighting": False, "ambient": 1.0, "diffuse": 0.0, "show_scalar_bar": False}
"""Everything has its own colour, whatever the light."""


@dataclass(frozen=True)
class Ball:
    """A ball that marks a point of the surface."""

    place: Floats
    radius: float
    color: Color


@dataclass(frozen=True)
class Scene:
    """What is rendered.

    Args:
        terrain: the surface.
        lines: the values as drawn whose contours lie on the floor.
        ground: the colour behind everything.
        plate: the colour of the floor.
        gaps: rectangles of the floor where nothing was computed, (n, 4, 2), and their colour.
        path: points of a path on the surface, in parts without gaps, each (n, 3).
        balls: marks on the surface.
        ink: the path's colour.
    """

    terrain: Terrain
    lines: Floats
    ground: Color
    plate: Color
    ink: Color
    gaps: Floats = field(default_factory=lambda: np.empty((0, 4, 2)))
    gap: Color = (0.5, 0.5, 0.5)
    path: tuple[Floats, ...] = ()
    balls: tuple[Ball, ...] = ()


def render(scene: Scene, eye: Eye, frame: Frame, width: int) -> NDArray[np.uint8]:
    """An image of a scene.

    Args:
        scene: what is seen.
        eye: from where.
        frame: the image's edges.
        width: its width in pixels; the height follows.

    Returns:
        The image, of shape (height, width, 3).

    Raises:
        UsageError: if PyVista is missing, or there is no OpenGL to render with.
    """
    pyvista = _pyvista()
    height = max(1, round(width * frame.height / frame.width))
    plotter = pyvista.Plotter(off_screen=True, window_size=[width, height], lighting="none")
    try:
        _check_opengl(plotter)
        plotter.set_background(scene.ground)
        plotter.enable_anti_aliasing("ssaa")
        for mesh, look in _meshes(pyvista, scene, width):
            plotter.add_mesh(mesh, **PLAIN, **look)
        _aim(plotter.camera, eye, frame)
        plotter.reset_camera_clipping_range()
        image: NDArray[np.uint8] = plotter.screenshot(return_img=True)
    finally:
        plotter.close()
    return image


def _pyvista() -> Any:
    try:
        import pyvista
        from vtkmodules.vtkCommonCore import vtkLogger
    except ImportError as error:
        raise UsageError(
            f"--kind render: needs pyvista ({error}); pip install 'landscape-cli[render]'"
        ) from None
    # It says on standard error which of several ways to OpenGL it has tried in vain.
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    return pyvista


def _check_opengl(plotter: Any) -> None:
    """Refuse to go on where VTK would crash: without a display, EGL, and OSMesa."""
    window = plotter.render_window.GetClassName()
    if window == "vtkOSOpenGLRenderWindow" and find_library("OSMesa") is None:
        raise UsageError(
            "--kind render: there is neither a display nor a library to render without one; "
            "install EGL or OSMesa (apt-get install libegl1, or libosmesa6), or use --kind surface"
        )


def _aim(camera: Any, eye: Eye, frame: Frame) -> None:
    camera.position, camera.focal_point = eye.place.tolist(), eye.target.tolist()
    camera.up = eye.axes[1].tolist()
    camera.view_angle = math.degrees(2 * math.atan(frame.height / 2))
    middle = ((frame.left + frame.right) / frame.width, (frame.bottom + frame.top) / frame.height)
    camera.SetWindowCenter(*middle)


def _meshes(pyvista: Any, scene: Scene, width: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The shapes of a scene, and how each looks."""
    terrain = scene.terrain
    a, b = terrain.half
    corners = np.array([[-a, -b, LOWEST], [a, -b, LOWEST], [a, b, LOWEST], [-a, b, LOWEST]])
    yield pyvista.PolyData(corners, [4, 0, 1, 2, 3]), {"color": scene.plate}
    if len(scene.gaps):
        places = terrain.place(*np.moveaxis(scene.gaps, -1, 0)).reshape(-1, 2)
        points = np.column_stack([places, np.full(len(places), LOWEST + 0.004)])
        faces = _quads(np.arange(len(points)).reshape(-1, 4))
        yield pyvista.PolyData(points, faces), {"color": scene.gap}
    whole = _surface(pyvista, terrain)
    for mesh in filter(lambda mesh: mesh.n_cells, _levelled(whole)):
        yield mesh, {"scalars": "above", "rgb": True, "culling": "back"}
        # Another mesh, as each has one set of active colours.
        yield mesh.copy(), {"scalars": "below", "rgb": True, "culling": "front"}
    flat = whole.copy()
    flat.points[:, 2] = FLOOR
    levels = terrain.level(scene.lines)
    if len(levels):
        lines = flat.contour(levels.tolist(), scalars="height")
        if lines.n_points:
            look = {"scalars": "height", "cmap": colormap(), "clim": (0, TALL)}
            yield lines, {**look, "line_width": max(1.5, width / 400)}
    for part in scene.path:
        if len(part) > 1:
            yield pyvista.lines_from_points(part).tube(radius=0.009), {"color": scene.ink}
    for ball in scene.balls:
        yield pyvista.Sphere(radius=ball.radius, center=ball.place.tolist()), {"color": ball.color}


def _surface(pyvista: Any, terrain: Terrain) -> Any:
    """All cells that are drawn, counterclockwise from above."""
    rows, columns = terrain.z.shape
    x, y = np.meshgrid(terrain.x, terrain.y)
    points = np.column_stack([x.ravel(), y.ravel(), terrain.z.ravel()])
    numbers = np.arange(rows * columns).reshape(rows, columns)
    around = (numbers[:-1, :-1], numbers[:-1, 1:], numbers[1:, 1:], numbers[1:, :-1])
    corners = np.stack(around, axis=-1)[terrain.cells]
    mesh = pyvista.PolyData(points, _quads(corners))
    mesh["height"] = terrain.z.ravel()
    for name, colors in (("above", terrain.above), ("below", terrain.below)):
        mesh[name] = np.round(255 * colors.reshape(-1, 3)).astype(np.uint8)
    return mesh


def _levelled(mesh: Any) -> Iterator[Any]:
    """A surface within the box, and what lies beyond it, at its lid and its bottom."""
    heights = mesh["height"]
    inside = mesh
    if heights.max() > TALL:
        inside = inside.clip_scalar(scalars="height", value=TALL)
        yield _at(mesh.clip_scalar(scalars="height", value=TALL, invert=False), TALL)
    if heights.min() < 0:
        inside = inside.clip_scalar(scalars="height", value=0.0, invert=False)
        yield _at(mesh.clip_scalar(scalars="height", value=0.0), 0.0)
    yield inside


def _at(mesh: Any, height: float) -> Any:
    mesh.points[:, 2] = height
    return mesh


def _quads(corners: NDArray[Any]) -> NDArray[np.int64]:
    """Faces with four corners (n, 4), as VTK has them."""
    return np.column_stack([np.full(len(corners), 4), corners]).ravel()
