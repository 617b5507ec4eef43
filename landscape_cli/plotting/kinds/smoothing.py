"""Smooth contours: a plane's values as drawn, interpolated to a finer grid for display.

Along each axis a shape-preserving cubic passes through the points (PCHIP; Fritsch & Butland 1984).
Between two points it never leaves the range of their values, unlike cubic splines, so no minimum,
ring or saddle appears that the points do not have. The cubics are applied along x and then y, and
along y and then x, and averaged, so that neither axis is preferred; within a cell, every value lies
between the least and the greatest of its four corners. Cells with a corner that is not drawn stay
empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale

Floats = NDArray[np.float64]
Drawn = np.ma.MaskedArray[Any, np.dtype[np.float64]]

CONTOURS = ("contour", "contourf")
"""Kinds of plot that are drawn from interpolated values."""

INTERPOLATED = "contours interpolated between the points"
"""Phrase for panels with different numbers of points."""

ENOUGH = 120
"""Intervals along an axis from which contours look smooth without interpolation."""


def smooth(panel: Panel, scale: Scale) -> tuple[Floats, Floats, Drawn]:
    """Return coordinates and values as drawn for contours of a plane.

    Args:
        panel: the plane; a raw one is not interpolated.
        scale: its scale; a logarithmic one is interpolated in logarithms.

    Returns:
        Coordinates of shape (mx,) and (my,), which include the panel's own, and values of shape
        (my, mx), which at these are the panel's own; masked where nothing is drawn.
    """
    drawn = scale.drawn(panel)
    if not is_interpolated(panel):
        return panel.x, panel.y, drawn
    values = drawn.filled(np.nan)
    parts = _parts(panel.x), _parts(panel.y)
    x, y = _refined(panel.x, parts[0]), _refined(panel.y, parts[1])
    first = _along(_along(values.T, panel.x, parts[0]).T, panel.y, parts[1])
    second = _along(_along(values, panel.y, parts[1]).T, panel.x, parts[0]).T
    return x, y, np.ma.masked_invalid((first + second) / 2)


def is_interpolated(panel: Panel) -> bool:
    """Tell that a plane's contours are drawn between its points by interpolation."""
    return not panel.raw and min(panel.z.shape) >= 2 and max(map(_parts, (panel.x, panel.y))) > 1


def words(panel: Panel) -> str:
    """Say that contours are interpolated, and from which points; empty if they are not."""
    if not is_interpolated(panel):
        return ""
    return f"contours interpolated from {len(panel.x)} x {len(panel.y)} points"


def sentence(panels: Sequence[Panel]) -> str:
    """Say for a caption that contours are interpolated; empty if none are."""
    found = dict.fromkeys(filter(None, map(words, panels)))
    return f" {', '.join(found).capitalize()}." if found else ""


def _parts(coordinates: Floats) -> int:
    """Return the number of parts into which each interval of an axis is divided."""
    return max(1, -(-ENOUGH // max(1, len(coordinates) - 1)))


def _refined(coordinates: Floats, parts: int) -> Floats:
    """Return n coordinates with others between them, (parts * (n - 1) + 1,)."""
    steps = np.arange(parts * (len(coordinates) - 1) + 1) / parts
    return np.interp(steps, np.arange(len(coordinates)), coordinates)


def _along(values: Floats, places: Floats, parts: int) -> Floats:
    """Interpolate along the first axis.

    Args:
        values: of shape (n, m); NaN where there are none.
        places: ascending coordinates along the first axis, of shape (n,).
        parts: number of parts of each interval.

    Returns:
        An array of shape (parts * (n - 1) + 1, m); NaN in intervals that lack an end.
    """
    widths = np.diff(places)[:, None]
    slopes = _slopes(np.diff(values, axis=0) / widths, widths)
    low, high = values[:-1], values[1:]
    out = np.empty((parts * (len(values) - 1) + 1, values.shape[1]))
    out[::parts] = values
    for part in range(1, parts):
        t = part / parts
        cubic = (
            (1 + 2 * t) * (1 - t) ** 2 * low
            + t * (1 - t) ** 2 * widths * slopes[:-1]
            + t**2 * (3 - 2 * t) * high
            - t**2 * (1 - t) * widths * slopes[1:]
        )
        out[part::parts] = np.clip(cubic, np.minimum(low, high), np.maximum(low, high))
    return out


def _slopes(secants: Floats, widths: Floats) -> Floats:
    """Return slopes at n points that keep the cubics between them monotone, of shape (n, m).

    They are weighted harmonic means of the secants on both sides, and zero where these differ in
    sign. Where a side has none, at the ends and beside missing values, they are the other's.

    Args:
        secants: slopes of the straight lines between points, of shape (n - 1, m).
        widths: the intervals between them, of shape (n - 1, 1).
    """
    nothing = np.full_like(secants[:1], np.nan)
    before, after = np.concatenate([nothing, secants]), np.concatenate([secants, nothing])
    wide = np.concatenate([widths[:1], widths, widths[-1:]])
    left, right = wide[1:] * 2 + wide[:-1], wide[1:] + wide[:-1] * 2
    with np.errstate(all="ignore"):  # where a secant is zero, tiny or missing
        mean = (left + right) / (left / before + right / after)
        slopes = np.where(before * after > 0, mean, 0.0)
    slopes = np.where(np.isnan(before), after, slopes)
    found: Floats = np.where(np.isnan(after), before, slopes)
    return found
