"""Light and shadow on heights above a plane, by rays along it.

A ray that leaves a point in some direction is free above that direction's horizon, the steepest
line to a point of the surface. From the horizons all around follow how much of the sky a point
sees, and whether it sees the sun (Max 1988, "Horizon mapping: shadows for bump-mapped surfaces",
The Visual Computer 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.scene3d.camera import direction

Floats = NDArray[np.float64]

SUN_ELEVATION, SUN_RADIUS = np.deg2rad([52.0, 7.0])
"""How high the sun stands, and how far its light is smeared, in radians."""

SKY_PART = 0.5
"""How much of the light on a level, free place comes from the sky."""

DIRECTIONS = 16
REACH = 1.5
"""How far the sky's rays go, and how many directions they go in."""

GROWTH = 1.25
"""How many times longer each step of a ray is than the one before, from some steps on."""

BELOW = 0.5
"""How bright the underside is where it faces down, in parts of a level place's light."""


def light(heights: Floats, spacing: tuple[float, float], azimuth: float) -> Floats:
    """How bright a surface is from above, 1 where it is level and free.

    Args:
        heights: of shape (ny, nx), finite.
        spacing: the distances between rows and between columns, in units of the heights.
        azimuth: where the sun stands, in radians from the x axis towards the y axis.
    """
    above = SUN_ELEVATION - horizon(heights, spacing, azimuth, np.inf)
    share = np.clip(above / (2 * SUN_RADIUS) + 0.5, 0, 1)
    lit = share * share * (3 - 2 * share)
    sun = direction(azimuth, SUN_ELEVATION)
    facing = np.clip(normals(heights, spacing) @ sun, 0, None) / sun[2]
    brightness: Floats = SKY_PART * open_sky(heights, spacing) + (1 - SKY_PART) * facing * lit
    return brightness


def light_below(heights: Floats, spacing: tuple[float, float], azimuth: float) -> Floats:
    """How bright a surface is from below, by a lamp at its height in the direction ``azimuth``."""
    down = -normals(heights, spacing)
    return BELOW + (1 - BELOW) * np.clip(down @ direction(azimuth, 0.0), 0, None)


def open_sky(heights: Floats, spacing: tuple[float, float]) -> Floats:
    """How much of the sky each point of a surface sees, from 0 to 1."""
    turns = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False).tolist()
    seen = [np.cos(horizon(heights, spacing, turn, REACH)) ** 2 for turn in turns]
    return np.asarray(np.mean(seen, axis=0))


def normals(heights: Floats, spacing: tuple[float, float]) -> Floats:
    """The unit vectors that stand on a surface, upwards, of shape (ny, nx, 3)."""
    up, across = np.gradient(heights, *spacing)
    vectors = np.stack([-across, -up, np.ones_like(heights)], axis=-1)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit


def horizon(heights: Floats, spacing: tuple[float, float], azimuth: float, reach: float) -> Floats:
    """How high, in radians from 0 on, the surface reaches in a direction, seen from each point.

    Args:
        heights: of shape (ny, nx).
        spacing: the distances between rows and between columns.
        azimuth: the direction, in radians from the x axis towards the y axis.
        reach: how far to look.
    """
    way = np.array([np.sin(azimuth), np.cos(azimuth)]) / spacing
    way /= np.abs(way).max()
    steepest = np.zeros_like(heights)
    count = 1.0
    while True:
        # The nearest point of the grid, and the way to that.
        steps = np.rint(count * way).astype(int)
        far = np.hypot(*(steps * spacing))
        if far > reach or (np.abs(steps) >= heights.shape).any():
            return np.arctan(steepest)
        here, there = zip(*(_overlap(n) for n in steps.tolist()), strict=True)
        np.maximum(steepest[here], (heights[there] - heights[here]) / far, out=steepest[here])
        count = max(count + 1, GROWTH * count)


def _overlap(steps: int) -> tuple[slice, slice]:
    """Which numbers stay in range when so many steps are taken, and where they lead to."""
    if steps < 0:
        return slice(-steps, None), slice(None, steps)
    return slice(None, -steps or None), slice(steps, None)
