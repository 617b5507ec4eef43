"""The room that texts and colour bars take around the panels of a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landscape_cli.plotting.layout import spatial
from landscape_cli.plotting.layout.bar import BAR_LENGTH, gap
from landscape_cli.plotting.layout.cell import Cell, Edges
from landscape_cli.plotting.layout.sharing import same_intervals
from landscape_cli.plotting.layout.sheet import HINTING, LONGER, MARGIN, SPACE, Sheet

MOST_LINES = 2
"""Largest number of lines of a label in a figure whose height is not given."""

WIDEST = 0.5
"""Largest additional space between columns, in widths of the axes."""

NOTHING = -9.0
"""Room of an empty row or column in inches, less than that of any panel."""


class Rooms:
    """The room around panels of some size, in inches.

    Args:
        sheet: the content.
        places: row and column of each panel.
        below: whether colour bars are below the panels.
        size: width of the figure, and its height or None.

    Attributes:
        taller: factor of the height over width of axes without a shape of their own.
    """

    def __init__(
        self,
        sheet: Sheet,
        places: Sequence[tuple[int, int]],
        below: bool,
        size: tuple[float, float | None],
    ) -> None:
        self.sheet, self.places, self.below = sheet, places, below
        self.width, self.height = size
        self.rows = 1 + max(row for row, _ in places)
        self.columns = 1 + max(column for _, column in places)
        self.bars = [block.bar for block in sheet.blocks if block.bar is not None]
        self.bar = self.axes_width = self.axes_height = 0.0
        self.taller = 1.0

    def measure(self, axes_width: float, axes_height: float) -> bool:
        """Measure the room around axes; return whether no labels of ticks overlap."""
        sheet, ruler = self.sheet, self.sheet.ruler
        self.axes_width, self.axes_height = axes_width, axes_height
        lines = MOST_LINES if self.height is None else 1
        sheet.shorten_labels(axes_width, axes_height, lines)
        self.above, self.under = sheet.write_texts(self.width)
        longer = LONGER if len(sheet.cells) == 1 else 0.0
        for cell in sheet.cells:
            cell.place(0.5, 0.5, axes_width, self.own_height(cell))
            cell.wrap_labels(ruler, axes_width + longer, self.own_height(cell) + longer)
        clear = [cell.thin_ticks(ruler) for cell in sheet.cells]
        same_intervals(sheet.cells)
        self.bare = self._measured()
        self.edges = list(self.bare)
        self._measure_bars()
        self.left = self._largest("left", 1)
        self.right = self._largest("right", 1)
        tops = self._largest("top", 0)
        for number, (cell, edges) in enumerate(zip(sheet.cells, self.bare, strict=True)):
            top = cell.write(ruler, self._heading(number), tops[self.places[number][0]])
            self.edges[number] = edges._replace(top=max(top, edges.top))
        self.top, self.bottom = self._largest("top", 0), self._largest("bottom", 0)
        return all(clear)

    def own_height(self, cell: Cell) -> float:
        """Return the height of the axes of a panel."""
        return self.axes_height if cell.shape is None else cell.shape * self.axes_width

    @property
    def heights(self) -> list[float]:
        """Height of the highest axes of each row."""
        found = [0.0] * self.rows
        for (row, _), cell in zip(self.places, self.sheet.cells, strict=True):
            found[row] = max(found[row], self.own_height(cell))
        return found

    @property
    def content_width(self) -> float:
        """Width of the axes, or of what 3-D axes show."""
        if not self.sheet.cells[0].spatial:
            return self.axes_width
        return min(self.axes_width + edges.left + edges.right for edges in self.bare)

    @property
    def beside(self) -> float:
        """Room for a colour bar of its own that each column has."""
        return self.bar if self.bars and not self.below and self.sheet.abreast else 0.0

    @property
    def end(self) -> float:
        """Room for colour bars right of all panels."""
        return self.bar if self.bars and not self.below and not self.sheet.abreast else 0.0

    @property
    def across(self) -> float:
        """Width of all panels with their bars and the margins."""
        inner = sum(self.left) + sum(self.right) + (self.columns - 1) * SPACE
        inner += self.columns * (self.axes_width + self.beside) + self.end
        return 2 * MARGIN + inner

    @property
    def up(self) -> float:
        """Height of everything, with the margins."""
        inner = sum(self.top) + sum(self.bottom) + (self.rows - 1) * SPACE + sum(self.heights)
        bars = len(self.bars) * self.bar if self.below else 0.0
        return 2 * MARGIN + self.above + self.under + inner + bars

    @property
    def share(self) -> float:
        """Part of the area above the caption that panels with labels, titles and bars take."""
        area = sum(
            (self.axes_width + edges.left + edges.right)
            * (self.own_height(cell) + edges.top + edges.bottom)
            for cell, edges in zip(self.sheet.cells, self.edges, strict=True)
        )
        lengths = self.width if self.below else sum(self.heights)
        height = (self.height or self.up) - self.sheet.caption_height
        return (area + self.bar * lengths) / (self.width * height)

    @property
    def space(self) -> float:
        """Space between columns, which takes a part of what the height leaves free."""
        free = self.width - self.across
        if self.height is None or self.columns == 1 or free <= 0:
            return SPACE
        return SPACE + min(WIDEST * self.axes_width, free / (self.columns + 1))

    @property
    def spare(self) -> float:
        """Width that is left over beside the panels and the spaces between columns."""
        return self.width - self.across - (self.columns - 1) * (self.space - SPACE)

    def _measured(self) -> list[Edges]:
        """Measure each panel, and 3-D boxes that look the same once."""
        known: dict[Any, Edges] = {}
        found = []
        for number, cell in enumerate(self.sheet.cells):
            key = (spatial.likeness(cell.axes) if cell.spatial else None) or number
            if key not in known:
                known[key] = cell.measure(self.sheet.ruler)
            found.append(known[key])
        return found

    def _measure_bars(self) -> None:
        """Measure the colour bars, as long as what they stand beside."""
        if not self.bars:
            return
        below = BAR_LENGTH * (self.width - 2 * MARGIN)
        length = below if self.below else max(self.axes_height, 0.3)
        breadths = [bar.breadth(self.below, length, self.sheet.ruler) for bar in self.bars]
        self.bar = max(breadths) + gap()

    def _largest(self, side: str, along: int) -> list[float]:
        """Return the largest room on a side of the panels in each row (0) or column (1)."""
        found = [NOTHING] * (self.columns if along else self.rows)
        for place, edges in zip(self.places, self.edges, strict=True):
            found[place[along]] = max(found[place[along]], getattr(edges, side))
        return found

    def _heading(self, number: int) -> float:
        """Return the width of a heading that meets neither others nor the figure's edges."""
        column, space = self.places[number][1], self.space
        pitches = []
        for first in (column - 1, column):
            if 0 <= first < self.columns - 1:
                own = self.right[first] + self.left[first + 1] + self.beside
                pitches.append(self.axes_width + own + space - 0.08)
        lefts = MARGIN + sum(self.left[: column + 1]) + sum(self.right[:column])
        lefts += column * (self.axes_width + space + self.beside) + self.axes_width / 2
        rights = self.width - lefts - MARGIN - (self.end if self.rows > 1 else 0.0)
        spare = max(0.0, self.spare) / 2
        ends = [2 * (lefts - MARGIN + spare), 2 * (rights - spare)]
        return max(0.3, min([*pitches, *(HINTING * end for end in ends)]))
