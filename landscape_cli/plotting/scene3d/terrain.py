"""A panel's heights in a box of fixed size, fine and lit: what is rendered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.lighting import light, light_below
from landscape_cli.plotting.style import colormap

Floats = NDArray[np.float64]

TALL = 1.05
"""The height of the box; its longer side is 2."""

FLOOR = -0.42
"""Where the contours lie, the lowest value shown being at 0."""

FINE = 300
"""About how many points a side of the surface is drawn with, if its grid has fewer."""

MOST = 8
"""Into how many parts a step of the grid is divided at most."""

SUN_LEFT, LAMP_LEFT = 87.0, 12.0
"""How far to the viewer's left the sun is, and the lamp that lights the underside, in degrees."""

GAMMA = 2.2


@dataclass(frozen=True)
class Terrain:
    """Heights above a plane, in units of the box.

    Args:
        x: (nx,).
        y: (ny,).
        z: (ny, nx), 0 for the lowest and ``TALL`` for the highest value shown, and beyond.
        cells: which of the (ny - 1, nx - 1) cells are drawn.
        above: the colours of the upper side, (ny, nx, 3) from 0 to 1.
        below: the colours of the underside.
        limits: the ends of the panel's x and y, each drawn from -half to half a side.
        ends: the values as drawn that are at 0 and at ``TALL``.
    """

    x: Floats
    y: Floats
    z: Floats
    cells: NDArray[np.bool_]
    above: Floats
    below: Floats
    limits: tuple[tuple[float, float], tuple[float, float]]
    ends: tuple[float, float]

    @property
    def half(self) -> Floats:
        """Half the sides along x and y."""
        return np.array([self.x[-1], self.y[-1]])

    @property
    def corners(self) -> Floats:
        """The box's, with the floor: (8, 3)."""
        (a, b), heights = self.half, (FLOOR, TALL)
        return np.array([[i * a, j * b, z] for i in (-1, 1) for j in (-1, 1) for z in heights])

    def place(self, x: Any, y: Any) -> Floats:
        """Where points of the panel stand in the box, (..., 2)."""
        parts = [
            (2 * (np.asarray(value, np.float64) - low) / (high - low) - 1) * half
            for value, (low, high), half in zip((x, y), self.limits, self.half, strict=True)
        ]
        return np.stack(parts, axis=-1)

    def level(self, drawn: Any) -> Floats:
        """The heights of values as drawn."""
        low, high = self.ends
        return np.asarray((np.asarray(drawn) - low) / (high - low) * TALL)


def terrain_of(panel: Panel, scale: Scale, azimuth: float) -> Terrain:
    """The terrain of a plane's values on a scale, seen from an azimuth in degrees.

    Between the grid's points it is a monotone cubic in each direction, which exceeds no value
    (Fritsch and Carlson 1980, "Monotone piecewise cubic interpolation"); cells of the grid with a
    corner that has no value are holes.
    """
    drawn = scale.drawn(panel).filled(np.nan)
    known = np.isfinite(drawn)
    finer = [max(1, min(MOST, math.ceil(FINE / n))) for n in drawn.shape]
    rows, columns = (_fine(n, k) for n, k in zip(drawn.shape, finer, strict=True))
    smooth = np.where(known, drawn, scale.ends[1])
    for axis, (points, fine) in enumerate(zip((panel.y, panel.x), (rows, columns), strict=True)):
        at = np.interp(fine, np.arange(len(points)), points)
        with np.errstate(over="ignore"):  # where values differ by next to nothing
            smooth = PchipInterpolator(points, smooth, axis=axis)(at)
    limits = _ends(panel.x), _ends(panel.y)
    width, depth = (high - low for low, high in limits)
    sides = np.array([min(1, width / depth), min(1, depth / width)]).clip(0.5)
    x, y = (
        side * (2 * fine / fine[-1] - 1) for side, fine in zip(sides, (columns, rows), strict=True)
    )
    low, high = scale.ends
    z = (smooth - low) / (high - low) * TALL
    whole = known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & known[1:, 1:]
    cells = np.repeat(np.repeat(whole, finer[0], axis=0), finer[1], axis=1)
    seen, spacing = z.clip(0, TALL), (float(y[1] - y[0]), float(x[1] - x[0]))
    colors = np.asarray(colormap()(seen / TALL))[..., :3]
    above = _lit(colors, light(seen, spacing, np.deg2rad(azimuth - SUN_LEFT)))
    below = _lit(colors, light_below(seen, spacing, np.deg2rad(azimuth - LAMP_LEFT)))
    return Terrain(x, y, z, cells, above, below, limits, (low, high))


def _ends(coordinates: Floats) -> tuple[float, float]:
    return float(coordinates[0]), float(coordinates[-1])


def _fine(points: int, parts: int) -> Floats:
    """The numbers of a grid's points, with others between them."""
    return np.linspace(0, points - 1, parts * (points - 1) + 1)


def _lit(colors: Floats, brightness: Floats) -> Floats:
    """Colours under more or less light, which is proportional to their power ``GAMMA``."""
    lit: Floats = np.clip(colors**GAMMA * brightness[..., None], 0, 1) ** (1 / GAMMA)
    return lit
