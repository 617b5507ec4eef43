"""Outlines of the regions in which the smallest eigenvalue of the Hessian is negative."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke, withTickedStroke
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.marks import cell_edges
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import pt
from landscape_cli.plotting.text import labels

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Corner = tuple[int, int]
Steps = dict[Corner, list[Corner]]

LOWEST = "hessian_min"
"""The quantity whose sign is outlined."""

LINE, HALO = "black", "white"
"""Colours of the outline and of its halo."""


@dataclass(frozen=True)
class Outline:
    """An outline with ticks towards negative curvature.

    Args:
        cells: follow the edges of cells; otherwise interpolate between points.
    """

    cells: bool

    def draw(self, axes: Any, panel: Panel) -> None:
        """Draw the outline, and say in the legend how many points it encloses."""
        mask = negative(panel)
        label = f"λmin < 0 {_share(mask, panel)}"
        positive = panel.of(LOWEST).finite & ~mask
        if not (mask.any() and positive.any()):
            axes.plot([], [], linestyle="none", label=label)
            return
        ticks: dict[str, Any] = {"angle": 90, "spacing": pt(6), "length": 0.5}
        effects = [
            withStroke(linewidth=pt(2.4), foreground=HALO),
            withTickedStroke(linewidth=pt(2.4), foreground=HALO, **ticks),
            withTickedStroke(linewidth=pt(1.0), foreground=LINE, **ticks),
        ]
        look = {"colors": LINE, "linewidths": pt(1.0), "zorder": 2.4}
        lines = self._lines(axes, panel, (mask, positive), look)
        lines.set_path_effects(effects)
        lines.set_gid("negative")
        axes.plot([], [], color=LINE, linewidth=pt(1.0), path_effects=effects, label=label)

    def _lines(
        self, axes: Any, panel: Panel, sides: tuple[Mask, Mask], look: dict[str, Any]
    ) -> Any:
        if self.cells:
            curves = boundary(*sides, _edges(panel, "x"), _edges(panel, "y"))
            return axes.add_collection(LineCollection(curves, **look), autolim=False)
        lowest = panel.of(LOWEST)
        higher = np.ma.masked_invalid(-lowest.z - np.nan_to_num(lowest.stderr))
        return axes.contour(panel.x, panel.y, higher, [0.0], **look)  # higher values on the left

    def describe(self, panels: Sequence[Panel]) -> str:
        """Say where the smallest eigenvalue is negative."""
        count = sum(int(negative(panel).sum()) for panel in panels)
        total = sum(int(panel.of(LOWEST).finite.sum()) for panel in panels)
        beyond = "λmin is negative by more than its numerical error"
        if count in (0, total):
            return f"{beyond} at {'all' if count else 'none of the'} {labels.count(total)}."
        return f"Ticks of the outline point to where {beyond} ({count} of {labels.count(total)})."


def negative(panel: Panel) -> Mask:
    """Return a mask of points whose smallest eigenvalue is negative by more than its error."""
    lowest = panel.of(LOWEST)
    return lowest.finite & (lowest.z < -np.nan_to_num(lowest.stderr))


def boundary(mask: Mask, others: Mask, x: Floats, y: Floats) -> list[Floats]:
    """Return the border between two sets of cells of a grid.

    Args:
        mask: the cells on the left of the border, of shape (ny, nx).
        others: those on its right, of the same shape.
        x: edges of the columns, of shape (nx + 1,).
        y: edges of the rows, of shape (ny + 1,).

    Returns:
        Curves of shape (n, 2); closed ones end where they begin.
    """
    rows, columns = mask.shape
    after: Steps = {}
    for row, column in np.argwhere(mask).tolist():
        left, right, bottom, top = column, column + 1, row, row + 1
        sides = (
            (row - 1, column, (left, bottom), (right, bottom)),
            (row, column + 1, (right, bottom), (right, top)),
            (row + 1, column, (right, top), (left, top)),
            (row, column - 1, (left, top), (left, bottom)),
        )
        for i, j, start, end in sides:
            if 0 <= i < rows and 0 <= j < columns and others[i, j]:
                after.setdefault(start, []).append(end)
    return [np.column_stack([x[p[:, 0]], y[p[:, 1]]]) for p in map(np.array, chains(after))]


def chains(after: Steps) -> list[list[Corner]]:
    """Join steps from corner to corner into curves, open ones first.

    Args:
        after: the corners to which steps lead from each corner; empty lists are left of it.
    """
    ends = Counter(end for each in after.values() for end in each)
    starts = [s for s, each in after.items() for _ in range(len(each) - ends[s])]
    joined = []
    for start in [*reversed(starts), *after]:
        while after[start]:
            chain = [place := start]
            while after.get(place):
                place = after[place].pop()
                chain.append(place)
            joined.append(chain)
    return joined


def _edges(panel: Panel, name: str) -> Floats:
    return cell_edges(getattr(panel, name), getattr(panel.whole, name))


def _share(mask: Mask, panel: Panel) -> str:
    count, total = int(mask.sum()), int(panel.of(LOWEST).finite.sum())
    if count == total:
        return f"at all {labels.count(total)}"
    return f"({count} of {labels.count(total)})" if count else "nowhere"
