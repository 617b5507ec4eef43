"""One quantity of one surface, as the arrays that a plot needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Grid
from landscape_cli.records.presentation import PERCENT
from landscape_cli.records.repeats import deviation_over_repeats, mean_surface, one_repeat
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

MOST_PLANES = 36
"""At most so many repeats of a plane are drawn in one figure."""


@dataclass(frozen=True)
class Panel:
    """One quantity of one surface.

    Args:
        surface: where the values come from.
        split: the split's name.
        quantity: the quantity's name.
        source: the surface's file, for titles and messages.
        shown: the indices along each axis of the points to draw, None for all of them.
        repeat: which of several repeats the surface is; None if it is not one of several.
        members: where the surface is a mean over repeats, these, each a panel of its own.
    """

    surface: Surface
    split: str
    quantity: str
    source: str = "the surface"
    shown: Mapping[str, NDArray[np.int64]] | None = None
    repeat: int | None = None
    members: tuple[Panel, ...] = ()

    @cached_property
    def whole(self) -> Panel:
        """The panel with all points of the grid, itself if it shows them all."""
        if self.shown is None:
            return self
        return replace(self, shown=None, members=tuple(member.whole for member in self.members))

    @property
    def dimension(self) -> int:
        """The number of axes."""
        return len(self.surface.grid.axes)

    @property
    def unit(self) -> float:
        """What a stored value is multiplied by to be shown: 100 for percent, else 1."""
        return 100.0 if self.quantity in PERCENT else 1.0

    @property
    def aspect(self) -> float:
        """Height to width of a plane drawn flat: that of its ranges, unless it is extreme."""
        return aspect_of(self.surface.grid)

    @cached_property
    def x(self) -> NDArray[np.float64]:
        """The x coordinates, of shape (nx,)."""
        return self._coordinates("x")

    @cached_property
    def y(self) -> NDArray[np.float64]:
        """The y coordinates of a plane, of shape (ny,)."""
        return self._coordinates("y")

    @cached_property
    def z(self) -> NDArray[np.float64]:
        """The values as shown, of shape (nx,) or (ny, nx); NaN where missing."""
        stored = self.surface.values[self.split, self.quantity]
        values = np.asarray(self.cut(stored), dtype=np.float64)
        return np.where(self.missing, np.nan, values * self.unit)

    @cached_property
    def stderr(self) -> NDArray[np.float64]:
        """The standard errors as shown, of the shape of ``z``; NaN where there are none."""
        stored = self.surface.stderr.get((self.split, self.quantity))
        if stored is None:
            return np.full_like(self.z, np.nan)
        return np.where(self.missing, np.nan, np.asarray(self.cut(stored), np.float64) * self.unit)

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """The standard deviation over the repeats of a mean as shown, of the shape of ``z``.

        NaN where the mean is not finite, and for what is no mean.
        """
        if not self.members:
            return np.full_like(self.z, np.nan)
        deviation = deviation_over_repeats(np.stack([member.z for member in self.members]))
        return np.where(self.finite, deviation, np.nan)

    @cached_property
    def missing(self) -> NDArray[np.bool_]:
        """Which points were not computed: still to do, or failed."""
        return np.isin(self.cut(self.surface.status), (Status.TODO, Status.FAILED))

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """Which points have a finite value."""
        return np.isfinite(self.z)

    @cached_property
    def not_finite(self) -> NDArray[np.bool_]:
        """Which points were computed, but to a NaN or an infinity."""
        return ~self.missing & ~self.finite

    def cut(self, array: NDArray[Any]) -> NDArray[Any]:
        """What an array of the grid's shape holds for the points to draw."""
        if self.shown is None:
            return np.asarray(array)
        return np.asarray(array)[
            np.ix_(*(self.shown[name] for name in self.surface.grid.names[::-1]))
        ]

    def _coordinates(self, name: str) -> NDArray[np.float64]:
        coordinates = self.surface.grid.axes[name].coordinates
        return coordinates if self.shown is None else coordinates[self.shown[name]]


def aspect_of(grid: Grid) -> float:
    """Height to width of a grid's plane drawn flat: that of its ranges, unless it is extreme."""
    x, y = grid.axes["x"], grid.axes["y"]
    if x.points == 1 or y.points == 1:
        return 1.0
    return min(max((y.high - y.low) / (x.high - x.low), 0.5), 1.6)


def choose(
    surface: Surface,
    split: str | None,
    quantity: str | None,
    source: str = "the surface",
    raw: bool = False,
    repeat: int | None = None,
) -> list[Panel]:
    """Turn a surface into panels: one, or for a line one a split if none is named.

    Of several repeats a line shows the mean with the repeats as its members, and a plane has a
    panel for each; with ``repeat`` that one alone is shown.

    The default quantity is "loss" and the default split "train" where there are such.
    An incomplete surface shows the finest level that is complete, and a line all that is computed
    if some level is; with ``raw`` it shows every point, computed or missing.

    Raises:
        UsageError: if the surface lacks the split, the quantity or the repeat, or has more repeats
            than are drawn.
    """
    splits = _splits(surface, split, source)
    offered = {name: None for s in splits for name in surface.quantities(s)}
    wanted = quantity or ("loss" if "loss" in offered else next(iter(offered)))
    having = [s for s in splits if wanted in surface.quantities(s)]
    if not having:
        raise UsageError(
            f"--quantity {wanted!r}: {source} has {', '.join(offered)} for "
            f"{' and '.join(splits)}; choose one of these"
        )
    line = len(surface.grid.axes) == 1
    panels = [Panel(surface, s, wanted, source) for s in (having if line else having[:1])]
    if surface.grid.repeated or repeat is not None:
        panels = _of_repeats(panels, line, repeat)
    return panels if raw or surface.complete else [_coarse(panel, surface) for panel in panels]


def _of_repeats(panels: list[Panel], line: bool, repeat: int | None) -> list[Panel]:
    """The panels of one repeat, or of a line's mean over them, or of each of a plane's.

    Raises:
        UsageError: if there is no such repeat, or there are too many planes.
    """
    surface, source = panels[0].surface, panels[0].source
    repeats = surface.grid.repeats
    if repeat is not None and (repeats == 1 or not 0 <= repeat < repeats):
        remedy = f"choose one from 0 to {repeats - 1}" if repeats > 1 else "leave --repeat out"
        raise UsageError(f"--repeat {repeat}: {source} has {repeats} of them; {remedy}")
    if repeat is None and not line and repeats > MOST_PLANES:
        raise UsageError(
            f"{source} has {repeats} repeats, more planes than the {MOST_PLANES} that fit a "
            "figure; draw one of them with --repeat K"
        )
    numbers = range(repeats) if repeat is None else [repeat]
    parts = {number: one_repeat(surface, number) for number in numbers}
    found = [
        tuple(replace(panel, surface=part, repeat=number) for number, part in parts.items())
        for panel in panels
    ]
    if repeat is None and line:
        mean = mean_surface(surface)
        pairs = zip(panels, found, strict=True)
        return [replace(panel, surface=mean, members=members) for panel, members in pairs]
    return [panel for members in found for panel in members]


def _coarse(panel: Panel, surface: Surface) -> Panel:
    """The panel of the points to draw while the surface is incomplete.

    Everything is drawn if no level is complete, or none of its values could be drawn.

    Args:
        panel: one of the surface's; all have the level that is complete in all repeats.
        surface: the whole surface.
    """
    level = surface.level
    if level is not None and panel.dimension == 1:
        level = {"x": np.flatnonzero(panel.surface.status)}
    members = tuple(replace(member, shown=level) for member in panel.members)
    coarse = replace(panel, shown=level, members=members)
    return coarse if coarse.finite.any() else panel


def _splits(surface: Surface, split: str | None, source: str) -> list[str]:
    if not surface.splits:
        raise UsageError(f"{source} holds no values; compute it first")
    if split is None:
        return sorted(surface.splits, key=lambda name: name != "train")
    if split not in surface.splits:
        raise UsageError(
            f"--split {split!r}: {source} has {', '.join(surface.splits)}; choose one of these"
        )
    return [split]
