"""Arrange panels, colour bars, legend and texts so that all of them fit, by measuring them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.gridspec import GridSpec
from matplotlib.transforms import Bbox

from landscape_cli.plotting.layout.bar import THICKNESS, gap
from landscape_cli.plotting.layout.cell import Cell
from landscape_cli.plotting.layout.sharing import same_intervals, share_labels
from landscape_cli.plotting.layout.sheet import LONGER, MARGIN, SPACE, Sheet
from landscape_cli.plotting.style import text_scale

LEAST, LEAST_SPATIAL = 0.8, 1.0
"""Least width or height of axes, and least width of a 3-D box, in inches."""

HOPELESS = 0.3
"""Width in inches at the base font size below which no more is measured."""

FLATTEST, HIGHEST = 0.3, 1.25
"""Bounds on height over width of axes without a shape of their own, in a figure of given size."""

ROUNDS = 7
"""Number of times that texts are measured, as they depend on the width of panels."""

WIDEST = 0.5
"""Largest additional space between columns, in widths of the axes."""

CLOSE = 0.004
"""Change of a size in inches below which it counts as found."""

TITLE_LINES = 4
"""Largest number of lines of a panel's title."""


class Plan(NamedTuple):
    """The outcome of an arrangement.

    Args:
        fits: whether all panels are large enough.
        width: width of the axes in inches, or of the content of 3-D axes.
        height: height of the figure in inches.
    """

    fits: bool
    width: float
    height: float


def place(
    sheet: Sheet, columns: int, below: bool, width: float, height: float | None = None
) -> Plan:
    """Place everything in a figure of a width, and of a height unless it is to follow.

    Args:
        sheet: the content.
        columns: number of panels in a row.
        below: whether the colour bar is below the panels instead of to their right.
        width: the figure's width in inches.
        height: its height in inches.
    """
    sheet.last = columns, below, width, height
    return _Arrangement(sheet, columns, below, width, height).plan


class _Arrangement:
    """Places the panels of a sheet."""

    def __init__(
        self, sheet: Sheet, columns: int, below: bool, width: float, height: float | None
    ) -> None:
        self.sheet, self.below, self.width, self.height = sheet, below, width, height
        self.at = sheet.places(columns)
        self.rows = 1 + max(row for row, _ in self.at)
        self.columns = 1 + max(column for _, column in self.at)
        self.bars = [block.bar for block in sheet.blocks if block.bar is not None]
        self.plan = self._run()

    def _run(self) -> Plan:
        sheet = self.sheet
        share_labels(sheet.cells, self.at)
        sheet.figure.set_size_inches(self.width, self.height or self.width)
        own_bars = gap() + 0.45 * text_scale() if self.bars and not self.below else 0.0
        count = self.columns if sheet.abreast else 1
        axes_width = (self.width - count * own_bars) / self.columns - 0.35 * text_scale()
        axes_width = max(axes_width, 0.3)
        axes_height, clear = self._height_for(axes_width), True
        for _ in range(ROUNDS):
            clear = self._measure(axes_width, axes_height)
            width, height = self._sizes(axes_width)
            if abs(width - axes_width) < CLOSE and abs(height - axes_height) < CLOSE:
                break
            axes_width, axes_height = max(0.2, width), max(0.15, height)
            if self._content_width(axes_width) < HOPELESS * text_scale():
                return Plan(False, axes_width, self.width)
        else:
            clear = self._measure(axes_width, axes_height)
        total = self._place(axes_width, axes_height)
        shown = self._content_width(axes_width)
        least = LEAST_SPATIAL if any(cell.spatial for cell in sheet.cells) else LEAST
        least *= text_scale()
        big = shown >= least and (axes_height >= least * 0.9 or sheet.cells[0].spatial)
        high = axes_height >= sheet.least_height
        inside = self.height is None or total <= self.height + 0.01
        lines = max(cell.axes.get_title().count("\n") for cell in sheet.cells) < TITLE_LINES
        return Plan(clear and big and high and inside and lines, shown, total)

    def _height_for(self, axes_width: float) -> float:
        """Return the height of the highest axes."""
        shapes = [cell.shape or self.sheet.shape for cell in self.sheet.cells]
        return max(self.sheet.least_height, max(shapes) * axes_width)

    def _own_height(self, cell: Cell, axes_width: float, axes_height: float) -> float:
        return axes_height if cell.shape is None else cell.shape * axes_width

    def _measure(self, axes_width: float, axes_height: float) -> bool:
        """Measure the room around all axes; return whether no labels of ticks overlap."""
        sheet, ruler = self.sheet, self.sheet.ruler
        sheet.shorten_labels(axes_width, axes_height)
        self.above, self.under = sheet.write_texts(self.width)
        for cell in sheet.cells:
            height = self._own_height(cell, axes_width, axes_height)
            cell.place(0.5, 0.5, axes_width, height)
        self._lengthen(axes_width, axes_height)
        sheet.draw_boxes()
        clear = True
        for cell in sheet.cells:
            clear = cell.thin_ticks(ruler) and clear
        same_intervals(sheet.cells)
        self.bare = [cell.measure(ruler) for cell in sheet.cells]
        self._measure_bars(axes_width, axes_height)
        self.left = self._by_column("left")
        self.right = self._by_column("right")
        self.edges = []
        tops = [-9.0] * self.rows
        for (row, _), edges in zip(self.at, self.bare, strict=True):
            tops[row] = max(tops[row], edges.top)
        for number, (cell, edges) in enumerate(zip(sheet.cells, self.bare, strict=True)):
            room = self._room_for_title(number, axes_width)
            top = cell.write(ruler, room, tops[self.at[number][0]])
            self.edges.append(edges._replace(top=max(top, edges.top)))
        self.top, self.bottom = self._by_row("top"), self._by_row("bottom")
        return clear

    def _lengthen(self, axes_width: float, axes_height: float) -> None:
        """Wrap the labels of the axes to their sizes."""
        longer = LONGER if len(self.sheet.cells) == 1 else 0.0
        for cell in self.sheet.cells:
            height = self._own_height(cell, axes_width, axes_height)
            cell.wrap_labels(self.sheet.ruler, Bbox.from_bounds(0, 0, axes_width, height), longer)

    def _measure_bars(self, axes_width: float, axes_height: float) -> None:
        """Measure the colour bars, as long as what they stand beside."""
        self.bar = 0.0
        if not self.bars:
            return
        ruler = self.sheet.ruler
        length = 0.8 * (self.width - 2 * MARGIN) if self.below else max(axes_height, 0.3)
        breadths = [bar.breadth(self.below, length, ruler) for bar in self.bars]
        self.bar = max(breadths) + gap()

    def _by_column(self, side: str) -> list[float]:
        found = [-9.0] * self.columns
        for (_, column), edges in zip(self.at, self.bare, strict=True):
            found[column] = max(found[column], getattr(edges, side))
        return found

    def _by_row(self, side: str) -> list[float]:
        found = [-9.0] * self.rows
        for (row, _), edges in zip(self.at, self.edges, strict=True):
            found[row] = max(found[row], getattr(edges, side))
        return found

    def _beside(self) -> float:
        """Return the room for a colour bar of its own that each column has."""
        return self.bar if self.bars and not self.below and self.sheet.abreast else 0.0

    def _end(self) -> float:
        """Return the room for colour bars right of all panels."""
        return self.bar if self.bars and not self.below and not self.sheet.abreast else 0.0

    def _room_for_title(self, number: int, axes_width: float) -> float:
        """Return the width of a heading that meets neither others nor the figure's edges."""
        column = self.at[number][1]
        pitches = []
        for first in (column - 1, column):
            if 0 <= first < self.columns - 1:
                own = self.right[first] + self.left[first + 1] + self._beside()
                pitches.append(axes_width + own + self._space(axes_width) - 0.08)
        lefts = MARGIN + sum(self.left[: column + 1]) + sum(self.right[:column])
        step = axes_width + self._space(axes_width) + self._beside()
        lefts += column * step + axes_width / 2
        rights = self.width - lefts - MARGIN - (self._end() if self.rows > 1 else 0.0)
        used = (self.columns - 1) * (self._space(axes_width) - SPACE)
        spare = max(0.0, self.width - self._total(axes_width) - used) / 2
        ends = [2 * (lefts - MARGIN + spare), 2 * (rights - spare)]
        return max(0.3, min([*pitches, *ends]))

    def _total(self, axes_width: float) -> float:
        """Return the width of all panels with their bars and the margins."""
        inner = sum(self.left) + sum(self.right) + (self.columns - 1) * SPACE
        inner += self.columns * (axes_width + self._beside()) + self._end()
        return 2 * MARGIN + inner

    def _space(self, axes_width: float) -> float:
        """Return the space between columns, which takes a part of what the height leaves free."""
        free = self.width - self._total(axes_width)
        if self.height is None or self.columns == 1 or free <= 0:
            return SPACE
        return SPACE + min(WIDEST * axes_width, free / (self.columns + 1))

    def _over(self) -> float:
        """Return the height of everything but axes."""
        inner = sum(self.top) + sum(self.bottom) + (self.rows - 1) * SPACE
        bars = len(self.bars) * self.bar if self.below else 0.0
        return 2 * MARGIN + self.above + self.under + inner + bars

    def _sizes(self, axes_width: float) -> tuple[float, float]:
        """Return better sizes of the axes, given the room around them."""
        width = axes_width + (self.width - self._total(axes_width)) / self.columns
        if self.height is None:
            return width, self._height_for(width)
        free = (self.height - self._over()) / self.rows
        shapes = [cell.shape for cell in self.sheet.cells]
        own = [shape for shape in shapes if shape is not None]
        if own:
            width = min(width, free / max(own))
            return width, max(own) * width
        height = min(max(free, FLATTEST * width), HIGHEST * width)
        return width, min(height, free)

    def _content_width(self, axes_width: float) -> float:
        """Return the width of the axes, or of what 3-D axes show."""
        if not self.sheet.cells[0].spatial:
            return axes_width
        return min(axes_width + edges.left + edges.right for edges in self.bare)

    def _place(self, axes_width: float, axes_height: float) -> float:
        """Set the places of everything; return the height that it takes."""
        sheet = self.sheet
        heights = [0.0] * self.rows
        for (row, _), cell in zip(self.at, sheet.cells, strict=True):
            heights[row] = max(heights[row], self._own_height(cell, axes_width, axes_height))
        total = self._over() + sum(heights)
        sheet.figure.set_size_inches(self.width, self.height or total)
        space = self._space(axes_width)
        used = (self.columns - 1) * (space - SPACE)
        start = (self.width - self._total(axes_width) - used) / 2 + MARGIN
        spare = max(0.0, (self.height or total) - total) / 2
        top = (self.height or total) - MARGIN - self.above - spare
        lefts, at = [], start
        for column in range(self.columns):
            lefts.append(at + self.left[column])
            at = lefts[-1] + axes_width + self.right[column] + self._beside() + space
        bottoms = []
        for row in range(self.rows):
            top -= self.top[row] + heights[row]
            bottoms.append(top)
            top -= self.bottom[row] + SPACE
        grid = GridSpec(self.rows, self.columns, sheet.figure)
        for (row, column), cell in zip(self.at, sheet.cells, strict=True):
            cell.axes.set_subplotspec(grid[row, column])
            height = self._own_height(cell, axes_width, axes_height)
            lower = bottoms[row] + heights[row] - height
            cell.place(lefts[column], lower, axes_width, height)
        self._place_bars(lefts, bottoms, heights, axes_width)
        end = lefts[-1] + axes_width + self.right[-1]
        sheet.place_texts((start + end) / 2)
        return total

    def _place_bars(
        self,
        lefts: Sequence[float],
        bottoms: Sequence[float],
        heights: Sequence[float],
        axes_width: float,
    ) -> None:
        numbers = iter(range(len(self.sheet.cells)))
        under = bottoms[-1] - self.bottom[-1]
        for block in self.sheet.blocks:
            own = [next(numbers) for _ in block.cells]
            if block.bar is None:
                continue
            if self.below:
                start = lefts[0] - self.left[0]
                length = 0.8 * (lefts[-1] + axes_width + self.right[-1] - start)
                thick = self.bar
                block.bar.breadth(True, length, self.sheet.ruler)
                left = start + 0.1 * length / 0.8
                block.bar.place(True, left, under - gap() - THICKNESS * text_scale(), length)
                under -= thick
                continue
            rows = [self.at[number][0] for number in own]
            column = self.at[own[-1]][1] if self.sheet.abreast else self.columns - 1
            low, high = bottoms[max(rows)], bottoms[min(rows)] + heights[min(rows)]
            if self.sheet.cells[0].spatial:
                low, high = low - self.bottom[max(rows)], high + self._bare_top(own)
                low, high = low + 0.1 * (high - low), high - 0.1 * (high - low)
            block.bar.breadth(False, high - low, self.sheet.ruler)
            left = lefts[column] + axes_width + self.right[column] + gap()
            block.bar.place(False, left, low, high - low)

    def _bare_top(self, numbers: Sequence[int]) -> float:
        return max(self.bare[number].top for number in numbers)
