"""Light and shadow on a height field, by horizon mapping.

The horizon of a point in some direction is the steepest line from it to another point of the
surface; a ray in that direction is unobstructed above it. The horizons in all directions give the
visible fraction of the sky, and tell whether the sun is visible (Max 1988, "Horizon mapping:
shadows for bump-mapped surfaces", The Visual Computer 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.scene3d.camera import direction

Floats = NDArray[np.float64]

SUN_ELEVATION, SUN_RADIUS = np.deg2rad([52.0, 7.0])
"""Elevation of the sun, and half the width of the soft edge of its shadows, in radians."""

SKY_FRACTION = 0.5
"""Fraction of the light on a level, unobstructed point that comes from the sky."""

DIRECTIONS = 16
"""Number of directions in which the sky is sampled."""

REACH = 1.5
"""Distance up to which the surface hides the sky."""

GROWTH = 1.25
"""Ratio of successive sample distances along a ray, which grow by at least one grid step."""

BELOW = 0.5
"""Brightness of the underside where it faces straight down, relative to a level upper side."""

GLOSS, SHARPNESS = 0.28, 18
"""Largest part of white in highlights, and their exponent."""


def light(
    heights: Floats, spacing: tuple[float, float], azimuth: float, steep: Floats | None = None
) -> Floats:
    """Return the brightness of a surface seen from above: 1 where level and unobstructed.

    Args:
        heights: of shape (ny, nx), finite.
        spacing: distances between rows and between columns, in units of the heights.
        azimuth: azimuth of the sun, in radians from the x axis towards the y axis.
        steep: the heights whose slopes count, if they go on where ``heights`` are cut.
    """
    sun = direction(azimuth, SUN_ELEVATION)
    slopes = normals(heights if steep is None else steep, spacing)
    facing = np.clip(slopes @ sun, 0, None) / sun[2]
    lit = sunlit(heights, spacing, azimuth)
    brightness: Floats = (
        SKY_FRACTION * open_sky(heights, spacing) + (1 - SKY_FRACTION) * facing * lit
    )
    return brightness


def sunlit(heights: Floats, spacing: tuple[float, float], azimuth: float) -> Floats:
    """Return the visible part of the sun at each point, from 0 to 1."""
    above = SUN_ELEVATION - horizon(heights, spacing, azimuth, np.inf)
    visible = np.clip(above / (2 * SUN_RADIUS) + 0.5, 0, 1)
    return np.asarray(visible * visible * (3 - 2 * visible))


def light_below(heights: Floats, spacing: tuple[float, float], azimuth: float) -> Floats:
    """Return the brightness of the underside, lit by a level lamp at ``azimuth``."""
    down = -normals(heights, spacing)
    return BELOW + (1 - BELOW) * np.clip(down @ direction(azimuth, 0.0), 0, None)


def highlights(facing: Floats, lamp: Floats, eye: Floats) -> Floats:
    """Return the strength of the lamp's reflection, from 0 to ``GLOSS``.

    It is strongest where the surface faces halfway between lamp and eye (Blinn 1977, "Models of
    light reflection for computer synthesized pictures"). Level ground has none, so that its colours
    remain those of the colour bar.

    Args:
        facing: unit normals, of shape (..., 3).
        lamp: the unit vector towards the lamp.
        eye: the unit vector towards the eye.
    """
    half = (lamp + eye) / np.linalg.norm(lamp + eye)
    shine = np.clip(facing @ half, 0, None) ** SHARPNESS - abs(half[2]) ** SHARPNESS
    return np.asarray(GLOSS * np.clip(shine, 0, None))


def open_sky(heights: Floats, spacing: tuple[float, float]) -> Floats:
    """Return the fraction of the sky, from 0 to 1, visible from each point of a surface."""
    azimuths = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False).tolist()
    visible = [np.cos(horizon(heights, spacing, azimuth, REACH)) ** 2 for azimuth in azimuths]
    return np.asarray(np.mean(visible, axis=0))


def normals(heights: Floats, spacing: tuple[float, float]) -> Floats:
    """Return a surface's upward unit normals, of shape (ny, nx, 3)."""
    up, across = np.gradient(heights, *spacing)
    vectors = np.stack([-across, -up, np.ones_like(heights)], axis=-1)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit


def horizon(heights: Floats, spacing: tuple[float, float], azimuth: float, reach: float) -> Floats:
    """Return the elevation of the horizon at each point in one direction, in radians, at least 0.

    Args:
        heights: of shape (ny, nx).
        spacing: distances between rows and between columns.
        azimuth: the direction, in radians from the x axis towards the y axis.
        reach: distance up to which the surface is sampled.
    """
    way = np.array([np.sin(azimuth), np.cos(azimuth)]) / spacing
    way /= np.abs(way).max()
    steepest = np.zeros_like(heights)
    count = 1.0
    while True:
        # The grid point nearest to the ray, and its distance.
        steps = np.rint(count * way).astype(int)
        distance = np.hypot(*(steps * spacing))
        if distance > reach or (np.abs(steps) >= heights.shape).any():
            return np.arctan(steepest)
        here, there = zip(*(_overlap(n) for n in steps.tolist()), strict=True)
        np.maximum(steepest[here], (heights[there] - heights[here]) / distance, out=steepest[here])
        count = max(count + 1, GROWTH * count)


def _overlap(steps: int) -> tuple[slice, slice]:
    """Return the indices that stay in range when shifted by ``steps``, before and after."""
    if steps < 0:
        return slice(-steps, None), slice(None, steps)
    return slice(None, -steps or None), slice(steps, None)
