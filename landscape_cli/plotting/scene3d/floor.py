"""The soft shadow that a surface casts on the floor below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from landscape_cli.plotting.scene3d.camera import direction
from landscape_cli.plotting.scene3d.lighting import SUN_ELEVATION
from landscape_cli.plotting.scene3d.terrain import BOX_HEIGHT, FLOOR, SUN_LEFT, Terrain
from landscape_cli.plotting.scene3d.visibility import hidden

Floats = NDArray[np.float64]

POINTS = 80
"""Number of points of the floor along each side at which its shadow is computed."""

SURFACE_POINTS = 60
"""Approximate maximum number of points of the surface along each side that cast it."""

BLUR = 0.07
"""Standard deviation of the shadow's blur, in units of the box."""

FAR = 1e3
"""Distance of the sun."""


def floor_shadow(terrain: Terrain, azimuth: float) -> tuple[Floats, Floats]:
    """Return points of the floor, of shape (n, n, 2), and the shadow there from 0 to 1, (n, n).

    Args:
        terrain: the surface.
        azimuth: the camera's azimuth in degrees; the sun stands to its left.
    """
    a, b = terrain.half.tolist()
    places = np.stack(np.meshgrid(np.linspace(-a, a, POINTS), np.linspace(-b, b, POINTS)), axis=-1)
    points = np.column_stack([places.reshape(-1, 2), np.full(POINTS**2, FLOOR)])
    rows, columns = (slice(None, None, -(-n // SURFACE_POINTS)) for n in terrain.z.shape)
    whole = np.pad(terrain.cells, ((0, 1), (0, 1)), mode="edge")
    heights = np.where(whole, terrain.z, np.nan)[rows, columns]
    sun = FAR * direction(np.deg2rad(azimuth - SUN_LEFT), SUN_ELEVATION)
    dark = hidden(terrain.x[columns], terrain.y[rows], heights, points, sun, (0.0, BOX_HEIGHT))
    steps = BLUR / np.array([2 * b, 2 * a]) * (POINTS - 1)
    shadow: Floats = gaussian_filter(dark.reshape(POINTS, POINTS).astype(float), steps)
    return places, shadow
