"""The scale shared by the panels of a figure: limits, linear or logarithmic, levels, ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.colors import Colormap, Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import beyond_look, colormap, diverging_colormap
from landscape_cli.plotting.text import labels

Extend = Literal["neither", "min", "max", "both"]
Floats = NDArray[np.float64]

Levels = int | tuple[float, ...] | None
"""A number of contour levels, or their ascending values; None for round ones."""

MANTISSAS = (tuple(range(1, 10)), (1, 2, 5), (1,))
"""Mantissas of round numbers on a logarithmic scale, from dense to sparse."""

HALVES = (1.0, math.sqrt(10))
"""Mantissas of whole and half powers of ten."""

BAND_MANTISSAS = (
    (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 3, 5, 7),
    (1, 2, 5),
    HALVES,
    (1,),
)
"""Mantissas of the edges of filled contours, from dense to sparse, each about evenly spaced."""

MOST_EDGES, LEAST_LOG_EDGES, MOST_LOG_EDGES = 22, 12, 28
"""Maximum number of edges between filled contours; their minimum and maximum number on a
logarithmic scale, on which a short range has edges as on a linear one."""


@dataclass(frozen=True)
class Scale:
    """The map from values to heights and colours, the same in all panels.

    Values are drawn unchanged, or on a logarithmic scale as their decimal logarithms, so that
    interpolation between points takes place on the visible scale. "As drawn" means these numbers.

    Args:
        low: the lowest value shown.
        high: the highest value shown.
        log: whether the scale is logarithmic.
        levels: number of contour levels, or their ascending values; None for round ones.
        extend: the ends at which values lie beyond the limits.
        diverging: whether colours diverge from 0, with the default colour map.
        around: the value from which colours diverge with any colour map; None for none.
        above_errors: whether the lower limit leaves out values within their numerical errors.
    """

    low: float
    high: float
    log: bool = False
    levels: Levels = None
    extend: Extend = "neither"
    diverging: bool = False
    around: float | None = None
    above_errors: bool = False

    @property
    def norm(self) -> Normalize:
        """The map from values as drawn to positions on the colour map."""
        return Normalize(*self.ends)

    @property
    def colors(self) -> Colormap:
        """The colour map of positions from 0 at the lower limit to 1 at the upper one."""
        if self.around is not None:
            return diverging_colormap(self.low, self.high, self.around, always=True)
        return diverging_colormap(self.low, self.high) if self.diverging else colormap()

    @property
    def flat_colors(self) -> Colormap:
        """``colors``, with the grey of ``beyond_look`` for positions beyond the limits."""
        under, over = (beyond_look(above)["facecolor"] for above in (False, True))
        return self.colors.with_extremes(under=under, over=over)

    @property
    def ends(self) -> tuple[float, float]:
        """The limits as drawn."""
        low, high = self._drawn(np.array([self.low, self.high]))
        return float(low), float(high)

    def hidden(self, panel: Panel) -> NDArray[np.bool_]:
        """Return a mask of finite values that this scale cannot show: <= 0 if logarithmic."""
        return panel.finite & (panel.z <= 0) if self.log else np.zeros_like(panel.finite)

    def visible(self, panel: Panel) -> NDArray[np.bool_]:
        """Return a mask of values that this scale can show, whether or not they are clipped."""
        return panel.finite & ~self.hidden(panel)

    def drawn(self, panel: Panel) -> np.ma.MaskedArray[Any, np.dtype[np.float64]]:
        """Return a panel's values as drawn, not clipped; masked where not visible."""
        visible = self.visible(panel)
        return np.ma.MaskedArray(
            self._drawn(np.where(visible, panel.z, self.high)), mask=~visible, dtype=np.float64
        )

    def heights(self, values: Floats) -> Floats:
        """Return values as drawn, not clipped; NaN where they can't be drawn."""
        shown = np.isfinite(values) & ((values > 0) | (not self.log))
        return np.where(shown, self._drawn(np.where(shown, values, 1.0)), np.nan)

    def clipped(self, panel: Panel) -> tuple[float, float]:
        """Return the fractions of a panel's visible values below and above the limits."""
        values = panel.z[self.visible(panel)]
        return float(np.mean(values < self.low)), float(np.mean(values > self.high))

    def beyond(self, panel: Panel, above: bool) -> NDArray[np.bool_]:
        """Return a mask of a panel's visible values above the upper or below the lower limit."""
        outside = panel.z > self.high if above else panel.z < self.low
        return self.visible(panel) & outside

    def lines(self, most: int = 12) -> Floats:
        """Return the levels of contour lines as drawn, strictly within the limits.

        Args:
            most: their maximum number, unless ``levels`` sets it.
        """
        if isinstance(self.levels, tuple):
            return self._within(self._drawn(np.array(self.levels)))
        if self.levels is not None:
            return np.linspace(*self.ends, self.levels + 2)[1:-1]
        return self._round_levels(most)

    def bands(self) -> Floats:
        """Return the edges of filled contours as drawn, from limit to limit."""
        low, high = self.ends
        if isinstance(self.levels, tuple):
            return np.array([low, *self.lines(), high])
        if self.levels is not None:
            return np.linspace(low, high, self.levels + 1)
        edges = self._round_edges() if self.log else self._round_linear(MOST_EDGES)
        return np.array([low, *self._within(self._drawn(edges)), high])

    def ticks(self) -> tuple[Floats, list[str]] | None:
        """Return tick positions as drawn and their labels, or None if the scale is linear."""
        if not self.log:
            return None
        values = self._round_values(7)
        places = self._drawn(values)
        if len(places) > 1 and np.allclose(places, np.round(places)) and np.ptp(places) > 2:
            return places, [labels.power(p) for p in places]
        return places, [labels.number(v) for v in values]

    def text(self, drawn: float) -> str:
        """Return the label of a value as drawn."""
        return labels.number(10.0**drawn if self.log else drawn)

    def _drawn(self, values: Floats) -> Floats:
        return np.log10(values) if self.log else values

    def _round_levels(self, most: int) -> Floats:
        """Return round values as drawn, none so near a limit that rounding could equate them."""
        return self._within(self._drawn(self._round_values(most)))

    def _within(self, levels: Floats) -> Floats:
        """Return levels as drawn without those at the limits or beyond."""
        low, high = self.ends
        sliver = 1e-6 * (high - low)
        return levels[(levels > low + sliver) & (levels < high - sliver)]

    def _round_edges(self) -> Floats:
        """Return round edges of bands on a logarithmic scale."""
        edges = _round_logarithmic(self.low, self.high, MOST_LOG_EDGES, BAND_MANTISSAS)
        return edges if len(edges) >= LEAST_LOG_EDGES else self._round_linear(MOST_EDGES)

    def _round_values(self, most: int) -> Floats:
        if self.log:
            values = _round_logarithmic(self.low, self.high, most)
            if len(values) >= 3:
                return values
        return self._round_linear(most)

    def _round_linear(self, most: int) -> Floats:
        values = np.asarray(MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(self.low, self.high))
        return values[(values > self.low) & (values < self.high)]


def _round_logarithmic(
    low: float,
    high: float,
    most: int,
    choices: Sequence[tuple[float, ...]] = MANTISSAS,
) -> Floats:
    """Return at most ``most`` numbers with the densest of some sets of mantissas, the last (1,)."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    stride = 1
    while True:
        for mantissas in choices if stride == 1 else choices[-1:]:
            exponents = [k for k in decades if k % stride == 0]
            values = np.array([m * 10.0**k for k in exponents for m in mantissas])
            values = values[(values > low) & (values < high)]
            if len(values) <= most:
                return values
        stride += 1


def common_extend(panels: Sequence[Panel], scale: Scale) -> Extend:
    """Return the ends of a scale beyond which any panel has values."""
    shares = [scale.clipped(panel) for panel in panels]
    below, above = (any(share[end] > 0 for share in shares) for end in (0, 1))
    if below and above:
        return "both"
    return "min" if below else "max" if above else "neither"
