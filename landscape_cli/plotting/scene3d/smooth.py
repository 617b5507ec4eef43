"""Refine a coarse grid of heights by monotone cubics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Floats = NDArray[np.float64]


def refined(
    x: Floats, y: Floats, heights: Floats, parts: tuple[int, int]
) -> tuple[Floats, Floats, Floats]:
    """Return a finer grid, and heights on it that pass through those of the coarse one.

    Along each axis they are a monotone cubic, which does not overshoot the values (Fritsch and
    Carlson 1980, "Monotone piecewise cubic interpolation").

    Args:
        x: ascending, of shape (nx,).
        y: ascending, of shape (ny,).
        heights: finite, of shape (ny, nx).
        parts: numbers of parts into which each step of y and of x is divided.
    """
    fine = [_divided(points, count) for points, count in zip((y, x), parts, strict=True)]
    smooth = heights
    for axis, (points, at) in enumerate(zip((y, x), fine, strict=True)):
        with np.errstate(over="ignore"):  # where values are nearly equal
            smooth = PchipInterpolator(points, smooth, axis=axis)(at)
    smooth[:: parts[0], :: parts[1]] = heights  # without rounding
    return fine[1], fine[0], smooth


def _divided(points: Floats, parts: int) -> Floats:
    """Divide each step between n points into parts."""
    count = len(points) - 1
    fine = np.interp(np.linspace(0, count, parts * count + 1), np.arange(count + 1), points)
    fine[::parts] = points  # without rounding
    return fine
