"""Directions from the centre, and how much each counts in a mean over all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

ANGLES = 64
"""Angles in the half plane y >= 0."""

HEIGHTS, MERIDIANS = 8, 32
"""Heights and angles in the half space z > 0."""


def half_sphere(dimensions: int) -> tuple[Values, Values]:
    """Directions no two of which are opposite; with their opposites they cover the sphere.

    Both ends of a line, equal angles in a plane, and in space Gauss-Legendre heights times equal
    angles: means over them are exact for polynomials of degree 15 and less on the sphere.

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
    """All directions: those of ``half_sphere``, and then their opposites in the same order."""
    vectors, weights = half_sphere(dimensions)
    return np.concatenate([vectors, -vectors]), np.concatenate([weights, weights]) / 2
