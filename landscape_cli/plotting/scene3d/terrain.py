"""Terrains: a panel's heights in a box of fixed size, smoothed and lit, ready to render."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from landscape_cli.plotting.interpolation import Interpolation
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.camera import Camera, direction
from landscape_cli.plotting.scene3d.lighting import (
    SUN_ELEVATION,
    highlights,
    light,
    light_below,
    normals,
    sunlit,
)
from landscape_cli.plotting.scene3d.visibility import Lift, lifter

Floats = NDArray[np.float64]

BOX_HEIGHT = 1.05
"""Height of the box, in units in which its longer side is 2."""

FLOOR = -0.42
"""Height of the contours; the lowest value shown is at 0."""

SMOOTH = Interpolation("surface", 300, most=8)

SUN_LEFT, LAMP_LEFT = 87.0, 12.0
"""Angles to the viewer's left, in degrees, of the sun and of the lamp that lights the underside."""

STEEP = 20
"""Heights up to which slopes go on beyond the limits, in units of the box's height."""

BLUR = 2.0
"""Standard deviation of the blur of light on the upper side, in points of the refined grid."""

GAMMA = 2.2
"""Exponent that turns a display colour into light intensity."""


@dataclass(frozen=True)
class Terrain:
    """Heights above a plane, in units of the box.

    Args:
        x: of shape (nx,).
        y: of shape (ny,).
        z: of shape (ny, nx): 0 for the lowest value shown, ``BOX_HEIGHT`` for the highest, beyond
            for clipped ones.
        cells: mask of the cells that are drawn, of shape (ny - 1, nx - 1).
        above: colours of the upper side, of shape (ny, nx, 3), from 0 to 1.
        below: colours of the underside, of the same shape.
        limits: the ends of the panel's x and y, which are drawn at minus and plus half a side.
        ends: the values as drawn at heights 0 and ``BOX_HEIGHT``.
        lift: lifts points of the panel onto its surface, to values as drawn.
    """

    x: Floats
    y: Floats
    z: Floats
    cells: NDArray[np.bool_]
    above: Floats
    below: Floats
    limits: tuple[tuple[float, float], tuple[float, float]]
    ends: tuple[float, float]
    lift: Lift

    @property
    def half(self) -> Floats:
        """Half the lengths of the sides along x and y, of shape (2,)."""
        return np.array([self.x[-1], self.y[-1]])

    @property
    def corners(self) -> Floats:
        """Corners of the box, from the floor to the lid, of shape (8, 3)."""
        (a, b), heights = self.half, (FLOOR, BOX_HEIGHT)
        return np.array([[i * a, j * b, z] for i in (-1, 1) for j in (-1, 1) for z in heights])

    def place(self, x: Any, y: Any) -> Floats:
        """Map coordinates of the panel to positions in the box, of shape (..., 2)."""
        parts = [
            (2 * (np.asarray(value, np.float64) - low) / (high - low) - 1) * half
            for value, (low, high), half in zip((x, y), self.limits, self.half, strict=True)
        ]
        return np.stack(parts, axis=-1)

    def height_of(self, drawn: Any) -> Floats:
        """Return the heights of values as drawn."""
        low, high = self.ends
        return np.asarray((np.asarray(drawn) - low) / (high - low) * BOX_HEIGHT)


def terrain_of(panel: Panel, scale: Scale, camera: Camera) -> Terrain:
    """Turn a plane's values into a terrain, lit for a camera.

    Between grid points it is interpolated, unless the panel is raw. Cells of the grid with a corner
    without a value are holes, in which heights are at the upper limit.
    """
    drawn = scale.drawn(panel).filled(np.nan)
    known = np.isfinite(drawn)
    x, y, smooth = SMOOTH.refine(panel, drawn)
    lift = lifter(x, y, smooth)
    limits = _ends(panel.x), _ends(panel.y)
    width, depth = (high - low for low, high in limits)
    sides = np.array([min(1, width / depth), min(1, depth / width)]).clip(0.5)
    x, y = (
        side * (2 * (fine - low) / (high - low) - 1)
        for side, fine, (low, high) in zip(sides, (x, y), limits, strict=True)
    )
    low, high = scale.ends
    z = (np.where(np.isnan(smooth), high, smooth) - low) / (high - low) * BOX_HEIGHT
    whole = known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & known[1:, 1:]
    rows, columns = SMOOTH.parts(panel)
    cells = np.repeat(np.repeat(whole, rows, axis=0), columns, axis=1)
    spacing = float(y[1] - y[0]), float(x[1] - x[0])
    colors = np.asarray(scale.colors(z.clip(0, BOX_HEIGHT) / BOX_HEIGHT))[..., :3]
    above, below = _lit_sides(colors, z, spacing, camera)
    return Terrain(x, y, z, cells, above, below, limits, (low, high), lift)


def _ends(coordinates: Floats) -> tuple[float, float]:
    return float(coordinates[0]), float(coordinates[-1])


def _lit_sides(
    colors: Floats, z: Floats, spacing: tuple[float, float], camera: Camera
) -> tuple[Floats, Floats]:
    """Return the colours of the upper side and the underside under light."""
    azimuth, elevation = np.deg2rad([camera.azimuth, camera.elevation])
    eye = direction(azimuth, elevation)
    sun, lamp = azimuth - np.deg2rad(SUN_LEFT), azimuth - np.deg2rad(LAMP_LEFT)
    cut = z.clip(0, BOX_HEIGHT)
    # Slopes go on beyond the limits; otherwise the surface would seem to bend at its rim.
    steep = z.clip(-STEEP * BOX_HEIGHT, STEEP * BOX_HEIGHT)
    facing = normals(steep, spacing)
    shine = highlights(facing, direction(sun, SUN_ELEVATION), eye) * sunlit(cut, spacing, sun)
    # Blurred, as walls a few points wide would have streaks.
    brightness, shine = (
        gaussian_filter(one, BLUR, mode="nearest")
        for one in (light(cut, spacing, sun, steep), shine)
    )
    above = _shiny(_lit(colors, brightness), shine)
    low_shine = highlights(-facing, direction(lamp, 0.3), eye)
    below = _shiny(_lit(colors, light_below(steep, spacing, lamp)), low_shine)
    return above, below


def _shiny(colors: Floats, strength: Floats) -> Floats:
    """Blend colours with white."""
    return np.asarray(colors + strength[..., None] * (1 - colors))


def _lit(colors: Floats, brightness: Floats) -> Floats:
    """Return colours under light; intensity is proportional to colour to the power ``GAMMA``."""
    lit: Floats = np.clip(colors**GAMMA * brightness[..., None], 0, 1) ** (1 / GAMMA)
    return lit
