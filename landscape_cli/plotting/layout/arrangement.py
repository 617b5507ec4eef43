"""Find the size of panels at which everything fits a figure, by measuring what is around them."""

from __future__ import annotations

from typing import NamedTuple

from landscape_cli.plotting.layout.bar import THICKNESS, gap
from landscape_cli.plotting.layout.placing import place_all
from landscape_cli.plotting.layout.rooms import Rooms
from landscape_cli.plotting.layout.sharing import share_labels
from landscape_cli.plotting.layout.sheet import MARGIN, SPACE, Sheet
from landscape_cli.plotting.style import text_scale

LEAST, LEAST_SPATIAL = 0.8, 1.0
"""Least width or height of axes, and least width of a 3-D box, in inches."""

LOWER = 0.7
"""Least height of flat axes in least widths."""

HOPELESS = 0.6
"""Width of panels in least widths below which no more is measured."""

FLATTEST, HIGHEST = 0.3, 1.25
"""Bounds on height over width of axes without a shape of their own, in a figure of given size."""

SHARE, TALLER, TALLEST = 0.6, 1.15, 1.6
"""Part of a figure below which axes without a shape of their own become taller, the factor of a
step, and its bound."""

ROUNDS, STEADY = 8, 4
"""Number of times that all is measured, and of those after which panels only become smaller.

What texts take depends on the size of panels, as ticks and lines are as many as have room."""

CLOSE = 0.006
"""Change of a size in inches below which it counts as found."""

TOLERANCE = 0.01
"""Distance in inches by which content may exceed a given size."""

TITLE_LINES = 4
"""Largest number of lines of a panel's title."""

PROBABLE_LABELS, PROBABLE_BAR = 0.35, 0.45
"""Widths in inches of labels beside axes, and of a colour bar, before they are measured."""


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

    Nothing is placed if it does not fit.

    Args:
        sheet: the content.
        columns: number of panels in a row.
        below: whether the colour bar is below the panels instead of to their right.
        width: the figure's width in inches.
        height: its height in inches.
    """
    sheet.last = ()
    rooms = Rooms(sheet, sheet.places(columns), below, (width, height))
    if _is_too_small(rooms):
        return Plan(False, 0.0, height or width)
    sheet.figure.set_size_inches(width, height or width)
    share_labels(sheet.cells, rooms.places)
    plan = _solve(rooms)
    while plan.fits and height is None and rooms.share < SHARE and rooms.taller < TALLEST:
        rooms.taller *= TALLER
        plan = _solve(rooms)
    if plan.fits:
        place_all(rooms)
        sheet.last = columns, below, width, height
    return plan


def _least(sheet: Sheet) -> float:
    """Return the least width of panels, which grows less than the size of texts."""
    spatial = any(cell.spatial for cell in sheet.cells)
    return float(text_scale() ** 0.25) * (LEAST_SPATIAL if spatial else LEAST)


def _is_too_small(rooms: Rooms) -> bool:
    """Return whether a figure has no room for panels and texts, before ticks are measured."""
    sheet, least = rooms.sheet, _least(rooms.sheet)
    bar = gap() + THICKNESS * text_scale() if rooms.bars else 0.0
    beside = 0.0 if rooms.below else bar * (rooms.columns if sheet.abreast else 1)
    inner = rooms.columns * (least + SPACE) - SPACE + beside
    if 2 * MARGIN + inner > rooms.width:
        return True
    if rooms.height is None:
        return False
    high = max(sheet.least_height, least * (1 - LOWER if sheet.cells[0].spatial else LOWER))
    inner = rooms.rows * (high + SPACE) - SPACE + bar * rooms.below
    return 2 * MARGIN + inner + sum(sheet.write_texts(rooms.width)) > rooms.height


def _solve(rooms: Rooms) -> Plan:
    """Measure for better and better sizes of the panels."""
    sheet, least = rooms.sheet, _least(rooms.sheet)
    bars = PROBABLE_BAR * text_scale() + gap() if rooms.bars and not rooms.below else 0.0
    own = (rooms.width - (rooms.columns if sheet.abreast else 1) * bars) / rooms.columns
    width = max(own - PROBABLE_LABELS * text_scale(), least)
    height = _height_for(rooms, width)
    for number in range(ROUNDS):
        clear = rooms.measure(width, height)
        slopes = sheet.cells[0].content()
        better = _better(rooms, slopes)
        if number >= STEADY:
            better = min(width, better[0]), min(height, better[1])
        if max(abs(better[0] - width), abs(better[1] - height)) < CLOSE:
            break
        shown = rooms.content_width + slopes[0] * (better[0] - width)
        if shown < HOPELESS * least:
            return Plan(False, shown, rooms.height or rooms.width)
        width, height = max(0.2, better[0]), max(0.15, better[1])
    return Plan(clear and _fits(rooms, least), rooms.content_width, rooms.up)


def _height_for(rooms: Rooms, width: float) -> float:
    """Return the height of the highest axes."""
    sheet = rooms.sheet
    shapes = [cell.shape or rooms.taller * sheet.shape for cell in sheet.cells]
    return max(sheet.least_height, max(shapes) * width)


def _better(rooms: Rooms, slopes: tuple[float, float]) -> tuple[float, float]:
    """Return better sizes of the axes, given the room around them.

    Args:
        rooms: the room.
        slopes: by how much the content grows with the width and height of the axes.
    """
    width = rooms.axes_width + (rooms.width - rooms.across) / rooms.columns / slopes[0]
    if rooms.height is None:
        return width, _height_for(rooms, width)
    free = (rooms.height - rooms.up) / rooms.rows / slopes[1]
    shapes = [cell.shape for cell in rooms.sheet.cells if cell.shape is not None]
    if shapes:
        width = min(width, rooms.axes_width + free / max(shapes))
        return width, max(shapes) * width
    free += max(rooms.heights)
    return width, min(min(max(free, FLATTEST * width), HIGHEST * width), free)


def _fits(rooms: Rooms, least: float) -> bool:
    """Return whether panels are large enough, and everything is within the figure."""
    sheet, height = rooms.sheet, rooms.axes_height
    flat = not sheet.cells[0].spatial
    if rooms.content_width < least or (flat and height < LOWER * least):
        return False
    if height < sheet.least_height or rooms.across > rooms.width + TOLERANCE:
        return False
    if rooms.height is not None and rooms.up > rooms.height + TOLERANCE:
        return False
    titles = [str(cell.axes.get_title()) for cell in sheet.cells]
    return max(title.count("\n") for title in titles) < TITLE_LINES
