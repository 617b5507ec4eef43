"""Interpolation between the points of a grid.

One axis after the other, each interval has a curve a + b t + c exp(l t), t from 0 to 1, blended
from two that meet the slopes at its ends. The ratio of the second derivatives at the ends gives
l; as l goes to 0 the curve becomes the cubic of Hermite. So the interpolation is exact for
quadratic functions, and on equidistant points for exponentials of any steepness: a loss that grows
by decades from point to point, as a log scale would show it, but with any offset. Slopes at the
points are limited as in monotone schemes (van Leer, J. Comput. Phys. 23, 1977): values between
monotone ones stay between them.

A value depends on the two points beyond each end of its interval and on no others, so a loss that
explodes in a corner of the grid never reaches the centre. Akima's cubics promise the same, but
SciPy compares their weights with a threshold relative to the largest one of the whole grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import maximum_filter

from landscape_cli.records.presentation import WIDE

Values = NDArray[np.float64]

REACH = 2
"""Number of points on either side of an interval, beyond its ends, that its curve depends on."""

STEEPEST = 100.0
"""Upper bound on |l|, the natural logarithm of the growth from point to point that is followed."""

STRAIGHT = 1e-3
"""Values of |l| below this use a series, where the closed form would lose digits."""

PARABOLA = 1e-6
"""Upper bound on |l| of a curve that counts as a parabola."""

LARGE, SCALE = 1e150, 2.0**-600
"""Magnitude above which values are scaled, and the factor, so that no difference overflows."""

CHUNK = 4096
"""Number of points evaluated at once, to bound memory."""


class Interpolator:
    """Interpolator inside a grid that may have missing values.

    Near a missing value it is linear, from the corners of the cell alone; in a cell with a missing
    corner the result is NaN.

    Args:
        axes: coordinates along each dimension of the values, ascending, at least two of each.
        values: at the grid points; those that are not finite count as missing.
    """

    def __init__(self, axes: Sequence[Values], values: Values) -> None:
        unknown = ~np.isfinite(values)
        self._axes = axes
        self._values = np.where(unknown, 0.0, values)
        self._gaps = bool(unknown.any())
        if self._gaps:
            near = maximum_filter(unknown, size=2 * REACH + 1)
            self._unknown, self._near, self._linear = (
                RegularGridInterpolator(axes, table.astype(np.float64))
                for table in (unknown, near, self._values)
            )
        self._scale = SCALE if np.abs(self._values).max(initial=0) > LARGE else 1.0

    def __call__(self, points: Values) -> Values:
        """Interpolate at points inside the grid.

        Args:
            points: coordinates in the order of the dimensions, of shape (k, dimensions).

        Returns:
            Values of shape (k,); NaN where there is none.
        """
        chunks = [self._curved(points[i : i + CHUNK]) for i in range(0, len(points), CHUNK)]
        values = np.concatenate(chunks) if chunks else np.empty(0)
        if not self._gaps:
            return values
        values = np.where(self._near(points) > 0, self._linear(points), values)
        return np.where(self._unknown(points) > 0, np.nan, values)

    def _curved(self, points: Values) -> Values:
        """Interpolate in the window of points that matter, from the last dimension to the first."""
        count, dimensions = points.shape
        windows = [_window(axis, points[:, i]) for i, axis in enumerate(self._axes)]
        places = tuple(
            window.reshape(count, *[1] * i, -1, *[1] * (dimensions - 1 - i))
            for i, window in enumerate(windows)
        )
        table = self._values[places] * self._scale
        for i in reversed(range(dimensions)):
            shape = (count, *[1] * i)
            x = self._axes[i][windows[i]].reshape(*shape, -1)
            table = _interpolate(x, table, points[:, i].reshape(shape))
        return np.asarray(table / self._scale)


def _window(axis: Values, points: Values) -> NDArray[np.int64]:
    """Return the indices of each point's interval and the points within reach; shape (k, n)."""
    size = min(2 + 2 * REACH, len(axis))
    interval = np.clip(np.searchsorted(axis, points, side="right") - 1, 0, len(axis) - 2)
    first = np.clip(interval - REACH, 0, len(axis) - size)
    return np.asarray(first[:, None] + np.arange(size))


def _interpolate(x: Values, f: Values, at: Values) -> Values:
    """Interpolate along the last dimension.

    Args:
        x: coordinates, of shape (..., n), n >= 2.
        f: values, of a shape that ``x`` broadcasts to.
        at: a coordinate between the first and the last of each row, of a shape that broadcasts to
            that of the result.

    Returns:
        A value for each row of ``f``.
    """
    x, at = np.broadcast_to(x, f.shape), np.broadcast_to(at, f.shape[:-1])
    left = np.clip((x <= at[..., None]).sum(-1) - 1, 0, x.shape[-1] - 2)
    h, chords = np.diff(x), np.diff(f) / np.diff(x)
    slopes, growth = _slopes(h, chords)
    width, chord, bend = (_pick(array, left) for array in (h, chords, growth))
    low, high = (_pick(slopes, left + side) for side in (0, 1))
    start, end = (_pick(f, left + side) for side in (0, 1))
    t = (at - _pick(x, left)) / width
    from_start = start + width * (low * t + (chord - low) * _arc(bend, t))
    to_end = end - width * (high * (1 - t) + (chord - high) * _arc(-bend, 1 - t))
    later = _rise(bend, t)
    return np.clip((1 - later) * from_start + later * to_end, *_bounds(f, bend, left))


def _slopes(h: Values, chords: Values) -> tuple[Values, Values]:
    """Return the slope at each point, and l of each interval.

    Args:
        h: widths of the intervals, of shape (..., n - 1).
        chords: slopes of the straight lines between neighbours, of the same shape.
    """
    if chords.shape[-1] == 1:
        return np.concatenate([chords, chords], -1), np.zeros_like(chords)
    second = _with_ends(2 * np.diff(chords) / (h[..., :-1] + h[..., 1:]))
    growth = _log_ratio(second[..., 1:], second[..., :-1])
    after = chords - h * second[..., :-1] * _share(growth)
    before = chords + h * second[..., 1:] * _share(-growth)
    inner = _limited(before[..., :-1], after[..., 1:])
    return np.concatenate([after[..., :1], inner, before[..., -1:]], -1), growth


def _with_ends(second: Values) -> Values:
    """Extend second derivatives to the first and last point, growing as they do beside it."""
    pads = []
    for end, next_to_it in ((0, 1), (-1, -2)):
        pad = second[..., end]
        if second.shape[-1] > 1:
            pad = pad * np.exp(_log_ratio(pad, second[..., next_to_it]))
        pads.append(pad[..., None])
    return np.concatenate([pads[0], second, pads[1]], -1)


def _log_ratio(numerator: Values, denominator: Values) -> Values:
    """Return the logarithm of the ratio of numbers of the same sign; 0 for others."""
    alike = np.sign(numerator) * np.sign(denominator) > 0
    logs = np.log(np.where(alike, np.abs(numerator), 1)) - np.log(
        np.where(alike, np.abs(denominator), 1)
    )
    return np.asarray(np.clip(logs, -STEEPEST, STEEPEST))


def _limited(before: Values, after: Values) -> Values:
    """Combine the slopes on both sides: the mean, at most twice the smaller; 0 at an extremum."""
    alike = np.sign(before) * np.sign(after) > 0
    smaller = np.minimum(np.abs(before), np.abs(after))
    size = np.minimum(np.abs(before) / 2 + np.abs(after) / 2, 2 * smaller)
    return np.where(alike, np.sign(before) * size, 0.0)


def _share(growth: Values) -> Values:
    """Return the share of the second difference by which chord and slope differ at t = 0.

    For f = exp(l t), this is (f(1) - f(0) - f'(0)) / (f(1) - 2 f(0) + f(-1)); 1/2 for l = 0.
    """
    small = np.abs(growth) < STRAIGHT
    ell = np.where(small, 1.0, growth)
    down, up = np.minimum(ell, 0), np.maximum(ell, 0)
    falling = np.exp(down) * (np.expm1(down) - down)
    growing = 1 - (1 + up) * np.exp(-up)
    exact = np.where(ell < 0, falling, growing) / np.expm1(-np.abs(ell)) ** 2
    return np.where(small, 0.5 + growth / 6, exact)


def _arc(growth: Values, t: Values) -> Values:
    """Return (exp(l t) - 1 - l t) / (exp(l) - 1 - l): t^2 for l = 0."""
    small = np.abs(growth) < STRAIGHT
    ell = np.where(small, 1.0, growth)
    exact = (np.expm1(ell * t) - ell * t) / (np.expm1(ell) - ell)
    return np.where(small, t * t * (1 + growth * (t - 1) / 3), exact)


def _rise(growth: Values, t: Values) -> Values:
    """Return (exp(l t) - 1) / (exp(l) - 1): t for l = 0."""
    small = np.abs(growth) < STRAIGHT
    ell = np.where(small, 1.0, growth)
    exact = np.expm1(ell * t) / np.expm1(ell)
    return np.where(small, t * (1 + growth * (t - 1) / 2), exact)


def _bounds(f: Values, growth: Values, left: NDArray[np.int64]) -> tuple[Values, Values]:
    """Return the values between which an interval's curve stays.

    They are its ends where the points around it are monotone, except for a parabola in the first or
    last interval, whose extremum may be there. Elsewhere the curve may go beyond the points, unless
    these are positive and span decades.
    """
    last = f.shape[-1] - 1
    near = [np.clip(left + shift, 0, last) for shift in (-1, 0, 1, 2)]
    points = np.stack([_pick(f, index) for index in near])
    steps = np.diff(points, axis=0)
    parabola = ((left == 0) | (left + 1 == last)) & (np.abs(growth) < PARABOLA)
    monotone = ((steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)) & ~parabola
    low, high = points.min(axis=0), points.max(axis=0)
    beyond = high / 2 - low / 2
    wide = (low > 0) & (high / WIDE > low)
    ends = points[1:3]
    return (
        np.where(monotone, ends.min(axis=0), np.where(wide, low, low - beyond)),
        np.where(monotone, ends.max(axis=0), np.where(wide, high, high + beyond)),
    )


def _pick(array: Values, index: NDArray[np.int64]) -> Values:
    """Return an entry of each row."""
    return np.asarray(np.take_along_axis(array, index[..., None], -1)[..., 0])
