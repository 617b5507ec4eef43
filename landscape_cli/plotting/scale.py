"""The scale that the panels of a figure share: limits, linear or logarithmic, levels, ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.text import labels

Extend = Literal["neither", "min", "max", "both"]
Floats = NDArray[np.float64]

MANTISSAS = (tuple(range(1, 10)), (1, 2, 5), (1, 3), (1,))


@dataclass(frozen=True)
class Scale:
    """How values become heights and colours, the same in all panels.

    Values are drawn as they are, or on a logarithmic scale as their decimal logarithms, so that
    what lies between two points is interpolated on the scale that is seen.

    Args:
        low: the lowest value shown.
        high: the highest value shown.
        log: whether the scale is logarithmic.
        levels: how many levels contours have; None to choose round ones.
        extend: at which ends values lie beyond the limits.
    """

    low: float
    high: float
    log: bool = False
    levels: int | None = None
    extend: Extend = "neither"

    @property
    def norm(self) -> Normalize:
        """From drawn values to colours."""
        return Normalize(*self.ends)

    @property
    def ends(self) -> tuple[float, float]:
        """The limits as drawn."""
        low, high = self._drawn(np.array([self.low, self.high]))
        return float(low), float(high)

    def hidden(self, panel: Panel) -> NDArray[np.bool_]:
        """Which finite values have no place on this scale: those <= 0 on a logarithmic one."""
        return panel.finite & (panel.z <= 0) if self.log else np.zeros_like(panel.finite)

    def visible(self, panel: Panel) -> NDArray[np.bool_]:
        """Which values have a place on this scale, clipped to its limits or not."""
        return panel.finite & ~self.hidden(panel)

    def drawn(self, panel: Panel) -> np.ma.MaskedArray[Any, np.dtype[np.float64]]:
        """A panel's values as drawn, not clipped; masked where there is none to draw."""
        visible = self.visible(panel)
        return np.ma.MaskedArray(
            self._drawn(np.where(visible, panel.z, self.high)), mask=~visible, dtype=np.float64
        )

    def clipped(self, panel: Panel) -> tuple[float, float]:
        """The fractions of a panel's visible values that lie below and above the limits."""
        values = panel.z[self.visible(panel)]
        return float(np.mean(values < self.low)), float(np.mean(values > self.high))

    def lines(self) -> Floats:
        """The values of contour lines as drawn, strictly within the limits."""
        if self.levels is not None:
            return np.linspace(*self.ends, self.levels + 2)[1:-1]
        return self._round_levels(12)

    def bands(self) -> Floats:
        """The edges of filled contours as drawn, from limit to limit."""
        low, high = self.ends
        if self.levels is not None:
            return np.linspace(low, high, self.levels + 1)
        return np.array([low, *self._round_levels(22), high])

    def ticks(self) -> tuple[Floats, list[str]] | None:
        """Where a logarithmic scale has ticks as drawn, and their labels; None if linear."""
        if not self.log:
            return None
        values = self._round_values(7)
        places = self._drawn(values)
        if len(places) > 1 and np.allclose(places, np.round(places)) and np.ptp(places) > 2:
            return places, [labels.power(p) for p in places]
        return places, [labels.number(v) for v in values]

    def text(self, drawn: float) -> str:
        """The label of a drawn value."""
        return labels.number(10.0**drawn if self.log else drawn)

    def _drawn(self, values: Floats) -> Floats:
        return np.log10(values) if self.log else values

    def _round_levels(self, most: int) -> Floats:
        """Round values as drawn, none so near a limit that rounding could make it equal."""
        low, high = self.ends
        levels = self._drawn(self._round_values(most))
        sliver = 1e-6 * (high - low)
        return levels[(levels > low + sliver) & (levels < high - sliver)]

    def _round_values(self, most: int) -> Floats:
        if self.log:
            values = _round_logarithmic(self.low, self.high, most)
            if len(values) >= 3:
                return values
        round_ones = np.asarray(MaxNLocator(most).tick_values(self.low, self.high))
        return round_ones[(round_ones > self.low) & (round_ones < self.high)]


def _round_logarithmic(low: float, high: float, most: int) -> Floats:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    stride = 1
    while True:
        for mantissas in MANTISSAS if stride == 1 else MANTISSAS[-1:]:
            exponents = [k for k in decades if k % stride == 0]
            values = np.array([m * 10.0**k for k in exponents for m in mantissas])
            values = values[(values > low) & (values < high)]
            if len(values) <= most:
                return values
        stride += 1


def common_extend(panels: Sequence[Panel], scale: Scale) -> Extend:
    """At which ends of a scale some panel has values beyond the limits."""
    shares = [scale.clipped(panel) for panel in panels]
    below, above = (any(share[end] > 0 for share in shares) for end in (0, 1))
    if below and above:
        return "both"
    return "min" if below else "max" if above else "neither"
