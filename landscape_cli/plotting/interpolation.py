"""Smooth contours and surfaces: a plane's values, interpolated to a finer grid for display.

Along each axis a shape-preserving cubic passes through the points (PCHIP; Fritsch & Butland 1984).
Between two points it never leaves the range of their values, unlike cubic splines, so no minimum,
ring or saddle appears that the points do not have. The cubics are applied along x and then y, and
along y and then x, and averaged, so that neither axis is preferred; within a cell, every value lies
between the least and the greatest of its four corners. Cells with a corner that is not drawn stay
empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.text import labels

Floats = NDArray[np.float64]
Drawn = np.ma.MaskedArray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Interpolation:
    """The fineness to which a kind of plot interpolates planes.

    Args:
        noun: what is interpolated, for notes.
        intervals: intervals along an axis from which the plot looks smooth without interpolation.
        most: maximum number of parts of an interval.
    """

    noun: str
    intervals: int
    most: int = 120

    @property
    def unspecific(self) -> str:
        """Phrase for panels with different numbers of points."""
        return f"{self.noun} interpolated between the points"

    def parts(self, panel: Panel) -> tuple[int, int]:
        """Return the numbers of parts into which intervals of y and of x are divided.

        Those of a raw panel, and of one that is a single row or column, are left whole.
        """
        rows, columns = panel.z.shape
        if panel.raw or min(rows, columns) < 2:
            return 1, 1
        return self._parts(rows - 1), self._parts(columns - 1)

    def applies(self, panel: Panel) -> bool:
        """Tell that a plane is drawn with values between its points."""
        return max(self.parts(panel)) > 1

    def words(self, panel: Panel) -> str:
        """Say that a plane is interpolated, and from which points; empty if it is not."""
        if not self.applies(panel):
            return ""
        return f"{self.noun} interpolated from {len(panel.x)} x {len(panel.y)} points"

    def refine(self, panel: Panel, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Return finer coordinates of a plane, and values interpolated to them.

        Args:
            panel: the plane.
            values: any values at its points, of shape (ny, nx); NaN where there are none.

        Returns:
            Coordinates of shape (mx,) and (my,), which include the panel's own, and values of shape
            (my, mx), which at these are the given ones; NaN in cells that lack a corner.
        """
        rows, columns = self.parts(panel)
        x, y = _refined(panel.x, columns), _refined(panel.y, rows)
        first = _along(_along(values.T, panel.x, columns).T, panel.y, rows)
        second = _along(_along(values, panel.y, rows).T, panel.x, columns).T
        return x, y, (first + second) / 2

    def _parts(self, intervals: int) -> int:
        return max(1, min(self.most, -(-self.intervals // intervals)))


CONTOURS = Interpolation("contours", 120)


def smooth(panel: Panel, scale: Scale) -> tuple[Floats, Floats, Drawn]:
    """Return coordinates and values as drawn for contours of a plane; see ``refine``.

    Args:
        panel: the plane.
        scale: its scale; a logarithmic one is interpolated in logarithms.
    """
    x, y, values = CONTOURS.refine(panel, scale.drawn(panel).filled(np.nan))
    return x, y, np.ma.masked_invalid(values)


def sentence(parts: Sequence[tuple[Interpolation | None, Sequence[Panel]]]) -> str:
    """Say for a caption what is interpolated in the parts of a figure; empty if nothing is.

    Args:
        parts: how the panels of each are interpolated, and the panels.
    """
    sizes: dict[str, dict[str, None]] = {}
    for one, panels in parts:
        for panel in panels if one else ():
            if one and one.applies(panel):
                sizes.setdefault(one.noun, {})[f"{len(panel.x)} x {len(panel.y)}"] = None
    phrases = [
        f"{noun} interpolated from {labels.listed([*each])} points" for noun, each in sizes.items()
    ]
    return f" {', '.join(phrases).capitalize()}." if phrases else ""


def _refined(coordinates: Floats, parts: int) -> Floats:
    """Return n coordinates with others between them, (parts * (n - 1) + 1,)."""
    steps = np.arange(parts * (len(coordinates) - 1) + 1) / parts
    fine = np.interp(steps, np.arange(len(coordinates)), coordinates)
    fine[::parts] = coordinates  # without rounding
    return fine


def _along(values: Floats, places: Floats, parts: int) -> Floats:
    """Interpolate along the first axis.

    Args:
        values: of shape (n, m); NaN where there are none.
        places: ascending coordinates along the first axis, of shape (n,).
        parts: number of parts of each interval.

    Returns:
        An array of shape (parts * (n - 1) + 1, m); NaN in intervals that lack an end.
    """
    if parts == 1:
        return values
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
