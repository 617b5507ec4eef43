"""Set the places of panels, colour bars and texts whose room is measured."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.gridspec import GridSpec

from landscape_cli.plotting.layout.bar import BAR_LENGTH, THICKNESS, gap
from landscape_cli.plotting.layout.rooms import Rooms
from landscape_cli.plotting.layout.sheet import MARGIN, SPACE
from landscape_cli.plotting.style import text_scale


def place_all(rooms: Rooms) -> None:
    """Set the figure's size and the places of everything in it."""
    sheet, total = rooms.sheet, rooms.up
    height = rooms.height or total
    sheet.figure.set_size_inches(rooms.width, height)
    lefts, bottoms = _lefts(rooms), _bottoms(rooms, height)
    grid, heights = GridSpec(rooms.rows, rooms.columns, sheet.figure), rooms.heights
    for (row, column), cell in zip(rooms.places, sheet.cells, strict=True):
        cell.axes.set_subplotspec(grid[row, column])
        own = rooms.own_height(cell)
        cell.place(lefts[column], bottoms[row] + heights[row] - own, rooms.axes_width, own)
    start = lefts[0] - rooms.left[0]
    end = lefts[-1] + rooms.axes_width + rooms.right[-1]
    if rooms.below:
        _place_below(rooms, start, end, bottoms[-1] - rooms.bottom[-1])
    else:
        _place_beside(rooms, lefts, bottoms)
    sheet.place_texts((start + end) / 2)


def _lefts(rooms: Rooms) -> list[float]:
    """Return the left ends of the axes of each column."""
    space = rooms.space
    at, found = rooms.spare / 2 + MARGIN, []
    for left, right in zip(rooms.left, rooms.right, strict=True):
        found.append(at + left)
        at = found[-1] + rooms.axes_width + right + rooms.beside + space
    return found


def _bottoms(rooms: Rooms, height: float) -> list[float]:
    """Return the lower ends of the axes of each row."""
    spare = max(0.0, height - rooms.up) / 2
    at, found = height - MARGIN - rooms.above - spare, []
    for top, own, bottom in zip(rooms.top, rooms.heights, rooms.bottom, strict=True):
        found.append(at - top - own)
        at = found[-1] - bottom - SPACE
    return found


def _place_below(rooms: Rooms, start: float, end: float, under: float) -> None:
    """Place colour bars one below the other, in the middle of the panels."""
    length = BAR_LENGTH * (end - start)
    for bar in rooms.bars:
        bar.breadth(True, length, rooms.sheet.ruler)
        left = start + (end - start - length) / 2
        bar.place(True, left, under - gap() - THICKNESS * text_scale(), length)
        under -= rooms.bar


def _place_beside(rooms: Rooms, lefts: Sequence[float], bottoms: Sequence[float]) -> None:
    """Place each colour bar right of its panels."""
    sheet, heights, first = rooms.sheet, rooms.heights, 0
    for block in sheet.blocks:
        own = range(first, first + len(block.cells))
        first += len(block.cells)
        if block.bar is None:
            continue
        rows = [rooms.places[number][0] for number in own]
        column = rooms.places[own[-1]][1] if sheet.abreast else rooms.columns - 1
        low, high = bottoms[max(rows)], bottoms[min(rows)] + heights[min(rows)]
        if sheet.cells[0].spatial:
            low -= rooms.bottom[max(rows)]
            high += max(rooms.bare[number].top for number in own)
            spare = (1 - BAR_LENGTH) / 2 * (high - low)
            low, high = low + spare, high - spare
        block.bar.breadth(False, high - low, sheet.ruler)
        left = lefts[column] + rooms.axes_width + rooms.right[column] + gap()
        block.bar.place(False, left, low, high - low)
