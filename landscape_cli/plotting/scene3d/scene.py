"""Render terrains by VTK, through PyVista and without a display."""

from __future__ import annotations

import math
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.colors import Colormap
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.plotting.scene3d.camera import Camera, Eye, Frame
from landscape_cli.plotting.scene3d.floor import floor_shadow
from landscape_cli.plotting.scene3d.terrain import BOX_HEIGHT, FLOOR, Terrain
from landscape_cli.plotting.style import colormap

Floats = NDArray[np.float64]
Color = tuple[float, float, float]

PLATE = FLOOR - 0.012
"""Height of the floor plate, just below the contours so that it does not hide them."""

LINE_WIDTH, RIM_WIDTH = 1 / 180, 1 / 330
"""Widths of contour lines and of the rim, as fractions of the image's width."""

SHADE = 0.13
"""Part of the plate's brightness that the surface's shadow takes."""

MAX_WIDTH = 6000
"""Largest width of an image in pixels, within what graphics hardware can draw at once."""

UNLIT = {"lighting": False, "ambient": 1.0, "diffuse": 0.0, "show_scalar_bar": False}
"""Properties of meshes without VTK's lighting, as their colours include the light already."""


@dataclass(frozen=True)
class Ball:
    """A ball that marks a point of the surface.

    Args:
        position: its centre in the box, of shape (3,).
        radius: in units of the box.
        color: its colour.
    """

    position: Floats
    radius: float
    color: Color


@dataclass(frozen=True)
class Scene:
    """A terrain with everything around it.

    Args:
        terrain: the surface.
        lines: levels, as drawn, of the contours on the floor.
        ground: the background colour.
        plate: the colour of the floor.
        ink: the colour of paths.
        gaps: rectangles of the floor where nothing was computed, of shape (n, 4, 2).
        gap_color: their colour.
        beyond_color: the colour of the surface below the lower limit.
        path: contiguous parts of paths on the surface, each of shape (n, 3).
        path_colors: the colour of each part, if not ``ink``.
        stems: thin lines, each of shape (n, 3).
        stem_colors: the colour of each.
        balls: marks on the surface.
        line_colors: the colour map of the contours; None for that of the style.
        azimuth: the camera's azimuth in degrees, which determines where the sun is.
    """

    terrain: Terrain
    lines: Floats
    ground: Color
    plate: Color
    ink: Color
    gaps: Floats = field(default_factory=lambda: np.empty((0, 4, 2)))
    gap_color: Color = (0.5, 0.5, 0.5)
    beyond_color: Color = (0.5, 0.5, 0.5)
    path: tuple[Floats, ...] = ()
    path_colors: tuple[Color, ...] = ()
    stems: tuple[Floats, ...] = ()
    stem_colors: tuple[Color, ...] = ()
    balls: tuple[Ball, ...] = ()
    line_colors: Colormap | None = None
    azimuth: float = Camera.azimuth


def render(scene: Scene, eye: Eye, frame: Frame, width: int) -> NDArray[np.uint8]:
    """Render a scene.

    Args:
        scene: the scene.
        eye: the camera.
        frame: the image's edges.
        width: width of the image in pixels; the height follows from the frame.

    Returns:
        The image, of shape (height, width, 3).

    Raises:
        UsageError: if PyVista is missing, or no OpenGL implementation is available.
    """
    pyvista = _pyvista()
    width = min(width, MAX_WIDTH)
    height = max(1, round(width * frame.height / frame.width))
    plotter = pyvista.Plotter(off_screen=True, window_size=[width, height], lighting="none")
    try:
        _check_opengl(plotter)
        plotter.set_background(scene.ground)
        plotter.enable_anti_aliasing("ssaa")
        for mesh, look in _meshes(pyvista, scene, width):
            plotter.add_mesh(mesh, **UNLIT, **look)
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
    # VTK would report each OpenGL implementation that it fails to load on standard error.
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    return pyvista


def _check_opengl(plotter: Any) -> None:
    """Check that VTK has a display, EGL or OSMesa, without which it would crash."""
    window = plotter.render_window.GetClassName()
    if window == "vtkOSOpenGLRenderWindow" and find_library("OSMesa") is None:
        raise UsageError(
            "--kind render: found neither a display nor a library for off-screen rendering; "
            "install EGL or OSMesa (apt-get install libegl1, or libosmesa6), or use --kind surface"
        )


def _aim(camera: Any, eye: Eye, frame: Frame) -> None:
    camera.position, camera.focal_point = eye.position.tolist(), eye.target.tolist()
    camera.up = eye.axes[1].tolist()
    camera.view_angle = math.degrees(2 * math.atan(frame.height / 2))
    middle = ((frame.left + frame.right) / frame.width, (frame.bottom + frame.top) / frame.height)
    camera.SetWindowCenter(*middle)


def _meshes(pyvista: Any, scene: Scene, width: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Return the meshes of a scene with their properties."""
    terrain = scene.terrain
    yield from _floor(pyvista, scene, width)
    whole = _surface(pyvista, terrain)
    inside, pit = _cut_at_limits(whole)
    if pit is not None and pit.n_cells:
        yield pit, {"color": scene.beyond_color}
    if inside.n_cells:
        yield inside, {"scalars": "above", "rgb": True, "culling": "back"}
        # A copy, as a mesh has only one set of active colours.
        yield inside.copy(), {"scalars": "below", "rgb": True, "culling": "front"}
    if terrain.z.max() > BOX_HEIGHT:
        rim = whole.contour([BOX_HEIGHT], scalars="height")
        if rim.n_points:
            yield rim, {"color": scene.ink, "line_width": _pixels(RIM_WIDTH, width)}
    colors = scene.path_colors or (scene.ink,) * len(scene.path)
    tubes = [*zip(scene.path, colors, strict=True)]
    stems = [*zip(scene.stems, scene.stem_colors, strict=True)]
    for radius, lines_ in ((0.009, tubes), (0.0035, stems)):
        for part, color in lines_:
            if len(part) > 1 and np.ptp(part, axis=0).any():
                yield pyvista.lines_from_points(part).tube(radius=radius), {"color": color}
    for ball in scene.balls:
        sphere = pyvista.Sphere(radius=ball.radius, center=ball.position.tolist())
        yield sphere, {"color": ball.color}


def _floor(pyvista: Any, scene: Scene, width: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Return the plate with the surface's shadow, the gaps, and the contour lines."""
    terrain = scene.terrain
    plate, shade = floor_shadow(terrain, scene.azimuth)
    mesh = pyvista.PolyData(
        np.column_stack([plate.reshape(-1, 2), np.full(shade.size, PLATE)]), _grid(shade.shape)
    )
    dark = np.asarray(scene.plate) * (1 - SHADE * shade.reshape(-1, 1))
    mesh["color"] = np.round(255 * dark).astype(np.uint8)
    yield mesh, {"scalars": "color", "rgb": True}
    if len(scene.gaps):
        places = terrain.place(*np.moveaxis(scene.gaps, -1, 0)).reshape(-1, 2)
        points = np.column_stack([places, np.full(len(places), PLATE + 0.004)])
        faces = _quads(np.arange(len(points)).reshape(-1, 4))
        yield pyvista.PolyData(points, faces), {"color": scene.gap_color}
    levels = terrain.height_of(scene.lines)
    if len(levels):
        flat = _surface(pyvista, terrain)
        flat.points[:, 2] = FLOOR
        lines = flat.contour(levels.tolist(), scalars="height")
        if lines.n_points:
            bands = scene.line_colors or colormap()
            look = {"scalars": "height", "cmap": bands, "clim": (0, BOX_HEIGHT)}
            yield lines, {**look, "line_width": _pixels(LINE_WIDTH, width)}


def _pixels(part: float, width: int) -> float:
    """Return a fraction of an image's width in pixels, at least 1.5."""
    return max(1.5, part * width)


def _surface(pyvista: Any, terrain: Terrain) -> Any:
    """Return the mesh of all drawn cells, counterclockwise as seen from above."""
    x, y = np.meshgrid(terrain.x, terrain.y)
    points = np.column_stack([x.ravel(), y.ravel(), terrain.z.ravel()])
    mesh = pyvista.PolyData(points, _grid(terrain.z.shape, terrain.cells))
    mesh["height"] = terrain.z.ravel()
    for name, colors in (("above", terrain.above), ("below", terrain.below)):
        mesh[name] = np.round(255 * colors.reshape(-1, 3)).astype(np.uint8)
    return mesh


def _cut_at_limits(mesh: Any) -> tuple[Any, Any | None]:
    """Return the part of a surface within the box, and what lies below it, flattened."""
    heights, below, inside = mesh["height"], None, mesh
    if heights.max() > BOX_HEIGHT:
        inside = inside.clip_scalar(scalars="height", value=BOX_HEIGHT)
    if heights.min() < 0:
        inside = inside.clip_scalar(scalars="height", value=0.0, invert=False)
        below = mesh.clip_scalar(scalars="height", value=0.0)
        below.points[:, 2] = 0.0
    return inside, below


def _grid(shape: tuple[int, ...], cells: Any = slice(None)) -> NDArray[np.int64]:
    """Encode the cells of a grid of points, or some of them, for VTK."""
    numbers = np.arange(shape[0] * shape[1]).reshape(shape)
    around = (numbers[:-1, :-1], numbers[:-1, 1:], numbers[1:, 1:], numbers[1:, :-1])
    return _quads(np.stack(around, axis=-1)[cells].reshape(-1, 4))


def _quads(corners: NDArray[Any]) -> NDArray[np.int64]:
    """Encode faces with four corners, of shape (n, 4), for VTK."""
    return np.column_stack([np.full(len(corners), 4), corners]).ravel()
