"""Minima and their saddles, and the borders between basins, over a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.marks import cell_edges
from landscape_cli.plotting.annotations.text_placement import LabelWriter
from landscape_cli.plotting.layers.outline import Steps, chains
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import pt
from landscape_cli.plotting.topology.criterion import MAX_NUMBERED, Criterion, noun
from landscape_cli.topology.descent import NONE

Floats = NDArray[np.float64]

FACE, SADDLE, EDGE = "white", "#e69f00", "black"
"""Colours of minima and of saddles, and of their edges."""

LOOKS = {1: "v", -1: "^"}
"""Marker of an extremum: a triangle that points down for a minimum, up for a maximum."""

MANY = 60
"""With more extrema than this, marks are half as large."""


@dataclass(frozen=True)
class Basins:
    """Marks of the extrema that count, and the borders of their basins.

    Args:
        criterion: which ones count.
    """

    criterion: Criterion

    def draw(self, axes: Any, panel: Panel) -> None:
        """Draw borders, saddles and minima, the latter numbered by persistence from 1 on."""
        found = self.criterion.extrema(panel)
        numbers = found.order
        limits = {"xlim": axes.get_xlim(), "ylim": axes.get_ylim()}
        if curves := borders(panel, found.basins):
            for color, width in ((EDGE, 2.2), (FACE, 1.0)):
                look: dict[str, Any] = {"colors": color, "linewidths": pt(width), "zorder": 2.3}
                lines = LineCollection(curves, capstyle="round", gid="basins", **look)
                axes.add_collection(lines, autolim=False)
            axes.plot([], [], color=FACE, linewidth=pt(1.0), label="border of basins", **_halo())
        minima = _places(panel, found.tree.minima[numbers])
        saddles = _places(panel, found.tree.saddles[numbers[~found.tree.endless[numbers]]])
        size = 1.0 if len(numbers) <= MANY else 0.5
        word = noun(found, len(numbers))
        _mark(axes, minima, LOOKS[found.sign], FACE, 7.5 * size, word, 4.4)
        _mark(axes, saddles, "P", SADDLE, 5.5 * size, "saddle" + "s" * (len(saddles) != 1), 4.3)
        if 1 < len(numbers) <= MAX_NUMBERED:
            writer = LabelWriter(axes, panel, [*minima, *saddles])
            for number, place in enumerate(minima.tolist(), start=1):
                writer.write(place, str(number), "minimum")
        axes.set(**limits)

    def describe(self, panels: Sequence[Panel]) -> str:
        """Explain the marks."""
        found = self.criterion.extrema(panels[0])
        text = f"Triangles: {self.criterion.describe(panels)}; crosses: their saddles"
        which = "lowest" if found.sign > 0 else "highest"
        return f"{text}; lines: borders of their basins. Number 1 is the {which}."


def borders(panel: Panel, basins: NDArray[np.int64]) -> list[Floats]:
    """Return the curves between cells of different basins, each of shape (n, 2).

    Args:
        panel: the panel that has the coordinates.
        basins: number of each point's basin, of shape (ny, nx), ``NONE`` for none.
    """
    x = cell_edges(panel.x, panel.whole.x)
    y = cell_edges(panel.y, panel.whole.y)
    after: Steps = {}
    for first, second, right, up in (
        (basins[:, :-1], basins[:, 1:], 1, 0),
        (basins[1:], basins[:-1], 0, 1),
    ):
        row, column = np.nonzero((first != second) & (first != NONE) & (second != NONE))
        forward = first[row, column] > second[row, column]
        start = zip((column + right).tolist(), (row + up).tolist(), strict=True)
        end = zip((column + 1).tolist(), (row + 1).tolist(), strict=True)
        for ahead, *step in zip(forward.tolist(), start, end, strict=True):
            one, other = step if ahead else reversed(step)
            after.setdefault(one, []).append(other)
    return [np.column_stack([x[p[:, 0]], y[p[:, 1]]]) for p in map(np.array, chains(after))]


def _places(panel: Panel, indices: NDArray[np.int64]) -> Floats:
    """Return the coordinates of points by their flat indices, of shape (n, 2)."""
    rows, columns = np.unravel_index(indices, panel.z.shape)
    return np.column_stack([panel.x[columns], panel.y[rows]])


def _mark(
    axes: Any, places: Floats, marker: str, color: str, size: float, word: str, zorder: float
) -> None:
    if not len(places):
        return
    look: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": pt(size)}
    look |= {"markerfacecolor": color, "markeredgecolor": EDGE, "markeredgewidth": pt(0.8)}
    label = f"{len(places)} {word}"
    axes.plot(*places.T, zorder=zorder, clip_on=False, label=label, gid=word.rstrip("s"), **look)


def _halo() -> dict[str, Any]:
    return {"path_effects": [withStroke(linewidth=pt(2.2), foreground=EDGE)]}
