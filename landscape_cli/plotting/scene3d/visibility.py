"""Find the points that a surface hides from the eye, by marching along the lines of sight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Lift = Callable[[Floats], Floats]
"""Lifts points of a plane, of shape (n, 2), onto its surface: (n, 3), NaN where there is none."""

TOLERANCE = 2e-3
"""Distance from the surface, as a fraction of its height, within which a point lies on it."""

CHUNK = 1_000_000
"""Approximate number of samples taken at once, to bound memory."""


def hidden(
    x: Floats, y: Floats, heights: Floats, points: Floats, eye: Floats, ends: tuple[float, float]
) -> Mask:
    """Return a mask of the points that a surface hides from the eye, of shape (n,).

    A point is hidden if its line of sight passes through the surface. The line is sampled where it
    crosses the lines of the grid and halfway between, so within a cell, where the surface is
    bilinear and the line meets it at most twice, only a graze can be missed.

    Args:
        x: ascending, of shape (nx,).
        y: ascending, of shape (ny,).
        heights: of shape (ny, nx). There is no surface beyond ``ends``, nor in cells with a NaN.
        points: of shape (n, 3), on the surface or off it. Those with a NaN are not hidden.
        eye: the eye's position in the same coordinates, of shape (3,).
        ends: the lower and upper limit of the surface that is drawn.
    """
    surface = RegularGridInterpolator((y, x), heights, bounds_error=False)
    known = np.isfinite(points).all(axis=1)
    result = np.zeros(len(points), dtype=bool)
    samples = 2 * (len(x) + len(y)) + 3
    for part in np.array_split(np.flatnonzero(known), 1 + samples * len(points) // CHUNK):
        result[part] = _crosses(surface, x, y, points[part], eye, ends)
    return result


def _crosses(
    surface: Any, x: Floats, y: Floats, points: Floats, eye: Floats, ends: tuple[float, float]
) -> Mask:
    """Return whether the lines from points to the eye pass through the surface, of shape (n,)."""
    way, tolerance = eye - points, TOLERANCE * (ends[1] - ends[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = [(x - points[:, :1]) / way[:, :1], (y - points[:, 1:2]) / way[:, 1:2]]
        # Slightly above the limit, so that a surface that only touches it is met.
        rise = ends[1] + 2 * tolerance - points[:, 2]
        leaves = np.where(way[:, 2] > 0, rise / way[:, 2], 1.0)
    last = np.clip(leaves, 0, 1)[:, None]
    crossings = np.concatenate([np.zeros_like(last), *meets, last], axis=1)
    crossings = np.sort(np.clip(np.nan_to_num(crossings), 0, last), axis=1)
    middles = (crossings[:, 1:] + crossings[:, :-1]) / 2
    times = np.sort(np.concatenate([crossings, middles], axis=1), axis=1)
    along = points[:, None] + times[..., None] * way[:, None]
    above = along[..., 2] - surface(along[..., 1::-1])
    return _changes_sign(above, tolerance)


def _changes_sign(above: Floats, tolerance: float) -> Mask:
    """Return whether rows (n, m) change their sign other than across a NaN, of shape (n,).

    Numbers within the tolerance have no sign.
    """
    absent = np.isnan(above)
    signs = np.where(absent | (np.abs(above) <= tolerance), 0, np.sign(above)).astype(np.int8)
    places = np.where(absent | (signs != 0), np.arange(signs.shape[1]), 0)
    latest = np.maximum.accumulate(places, axis=1)[:, :-1]
    before = np.take_along_axis(signs, latest, axis=1)
    return np.asarray((before * signs[:, 1:] < 0).any(axis=1))


def eye_of_projection(matrix: Floats) -> Floats:
    """Return the position from which a perspective projection sees, of shape (3,).

    It is the only point whose projected x, y and depth divisor are all 0.

    Args:
        matrix: the projection of homogeneous coordinates, of shape (4, 4), with the divisor last.
    """
    rows = np.asarray(matrix)[[0, 1, 3]]
    return np.asarray(np.linalg.solve(rows[:, :3], -rows[:, 3]))


def lifter(x: Floats, y: Floats, heights: Floats) -> Lift:
    """Return a function that lifts points onto a surface; see ``Lift``.

    Args:
        x: ascending, of shape (nx,).
        y: ascending, of shape (ny,).
        heights: of shape (ny, nx); NaN where there is no surface.
    """
    above = RegularGridInterpolator((y, x), heights, bounds_error=False)

    def lift(points: Floats) -> Floats:
        return np.column_stack([points, above(points[:, ::-1])])

    return lift


@dataclass(frozen=True)
class Sight:
    """A surface and the eye that looks at it, in the same coordinates; see ``hidden``."""

    x: Floats
    y: Floats
    heights: Floats
    ends: tuple[float, float]
    eye: Floats

    @cached_property
    def lift(self) -> Lift:
        """Lifts points onto the surface within its limits."""
        return lifter(self.x, self.y, np.clip(self.heights, *self.ends))

    def hides(self, points: Floats) -> Mask:
        """Return a mask of the points (n, 3) that the surface hides from the eye."""
        return hidden(self.x, self.y, self.heights, points, self.eye, self.ends)
