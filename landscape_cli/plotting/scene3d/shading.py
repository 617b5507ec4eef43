"""Light and shadow on a surface in three dimensions.

Lengths are in units of the axes' box: its sides are 1 along x and y. A normal has length 1.
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
"""Where the lamp stands: how far to the viewer's left, and how high, in radians."""

SKY, LAMP, FRONT = 0.45, 0.35, 0.30
"""How much light comes from the sky, from the lamp, and from where the viewer stands."""

HIDDEN, SHADOW = 0.7, 0.5
"""How much of the light is missing where the whole sky, or the lamp, is hidden."""

UNDERSIDE = 0.8
"""How much of the sky's light comes from below."""

DARKEST = 0.45
BRIGHTER, GLOSS, SHARPNESS = 0.5, 0.2, 20
"""How far colours turn white in strong light and where the lamp is mirrored, and how sharply."""

FEWEST, MOST = 100, 150
"""Shadows are computed on a grid of so many points along each axis."""

EDGE = 0.3
"""How wide the edge of the lamp's shadow is, in radians."""

BLUR = 1.5
"""Over how many points shadows are blurred."""


def shaded(
    colors: Floats, x: Floats, y: Floats, heights: Floats, at: Floats, top: float, camera: Camera
) -> Floats:
    """Colours as they are seen under light, those of open level ground unchanged.

    Args:
        colors: red, green, blue and alpha of each place, of shape (n, 4).
        x: ascending from 0 to 1, of shape (nx,).
        y: ascending from 0 to 1, of shape (ny,).
        heights: the surface's, of shape (ny, nx), from 0 to ``top``, or beyond where it is cut;
            NaN where there is none.
        at: x and y of the places, of shape (n, 2).
        top: the height of the box.
        camera: where the viewer is.
    """
    around = np.deg2rad(camera.azimuth)
    eye, lamp = direction(around, np.deg2rad(camera.elevation)), direction(around - LEFT, ELEVATION)
    normals = _at(x, y, normals_of(x, y, heights, top), at)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    upside = normals @ eye >= 0
    normals = np.where(upside[:, None], normals, -normals)
    sky, shadow = _shadows(x, y, np.clip(heights, 0, top), at, around - LEFT)
    sky = np.where(upside, 1 - HIDDEN * (1 - sky), UNDERSIDE)
    direct = np.clip(normals @ lamp, 0, None) * np.where(upside, 1 - SHADOW * shadow, 1)
    light = SKY * sky + LAMP * direct + FRONT * (normals @ eye)
    light /= SKY + LAMP * lamp[2] + FRONT * eye[2]
    half = (lamp + eye) / np.linalg.norm(lamp + eye)
    mirrored = np.clip(normals @ half, 0, 1) ** SHARPNESS - half[2] ** SHARPNESS
    white = BRIGHTER * np.clip(light - 1, 0, 1) + GLOSS * np.clip(mirrored, 0, None)
    found = colors.copy()
    found[:, :3] *= np.clip(light, DARKEST, 1)[:, None]
    found[:, :3] += np.clip(white, 0, 1)[:, None] * (1 - found[:, :3])
    return found


def normals_of(x: Floats, y: Floats, heights: Floats, top: float) -> Floats:
    """The normals at a grid's points: the means of those of the cells around them, (ny, nx, 3).

    Cells that are cut off as a whole, or lack a corner, don't count. Without any, it points up.
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
    """How much of the sky places see, and how far the lamp is hidden from them, from 0 to 1."""
    fine = np.linspace(0, 1, int(np.clip(max(heights.shape), FEWEST, MOST)))
    places = np.stack(np.meshgrid(fine, fine), axis=-1)
    ground = _at(x, y, np.where(np.isnan(heights), np.nanmin(heights), heights), places)
    steps = (fine[1], fine[1])
    hidden = horizon(ground, steps, azimuth, np.inf) - ELEVATION
    shadow = np.clip(hidden / EDGE + 0.5, 0, 1)
    both = np.stack([_blurred(open_sky(ground, steps)), _blurred(shadow)], axis=-1)
    found = _at(fine, fine, both, at)
    return found[:, 0], found[:, 1]


def _blurred(shadow: Floats) -> Floats:
    blurred: Floats = gaussian_filter(shadow, BLUR, mode="nearest")
    return blurred


def _at(x: Floats, y: Floats, values: Floats, places: Floats) -> Floats:
    """Values on a grid, interpolated at places (..., 2) of x and y from 0 to 1."""
    found: Floats = RegularGridInterpolator((y, x), values)(np.clip(places[..., ::-1], 0, 1))
    return found
