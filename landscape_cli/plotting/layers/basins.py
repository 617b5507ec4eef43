"""Minima and their saddles over a plane or on a surface, and the borders between basins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.marks import cell_edges
from landscape_cli.plotting.annotations.pins import draw_marks, draw_pins
from landscape_cli.plotting.annotations.text_placement import LabelWriter
from landscape_cli.plotting.layers.outline import Steps, chains
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scene3d.visibility import Sight
from landscape_cli.plotting.style import pt
from landscape_cli.plotting.topology.criterion import MAX_NUMBERED, Criterion, noun
from landscape_cli.topology.descent import NONE
from landscape_cli.topology.extrema import Extrema

Floats = NDArray[np.float64]

FACE, SADDLE, EDGE = "white", "#e69f00", "black"
"""Colours of minima and of saddles, and of their edges."""

LOOKS = {1: "v", -1: "^"}
"""Marker of an extremum: a triangle that points down for a minimum, up for a maximum."""

MANY = 60
"""With more extrema than this, marks are half as large."""


@dataclass(frozen=True)
class Marks:
    """Marks of points of a plane's grid.

    Args:
        indices: the points' flat indices, of shape (n,).
        look: the properties of the marks.
    """

    indices: NDArray[np.int64]
    look: dict[str, Any]

    def over(self, panel: Panel) -> Floats:
        """Return the points' coordinates, of shape (n, 2)."""
        rows, columns = np.unravel_index(self.indices, panel.z.shape)
        return np.column_stack([panel.x[columns], panel.y[rows]])

    def on(self, panel: Panel, heights: Floats) -> Floats:
        """Return the points with their heights, which have the grid's shape, of shape (n, 3)."""
        return np.column_stack([self.over(panel), heights.ravel()[self.indices]])


@dataclass(frozen=True)
class Basins:
    """Marks of the extrema that count, and over flat planes the borders of their basins.

    Args:
        criterion: which ones count.
        flat: whether the planes are flat, not surfaces in 3-D boxes.
    """

    criterion: Criterion
    flat: bool = True

    def draw(self, axes: Any, panel: Panel) -> None:
        """Draw borders, saddles and minima, the latter numbered by persistence from 1 on."""
        found = self.criterion.extrema(panel)
        limits = {"xlim": axes.get_xlim(), "ylim": axes.get_ylim()}
        if curves := borders(panel, found.basins):
            for color, width in ((EDGE, 2.2), (FACE, 1.0)):
                look: dict[str, Any] = {"colors": color, "linewidths": pt(width), "zorder": 2.3}
                lines = LineCollection(curves, capstyle="round", gid="basins", **look)
                axes.add_collection(lines, autolim=False)
            axes.plot([], [], color=FACE, linewidth=pt(1.0), label="border of basins", **_halo())
        minima, saddles = marks_of(found)
        for marks, zorder in ((minima, 4.4), (saddles, 4.3)):
            if len(marks.indices):
                axes.plot(*marks.over(panel).T, zorder=zorder, clip_on=False, **marks.look)
        if 1 < len(minima.indices) <= MAX_NUMBERED:
            places = minima.over(panel)
            writer = LabelWriter(axes, [*places, *saddles.over(panel)])
            for number, place in enumerate(places.tolist(), start=1):
                writer.write(place, str(number), "minimum")
        axes.set(**limits)

    def draw_above(
        self, axes: Any, panel: Panel, heights: Floats, sight: Sight, floor: float
    ) -> None:
        """Draw minima as pins, unless there are very many, and saddles as marks.

        Args:
            axes: the 3-D axes.
            panel: the panel drawn there.
            heights: its values as drawn, of shape (ny, nx); NaN where there are none.
            sight: the surface and the eye.
            floor: the height of the box's floor.
        """
        minima, saddles = self.marks(panel)
        if len(minima.indices) > MAX_NUMBERED:
            draw_marks(axes, minima.on(panel, heights), sight, zorder=4.8, **minima.look)
        elif len(minima.indices):
            draw_pins(axes, minima.on(panel, heights), floor, sight, zorder=4.8, **minima.look)
        if len(saddles.indices):
            draw_marks(axes, saddles.on(panel, heights), sight, zorder=4.7, **saddles.look)

    def marks(self, panel: Panel) -> tuple[Marks, Marks]:
        """Return the marks of a panel; see ``marks_of``."""
        return marks_of(self.criterion.extrema(panel))

    def describe(self, panels: Sequence[Panel]) -> str:
        """Explain the marks."""
        found = self.criterion.extrema(panels[0])
        text = f"Triangles: {self.criterion.describe(panels)}; crosses: their saddles"
        if not self.flat:
            return f"{text}."
        which = "lowest" if found.sign > 0 else "highest"
        return f"{text}; lines: borders of their basins. Number 1 is the {which}."


def marks_of(found: Extrema) -> tuple[Marks, Marks]:
    """Return the marks of minima, in the order of persistence, and of their saddles."""
    numbers = found.order
    saddles = found.tree.saddles[numbers[~found.tree.endless[numbers]]]
    size = 1.0 if len(numbers) <= MANY else 0.5
    word, other = noun(found, len(numbers)), "saddle" + "s" * (len(saddles) != 1)
    return (
        Marks(
            found.tree.minima[numbers],
            _look(LOOKS[found.sign], FACE, 7.5 * size, len(numbers), word),
        ),
        Marks(saddles, _look("P", SADDLE, 5.5 * size, len(saddles), other)),
    )


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


def _look(marker: str, color: str, size: float, count: int, word: str) -> dict[str, Any]:
    look: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": pt(size)}
    look |= {"color": color}  # not the next of the cycle, as legends merge what looks the same
    look |= {"markerfacecolor": color, "markeredgecolor": EDGE, "markeredgewidth": pt(0.8)}
    return {**look, "label": f"{count} {word}", "gid": word.rstrip("s")}


def _halo() -> dict[str, Any]:
    return {"path_effects": [withStroke(linewidth=pt(2.2), foreground=EDGE)]}
