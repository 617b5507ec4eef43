"""Panels: one quantity of one surface, as the arrays that a plot needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.records.curves.facts import CurveFacts
from landscape_cli.records.derived import DERIVED, with_derived
from landscape_cli.records.grid import Grid
from landscape_cli.records.presentation import NAMINGS, PERCENT
from landscape_cli.records.repeats import deviation_over_repeats, mean_surface, one_repeat
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

MAX_PLANES = 36
"""Maximum number of repeats of a plane in one figure."""


class Layer(Protocol):
    """Something that lies over a plane's colours."""

    def draw(self, axes: Any, panel: Panel) -> None:
        """Draw it over a panel, with an entry for the legend."""

    def describe(self, panels: Sequence[Panel]) -> str:
        """Return sentences for the caption of a figure with these panels."""


@dataclass(frozen=True)
class Panel:
    """One quantity of one surface.

    Args:
        surface: the surface that holds the values.
        split: the split's name.
        quantity: the quantity's name.
        source: the surface's file, for titles and messages.
        label: the user's title of the panel; None for the network's name and the file's.
        shown: indices along each axis of the points to draw; None for all points.
        repeat: index of the repeat that the surface is; None if it is not one of several.
        members: a panel for each repeat if the surface is their mean.
        at_centre: a quantity whose value at the trained network the subtitle states.
        layers: what lies over the values of a flat plane.
        by_length: whether the x axis of a line along a curve is the curve's length instead of t.
        raw: whether contours and surfaces run straight between points, without interpolation.
    """

    surface: Surface
    split: str
    quantity: str
    source: str = "the surface"
    label: str | None = None
    shown: Mapping[str, NDArray[np.int64]] | None = None
    repeat: int | None = None
    members: tuple[Panel, ...] = ()
    at_centre: str | None = None
    layers: tuple[Layer, ...] = ()
    by_length: bool = False
    raw: bool = False

    @cached_property
    def whole(self) -> Panel:
        """The panel with all points of the grid, which may be this panel."""
        if self.shown is None:
            return self
        return replace(self, shown=None, members=tuple(member.whole for member in self.members))

    def of(self, quantity: str) -> Panel:
        """Return the same points of another quantity of the same split."""
        members = tuple(member.of(quantity) for member in self.members)
        return replace(self, quantity=quantity, members=members, layers=())

    @property
    def dimension(self) -> int:
        """The number of axes."""
        return len(self.surface.grid.axes)

    @property
    def unit(self) -> float:
        """Factor from stored to shown values: 100 for percentages, else 1."""
        return 100.0 if self.quantity in PERCENT else 1.0

    @property
    def aspect(self) -> float:
        """Height over width of a flat plot of the plane."""
        return aspect_of(self.surface.grid)

    @cached_property
    def x(self) -> NDArray[np.float64]:
        """X coordinates, of shape (nx,)."""
        return self.drawn_at(self._coordinates("x"))

    @cached_property
    def y(self) -> NDArray[np.float64]:
        """Y coordinates of a plane, of shape (ny,)."""
        return self._coordinates("y")

    @cached_property
    def z(self) -> NDArray[np.float64]:
        """Values as shown, of shape (nx,) or (ny, nx); NaN where missing."""
        stored = self.surface.values[self.split, self.quantity]
        values = np.asarray(self.select(stored), dtype=np.float64)
        return np.where(self.missing, np.nan, values * self.unit)

    @cached_property
    def stderr(self) -> NDArray[np.float64]:
        """Standard errors as shown, shaped like ``z``; NaN where there are none."""
        stored = self.surface.stderr.get((self.split, self.quantity))
        if stored is None:
            return np.full_like(self.z, np.nan)
        return np.where(
            self.missing, np.nan, np.asarray(self.select(stored), np.float64) * self.unit
        )

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviation over the repeats as shown, shaped like ``z``.

        NaN where the mean is not finite, and everywhere if the surface is not a mean over repeats.
        """
        if not self.members:
            return np.full_like(self.z, np.nan)
        deviation = deviation_over_repeats(np.stack([member.z for member in self.members]))
        return np.where(self.finite, deviation, np.nan)

    @cached_property
    def missing(self) -> NDArray[np.bool_]:
        """Mask of points that were not computed: still to do, or failed."""
        return np.isin(self.select(self.surface.status), (Status.TODO, Status.FAILED))

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """Mask of points with a finite value."""
        return np.isfinite(self.z)

    @cached_property
    def not_finite(self) -> NDArray[np.bool_]:
        """Mask of points that were computed, but to a NaN or an infinity."""
        return ~self.missing & ~self.finite

    @cached_property
    def undefined(self) -> NDArray[np.bool_]:
        """Mask of points where a derived quantity has no value although its inputs are finite."""
        mask = self.not_finite
        derived = DERIVED.get(self.quantity)
        for name in derived.inputs if derived else ():
            stored = self.surface.values.get((self.split, name))
            mask = mask & (stored is not None and np.isfinite(self.select(stored)))
        return mask if derived else np.zeros_like(mask)

    @property
    def why_undefined(self) -> str:
        """A few words that say where a derived quantity has no value."""
        derived = DERIVED.get(self.quantity)
        return derived.undefined if derived else ""

    @property
    def centre(self) -> float | None:
        """The value at the trained network as shown; None if the grid has no point or value there.

        Points that are not drawn count too.
        """
        whole = self.whole
        index = []
        places = dict(zip(self.surface.grid.names, self.surface.origin, strict=False))
        for name, place in reversed(places.items()):
            found = np.flatnonzero(self.surface.grid.axes[name].coordinates == place)
            if not len(found):
                return None
            index.append(int(found[0]))
        value = float(whole.z[tuple(index)])
        return None if np.isnan(value) else value

    def select(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the part of an array of the grid's shape that belongs to the points to draw."""
        if self.shown is None:
            return np.asarray(array)
        return np.asarray(array)[
            np.ix_(*(self.shown[name] for name in self.surface.grid.names[::-1]))
        ]

    def drawn_at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where x coordinates of the grid, of any shape (n,), are drawn."""
        if not self.by_length:
            return x
        curve = CurveFacts.of_surface(self.surface.provenance, self.surface.grid.names)
        return x if curve is None else curve.lengths(x)

    def _coordinates(self, name: str) -> NDArray[np.float64]:
        coordinates = self.surface.grid.axes[name].coordinates
        return coordinates if self.shown is None else coordinates[self.shown[name]]


def by_surface(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Group panels by their surface."""
    groups: dict[int, list[Panel]] = {}
    for panel in panels:
        groups.setdefault(id(panel.surface), []).append(panel)
    return list(groups.values())


def aspect_of(grid: Grid) -> float:
    """Return height over width of a flat plot of a grid: that of its ranges, within bounds."""
    x, y = grid.axes["x"], grid.axes["y"]
    if x.points == 1 or y.points == 1:
        return 1.0
    return min(max((y.high - y.low) / (x.high - x.low), 0.5), 1.6)


def select_panels(
    surface: Surface,
    split: str | None,
    quantity: str | None,
    source: str = "the surface",
    raw: bool = False,
    repeat: int | None = None,
) -> list[Panel]:
    """Turn a surface into panels: one for a plane, one for each split for a line.

    With ``split`` there is only that split's panel. With several repeats, a line shows their mean,
    with the repeats as members, and a plane has a panel for each; with ``repeat`` only that one is
    shown.

    The default quantity is "loss" and the default split "train" if the surface has them. An
    incomplete plane shows the finest complete level of its grid; an incomplete line shows all
    computed points once a level is complete. With ``raw``, every point is shown, computed or not.

    Raises:
        UsageError: if the surface lacks the split, quantity or repeat, or has more repeats than
            fit in a figure.
    """
    surface = with_derived(surface)
    splits = _splits(surface, split, source)
    available = {name: None for s in splits for name in surface.quantities(s)}
    name = quantity or ("loss" if "loss" in available else next(iter(available)))
    having = [s for s in splits if name in surface.quantities(s)]
    if not having:
        raise UsageError(lacking(f"--quantity {name!r}", source, available, splits, name))
    line = len(surface.grid.axes) == 1
    panels = [Panel(surface, s, name, source, raw=raw) for s in (having if line else having[:1])]
    if surface.grid.repeated or repeat is not None:
        panels = _of_repeats(panels, line, repeat)
    return panels if raw or surface.complete else [_completed(panel, surface) for panel in panels]


def lacking(
    option: str, source: str, available: Iterable[str], splits: Sequence[str], name: str
) -> str:
    """Return the message that a surface lacks a quantity, with the command that computes it."""
    remedy = f"compute it: {NAMINGS[name].remedy}" if name in NAMINGS else "choose one of these"
    return f"{option}: {source} has {', '.join(available)} for {' and '.join(splits)}; {remedy}"


def _of_repeats(panels: list[Panel], line: bool, repeat: int | None) -> list[Panel]:
    """Return the panels of one repeat, of a line's mean, or of each repeat of a plane.

    Raises:
        UsageError: if the surface lacks the repeat, or there are too many planes.
    """
    surface, source = panels[0].surface, panels[0].source
    repeats = surface.grid.repeats
    if repeat is not None and (repeats == 1 or not 0 <= repeat < repeats):
        if repeats == 1:
            raise UsageError(f"--repeat {repeat}: {source} has no repeats; leave --repeat out")
        raise UsageError(
            f"--repeat {repeat}: {source} has {repeats} repeats; choose one from 0 to {repeats - 1}"
        )
    if repeat is None and not line and repeats > MAX_PLANES:
        raise UsageError(
            f"{source} has {repeats} repeats, more planes than the {MAX_PLANES} that fit in a "
            "figure; draw one with --repeat K"
        )
    numbers = range(repeats) if repeat is None else [repeat]
    surfaces = {number: one_repeat(surface, number) for number in numbers}
    by_repeat = [
        tuple(replace(panel, surface=part, repeat=number) for number, part in surfaces.items())
        for panel in panels
    ]
    if repeat is None and line:
        mean = mean_surface(surface)
        pairs = zip(panels, by_repeat, strict=True)
        return [replace(panel, surface=mean, members=members) for panel, members in pairs]
    return [panel for members in by_repeat for panel in members]


def _completed(panel: Panel, surface: Surface) -> Panel:
    """Restrict a panel of an incomplete surface to the finest complete level.

    The whole grid is shown if no level is complete, or no value of it is finite.

    Args:
        panel: a panel of the surface.
        surface: the surface with all its repeats; a level is complete if it is in every repeat.
    """
    level = surface.level
    if level is not None and panel.dimension == 1:
        level = {"x": np.flatnonzero(panel.surface.status)}
    members = tuple(replace(member, shown=level) for member in panel.members)
    completed = replace(panel, shown=level, members=members)
    return completed if completed.finite.any() else panel


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
