"""Light and shadow on the faces of a surface.

Lengths are in units of the axes' box, which is 1 wide along x and y. Normals have length 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import gaussian_filter

from landscape_cli.plotting.scene3d.camera import Camera, direction
from landscape_cli.plotting.scene3d.lighting import horizon, open_sky

Floats = NDArray[np.float64]

LEFT, ELEVATION = np.deg2rad([67.0, 49.0])
"""Position of the lamp: angle to the viewer's left, and elevation, in radians."""

SKY, LAMP, FRONT = 0.45, 0.35, 0.30
"""Shares of the light from the sky, from the lamp, and from the viewer's position."""

HIDDEN, SHADOW = 0.7, 0.5
"""Fractions of the sky's and the lamp's light that are lost where these are entirely hidden."""

UNDERSIDE = 0.8
"""Light from the sky on the underside, as a fraction of that on open ground."""

DARKEST = 0.45
"""Minimum factor by which light darkens colours."""

BRIGHTER, GLOSS, SHARPNESS = 0.5, 0.2, 20
"""Strength of the white added in bright light and in highlights, and the exponent of highlights."""

MIN_SHADOW_POINTS, MAX_SHADOW_POINTS = 100, 150
"""Bounds on the points along each axis of the grid on which shadows are computed."""

EDGE = 0.3
"""Width of the edge of the lamp's shadow in radians."""

BLUR = 1.5
"""Standard deviation of the blur of shadows in points of their grid."""


def shaded(
    colors: Floats, x: Floats, y: Floats, heights: Floats, at: Floats, top: float, camera: Camera
) -> Floats:
    """Return colours under light; those of open level ground are unchanged.

    Args:
        colors: red, green, blue and alpha at each place, of shape (n, 4).
        x: ascending from 0 to 1, of shape (nx,).
        y: ascending from 0 to 1, of shape (ny,).
        heights: the surface's heights, of shape (ny, nx), from 0 to ``top``, or beyond where it is
            cut; NaN where there is no surface.
        at: x and y of the places, of shape (n, 2).
        top: the height of the box.
        camera: the viewpoint.
    """
    azimuth = np.deg2rad(camera.azimuth)
    eye = direction(azimuth, np.deg2rad(camera.elevation))
    lamp = direction(azimuth - LEFT, ELEVATION)
    normals = _at(x, y, normals_of(x, y, heights, top), at)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    is_top = normals @ eye >= 0
    normals = np.where(is_top[:, None], normals, -normals)
    sky, shadow = _shadows(x, y, np.clip(heights, 0, top), at, azimuth - LEFT)
    sky = np.where(is_top, 1 - HIDDEN * (1 - sky), UNDERSIDE)
    direct = np.clip(normals @ lamp, 0, None) * np.where(is_top, 1 - SHADOW * shadow, 1)
    light = SKY * sky + LAMP * direct + FRONT * (normals @ eye)
    light /= SKY + LAMP * lamp[2] + FRONT * eye[2]
    half = (lamp + eye) / np.linalg.norm(lamp + eye)
    highlight = np.clip(normals @ half, 0, 1) ** SHARPNESS - half[2] ** SHARPNESS
    white = BRIGHTER * np.clip(light - 1, 0, 1) + GLOSS * np.clip(highlight, 0, None)
    lit = colors.copy()
    lit[:, :3] *= np.clip(light, DARKEST, 1)[:, None]
    lit[:, :3] += np.clip(white, 0, 1)[:, None] * (1 - lit[:, :3])
    return lit


def normals_of(x: Floats, y: Floats, heights: Floats, top: float) -> Floats:
    """Return the normals at a grid's points, of shape (ny, nx, 3): means over adjacent cells.

    Cells that lie entirely beyond a limit or lack a corner are left out. A normal without any cell
    points up.
    """
    corners = np.stack([heights[:-1, :-1], heights[:-1, 1:], heights[1:, 1:], heights[1:, :-1]])
    a, b, c, d = corners
    along_x = (b + c - a - d) / 2 / np.diff(x)
    along_y = (c + d - a - b) / 2 / np.diff(y)[:, None]
    cells = np.stack([-along_x, -along_y, np.ones_like(a)], axis=-1)
    cells /= np.linalg.norm(cells, axis=-1, keepdims=True)
    cut = (corners >= top).all(axis=0) | (corners <= 0).all(axis=0) | np.isnan(along_x)
    cells[cut] = 0
    around = np.pad(cells, ((1, 1), (1, 1), (0, 0)))
    total = around[:-1, :-1] + around[:-1, 1:] + around[1:, 1:] + around[1:, :-1]
    total[~total.any(axis=-1)] = [0.0, 0.0, 1.0]
    normals: Floats = total / np.linalg.norm(total, axis=-1, keepdims=True)
    return normals


def _shadows(
    x: Floats, y: Floats, heights: Floats, at: Floats, azimuth: float
) -> tuple[Floats, Floats]:
    """Return the visible fraction of the sky and the lamp's shadow at places, from 0 to 1."""
    fine = np.linspace(0, 1, int(np.clip(max(heights.shape), MIN_SHADOW_POINTS, MAX_SHADOW_POINTS)))
    places = np.stack(np.meshgrid(fine, fine), axis=-1)
    ground = _at(x, y, np.where(np.isnan(heights), np.nanmin(heights), heights), places)
    steps = (fine[1], fine[1])
    above_lamp = horizon(ground, steps, azimuth, np.inf) - ELEVATION
    shadow = np.clip(above_lamp / EDGE + 0.5, 0, 1)
    both = np.stack([_blurred(open_sky(ground, steps)), _blurred(shadow)], axis=-1)
    sky_and_shadow = _at(fine, fine, both, at)
    return sky_and_shadow[:, 0], sky_and_shadow[:, 1]


def _blurred(shadow: Floats) -> Floats:
    blurred: Floats = gaussian_filter(shadow, BLUR, mode="nearest")
    return blurred


def _at(x: Floats, y: Floats, values: Floats, places: Floats) -> Floats:
    """Interpolate values on a grid at places (..., 2) of x and y from 0 to 1."""
    result: Floats = RegularGridInterpolator((y, x), values)(np.clip(places[..., ::-1], 0, 1))
    return result
