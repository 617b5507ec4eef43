"""Directions from the centre, and their weights in a mean over the sphere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

ANGLES = 64
"""Number of angles in the half-plane y >= 0."""

HEIGHTS, MERIDIANS = 8, 32
"""Number of heights in the half-space z > 0, and of angles at each height."""


def half_sphere(dimensions: int) -> tuple[Values, Values]:
    """Return directions, no two opposite, that cover the sphere together with their opposites.

    They are one end of a line, equidistant angles in a plane, and Gauss-Legendre heights times
    equidistant angles in space. With the opposites, means over them are exact for polynomials of
    degree 15 or less on the sphere.

    Args:
        dimensions: 1, 2 or 3.

    Returns:
        Unit vectors (x, y, ...) of shape (k, dimensions) and weights of shape (k,) that sum to 1.
    """
    if dimensions == 1:
        return np.ones((1, 1)), np.ones(1)
    if dimensions == 2:
        angles = np.pi * np.arange(ANGLES) / ANGLES
        return np.stack([np.cos(angles), np.sin(angles)], 1), np.full(ANGLES, 1 / ANGLES)
    heights, weights = np.polynomial.legendre.leggauss(2 * HEIGHTS)
    heights, weights = heights[HEIGHTS:], weights[HEIGHTS:]
    angles = 2 * np.pi * np.arange(MERIDIANS) / MERIDIANS
    z, angle = (table.ravel() for table in np.meshgrid(heights, angles, indexing="ij"))
    level = np.sqrt(1 - z**2)
    vectors = np.stack([level * np.cos(angle), level * np.sin(angle), z], 1)
    return vectors, np.repeat(weights, MERIDIANS) / MERIDIANS


def sphere(dimensions: int) -> tuple[Values, Values]:
    """Return the directions of ``half_sphere``, then their opposites, and the weights of all."""
    vectors, weights = half_sphere(dimensions)
    return np.concatenate([vectors, -vectors]), np.concatenate([weights, weights]) / 2
