"""Reliefs: the heights of a line or plane, on a scale and within limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options, Source
from landscape_cli.exports.arrays import one_surface, shown
from landscape_cli.exports.point_data import decimal_logarithm
from landscape_cli.records.presentation import is_wide
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Relief:
    """Heights over a line or plane, or over its finest complete level.

    Args:
        surface: one repeat, or the mean over them.
        quantity: the quantity shown as heights.
        level: the indices used along each axis.
        heights: values or their decimal logarithms, clipped to the limits, of shape (ny, nx) or
            (nx,); NaN for none.
        notes: remarks for the user.
    """

    surface: Surface
    quantity: Quantity
    level: Mapping[str, NDArray[np.int64]]
    heights: Floats
    notes: tuple[str, ...]

    @property
    def axes(self) -> dict[str, Floats]:
        """Coordinates used along each axis."""
        axes = self.surface.grid.axes
        return {name: axes[name].coordinates[used] for name, used in self.level.items()}

    @property
    def side(self) -> float:
        """Length of the longest axis."""
        return max(float(np.ptp(axis)) for axis in self.axes.values())

    @property
    def known(self) -> NDArray[np.bool_]:
        """Mask of the points that have a height."""
        return np.isfinite(self.heights)

    def cut(self, array: NDArray[Any]) -> NDArray[Any]:
        """Select the points used from an array of the grid's shape."""
        return _at(array, self.level)

    def scaled(self, extent: float) -> Floats:
        """Scale the heights to the range from 0 to ``extent``; all are 0 if they are equal."""
        low, high = np.nanmin(self.heights), np.nanmax(self.heights)
        if low == high:
            return self.heights - low
        # Relative to the larger end, since the difference of two finite numbers may overflow.
        unit = max(abs(low), abs(high))
        return (self.heights / unit - low / unit) / (high / unit - low / unit) * extent


def relief_of(source: Source, options: Options) -> Relief:
    """Choose the heights of a surface.

    If ``log`` is None, they are logarithms if no limit is given and the values are positive and
    span more than three decades. With repeats they are those of the mean, unless one is chosen.

    Raises:
        UsageError: if an option makes no sense for the values, or there is nothing to show.
    """
    _check_options(options)
    surface, notes = one_surface(source, options)
    level = surface.level
    if level is None:
        raise UsageError(
            f"{source.file}: {surface.done} of {surface.total} points are done, and no level of "
            "the grid is complete; compute more of them"
        )
    if not surface.complete:
        shape = " x ".join(str(len(used)) for used in level.values())
        notes.append(f"{source.file}: incomplete; {shape} points, the finest complete level")
    key = shown(source, options)
    values, what = _values(surface, key, level), " ".join(key)
    if not np.isfinite(values).any():
        raise UsageError(f"{source.file}: no point has a finite {what}; there are no heights")
    log = _is_log(source, values, options, what)
    if log and options.log is None:
        notes.append(f"heights are decimal logarithms of the {what}; --linear for its values")
    notes += _clip_notes(values, options, what)
    low = -np.inf if options.vmin is None else options.vmin
    heights = np.clip(values, low, np.inf if options.vmax is None else options.vmax)
    heights = decimal_logarithm(heights) if log else heights
    return Relief(surface, key, level, heights, tuple(notes))


def _values(surface: Surface, key: Quantity, level: Mapping[str, NDArray[np.int64]]) -> Floats:
    """Return a quantity at the points used, NaN where it is not finite or was not computed."""
    values, status = (_at(array, level) for array in (surface.values[key], surface.status))
    known = np.isfinite(values) & ~np.isin(status, (Status.TODO, Status.FAILED))
    return np.where(known, values, np.nan)


def _at(array: NDArray[Any], level: Mapping[str, NDArray[np.int64]]) -> NDArray[Any]:
    used: NDArray[Any] = array[np.ix_(*list(level.values())[::-1])]
    return used


def _is_log(source: Source, values: Floats, options: Options, what: str) -> bool:
    """Decide if heights are logarithms, and refuse that if no value is positive."""
    if options.log is None:
        limited = options.vmin is not None or options.vmax is not None
        return not limited and is_wide(values[np.isfinite(values)])
    if options.log and not (values > 0).any():
        raise UsageError(f"--log: no {what} in {source.file} is positive; use --linear")
    return options.log


def _check_options(options: Options) -> None:
    for option in ("vmin", "vmax", "height", "size"):
        value = getattr(options, option)
        if value is not None and not math.isfinite(value):
            raise UsageError(f"--{option} {value}: must be a finite number")
    for option, value in (("--vmin", options.vmin), ("--vmax", options.vmax)):
        if value is not None and value <= 0 and options.log:
            raise UsageError(
                f"{option} {value:g}: must be positive on a log scale; change it or use --linear"
            )
    if options.vmin is not None and options.vmax is not None and options.vmin >= options.vmax:
        raise UsageError(f"--vmin {options.vmin:g}: must be below --vmax {options.vmax:g}")


def _clip_notes(values: Floats, options: Options, what: str) -> list[str]:
    """Describe how many values the limits clip."""
    known = np.count_nonzero(np.isfinite(values))
    sides = (
        ("below --vmin", options.vmin, np.less),
        ("above --vmax", options.vmax, np.greater),
    )
    counts = [
        (words, limit, np.count_nonzero(compare(values, limit)))
        for words, limit, compare in sides
        if limit is not None
    ]
    return [
        f"{count} of {known} values of {what} lie {words} {limit:g}, "
        "and their heights are cut to it"
        for words, limit, count in counts
        if count
    ]
