"""Where the panels of a figure stand, and how much room they get."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import enlarged
from landscape_cli.plotting.text.captions import AROUND_BOX, BOX_SHAPE, NARROW

MOST_COLUMNS = 4
BAR = 0.9
"""The width of the colour bar with its labels, in inches."""

NARROWEST = 1.9
"""A panel is at least so wide in a figure of a given width, in inches."""

GAP = 0.1
"""What is left between rows of boxes, in inches."""

LINE_SHAPE = 0.6
"""Height to width of the axes of lines."""


@dataclass(frozen=True)
class Layout:
    """Where panels stand.

    Args:
        rows: how many below each other.
        columns: how many beside each other.
        panel: about the width and the height of one with its labels, in inches.
        figure: the size of all, in inches.
        below: whether the colour bar lies below all panels rather than at their right.
    """

    rows: int
    columns: int
    panel: tuple[float, float]
    figure: tuple[float, float]
    below: bool = False


def lay_out(
    groups: list[list[Panel]], painter: Painter, columns: int | None, size: Size | None
) -> Layout:
    """Where the panels of a figure stand.

    Args:
        groups: the panels of each axes.
        painter: what draws them.
        columns: how many stand in a row, at most; what the width allows if None.
        size: the figure's; what suits its panels if None.
    """
    is_box = painter.projection is not None
    room = 0.0 if painter.overlay and size is not None else BAR
    if is_box or size is None:
        room *= enlarged()
    if columns is None:
        columns = MOST_COLUMNS
        if size is not None:
            columns = max(1, min(columns, int((size.width - room) / NARROWEST)))
    columns = min(len(groups), columns)
    rows = math.ceil(len(groups) / columns)
    if size is None:
        width = enlarged() * (4.2 if columns == 1 else 3.5)
        whole = columns * width + room
    else:
        width, whole = (size.width - room) / columns, size.width
    fixed = None if size is None or size.height is None else size.height / rows
    below = is_box and width < NARROW * enlarged() and (fixed is None or fixed > whole / columns)
    if below:
        width = whole / columns
    height = _height(groups, painter, width) if fixed is None else fixed
    return Layout(rows, columns, (width, height), (whole, rows * height), below)


def give_height(figure: Figure, rows: int) -> None:
    """Make a figure of lines so high that its axes have their shape, whatever is around them."""
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    box = figure.axes[0].get_position()
    figure.set_figheight(height + rows * (LINE_SHAPE * width * box.width - height * box.height))


def pack(figure: Figure, layout: Layout) -> None:
    """Make a figure of boxes so high that their width alone limits their size."""
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
    figure.set_figheight(sum(rows) + heights[-1] + GAP * (len(rows) + 1))


def _height(groups: list[list[Panel]], painter: Painter, width: float) -> float:
    """The height of a row in inches, titles and legends included."""
    if painter.overlay:
        return 0.6 * width + 1.1 * enlarged()
    if painter.projection is not None:
        return BOX_SHAPE * width + AROUND_BOX * enlarged()
    shape = painter.shape or 0.8 * max(group[0].aspect for group in groups)
    return shape * width + 0.9 * enlarged()
