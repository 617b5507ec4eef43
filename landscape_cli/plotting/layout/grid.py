"""Arrange the panels of a figure and choose its size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import pt, text_scale
from landscape_cli.plotting.text.captions import AROUND_BOX, BOX_SHAPE, NARROW

MAX_COLUMNS = 4
"""Maximum number of panels in a row unless the user asks for more."""

BAR_WIDTH = 0.9
"""Width of the colour bar with its labels in inches."""

MIN_PANEL_WIDTH = 1.9
"""Minimum width in inches of a panel in a figure of given width."""

ROW_GAP = 0.1
"""Gap between rows of 3-D boxes in inches."""

LEGEND_LINE = 12
"""Height of a line of a legend in points."""

LINE_SHAPE = 0.6
"""Height over width of the axes of a line plot."""


@dataclass(frozen=True)
class Layout:
    """An arrangement of panels.

    Args:
        rows: number of rows.
        columns: number of columns.
        panel: approximate width and height of a panel with its labels in inches.
        figure: width and height of the figure in inches.
        below: whether the colour bar is below the panels instead of to their right.
        abreast: whether each panel is a block, with a colour bar of its own.
    """

    rows: int
    columns: int
    panel: tuple[float, float]
    figure: tuple[float, float]
    below: bool = False
    abreast: bool = False

    def places(self, counts: Sequence[int]) -> list[list[int]]:
        """Return the places of the panels of blocks, numbered from 1 row by row.

        Args:
            counts: the number of panels of each block.
        """
        found, row, taken = [], 0, 0
        for count in counts:
            start = taken if self.abreast else row * self.columns
            found.append([start + number + 1 for number in range(count)])
            row, taken = row + math.ceil(count / self.columns), taken + count
        return found


def lay_out(
    blocks: Sequence[list[list[Panel]]],
    painters: Sequence[Painter],
    columns: int | None,
    size: Size | None,
) -> Layout:
    """Arrange the panels of a figure.

    A block's panels have a colour bar of their own. Blocks of a single panel are side by side,
    others one below another.

    Args:
        blocks: the panels of each axes, of each block.
        painters: the painter that draws each block.
        columns: maximum number in a row; None for as many as fit the width.
        size: the figure's size; None for one that suits its panels.
    """
    painter, groups = painters[0], [group for block in blocks for group in block]
    abreast = len(blocks) > 1 and len(groups) == len(blocks)
    is_box = painter.projection is not None
    room = 0.0 if painter.overlay and size is not None else BAR_WIDTH
    if is_box or size is None:
        room *= text_scale()
    if columns is None:
        columns = MAX_COLUMNS
        if size is not None:
            least = MIN_PANEL_WIDTH + room if abreast else MIN_PANEL_WIDTH
            columns = max(1, min(columns, int((size.width - room * (not abreast)) / least)))
    columns = min(columns, len(groups) if abreast else max(map(len, blocks)))
    each = [len(groups)] if abreast else [len(block) for block in blocks]
    rows = sum(math.ceil(count / columns) for count in each)
    bars = columns if abreast else 1
    if size is None:
        width = text_scale() * (4.2 if columns == 1 else 3.5)
        whole = columns * width + bars * room
    else:
        width, whole = (size.width - bars * room) / columns, size.width
    fixed = None if size is None or size.height is None else size.height / rows
    below = is_box and width < NARROW * text_scale() and (fixed is None or fixed > whole / columns)
    if below:
        width = whole / columns
    heights = [_row_height(*pair, width) for pair in zip(blocks, painters, strict=True)]
    height = max(heights) if fixed is None else fixed
    return Layout(rows, columns, (width, height), (whole, rows * height), below, abreast)


def fit_height_to_lines(figure: Figure, rows: int) -> None:
    """Set the height of a figure of lines so that its axes have ``LINE_SHAPE``."""
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    box = figure.axes[0].get_position()
    figure.set_figheight(height + rows * (LINE_SHAPE * width * box.width - height * box.height))


def fit_height_to_boxes(figure: Figure, layout: Layout) -> None:
    """Set the height of a figure of 3-D boxes so that only their width limits their size."""
    boxes = [axes for axes in figure.axes if axes.name == "3d"]
    heavy = [artist for axes in boxes for artist in axes.collections]
    for artist in heavy:
        artist.set_visible(False)
    figure.set_figheight(figure.get_figheight() + layout.rows * layout.panel[0])
    figure.draw_without_rendering()
    for artist in heavy:
        artist.set_visible(True)
    canvas: Any = FigureCanvasAgg(figure)
    drawn: list[Any] = [axes.get_tightbbox(canvas.get_renderer()) for axes in figure.axes]
    heights = [box.height / figure.dpi for box in drawn]
    rows = [max(heights[i : i + layout.columns]) for i in range(0, len(boxes), layout.columns)]
    figure.set_figheight(sum(rows) + heights[-1] + ROW_GAP * (len(rows) + 1))


def make_room_for_legends(figure: Figure) -> None:
    """Add the height of the legends of each row to that of a figure of planes."""
    rows: dict[int, int] = {}
    for axes in figure.axes:
        if (legend := axes.get_legend()) is not None:
            row = axes.get_subplotspec().rowspan.start  # type: ignore[union-attr]
            lines = math.ceil(len(legend.get_texts()) / legend._ncols)  # type: ignore[attr-defined]
            rows[row] = max(lines, rows.get(row, 0))
    figure.set_figheight(figure.get_figheight() + pt(LEGEND_LINE) / 72 * sum(rows.values()))


def _row_height(groups: list[list[Panel]], painter: Painter, width: float) -> float:
    """Return the height of a row in inches, including titles and legends."""
    if painter.overlay:
        return 0.6 * width + 1.1 * text_scale()
    if painter.projection is not None:
        return BOX_SHAPE * width + AROUND_BOX * text_scale()
    shape = painter.shape or 0.8 * max(group[0].aspect for group in groups)
    return shape * width + 0.9 * text_scale()
