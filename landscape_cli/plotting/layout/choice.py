"""Choose the number of columns and the size of a figure, or refuse a size that is too small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure_size import WIDTHS, Size
from landscape_cli.plotting.layout.arrangement import Plan, place
from landscape_cli.plotting.layout.bar import Bar
from landscape_cli.plotting.layout.sheet import Sheet
from landscape_cli.plotting.layout.tick_labels import write_plainly
from landscape_cli.plotting.style import text_scale

MAX_COLUMNS = 4
"""Maximum number of panels in a row unless the user asks for more."""

ALONE, BESIDE, BAR_WIDTH = 4.2, 3.5, 0.9
"""Width of a single panel, of one among several, and of a colour bar, in inches."""

COMFORTABLE, COMFORTABLE_SPATIAL = 1.6, 3.0
"""Width of axes, and of a 3-D box, from which on more panels in a row are preferred, in inches."""

PRINTED, NARROWEST = 7.1, 2.2
"""Width of a figure of several panels that state their own, at which its text has its size on a
page, and least width of each in inches."""

PAGE = 9.3
"""Height of a printed page in inches."""

GROWTH, LARGEST_FACTOR, HALVINGS = 1.4, 40.0, 4
"""Factor by which a size grows until it fits, its bound, and how often the last step is halved."""

SMALL_GROWTH, WIDEST = 1.1, 100.0
"""Factor by which the width of a figure of no given size grows, and its bound in inches."""

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
"""Numbers in words."""


class _Choice(NamedTuple):
    columns: int
    below: bool


class Draft(NamedTuple):
    """The probable number of columns, and width of a panel with its labels in inches."""

    columns: int
    width: float


def draft_of(counts: Sequence[int], columns: int | None, size: Size | None) -> Draft:
    """Return what the arrangement will probably be, for drawing panels before they are measured.

    Args:
        counts: number of panels of each block.
        columns: as of ``arrange``.
        size: as of ``arrange``.
    """
    abreast = len(counts) > 1 and max(counts) == 1
    longest = len(counts) if abreast else max(counts)
    across = rows_and_columns(longest, columns)[0]
    if size is None:
        return Draft(across, text_scale() * (ALONE if across == 1 else BESIDE))
    if columns is None:
        fitting = [
            number
            for number in rows_and_columns(longest, None)
            if (size.width - BAR_WIDTH) / number > COMFORTABLE * text_scale()
        ]
        across = max(fitting, default=1)
    return Draft(across, size.width / across)


def rows_and_columns(count: int, columns: int | None) -> list[int]:
    """Return numbers of panels in a row, the largest first, each with another number of rows."""
    if columns is not None:
        return [min(columns, count)]
    found: dict[int, int] = {}
    for number in range(min(MAX_COLUMNS, count), 0, -1):
        found[math.ceil(count / number)] = number  # the smallest number with these rows
    return list(found.values())


def arrange(
    sheet: Sheet, columns: int | None, size: Size | None, width: float | None = None
) -> None:
    """Arrange a sheet in the best way, and set the size of its figure.

    Args:
        sheet: the content.
        columns: maximum number of panels in a row; None for as many as suit the size.
        size: the size; None for one that suits the panels.
        width: width of a panel if there is no size, in inches at the base font size.

    Raises:
        UsageError: if the size is too small for the panels, with the smallest that is not.
    """
    for axes in sheet.figure.axes:
        write_plainly(axes)
    if size is None:
        _arrange_freely(sheet, columns, width)
    else:
        choice = _best(sheet, columns, size)
        if choice is None:
            raise _refusal(sheet, columns, size)
        if sheet.last != (*choice, size.width, size.height):
            place(sheet, *choice, size.width, size.height)
    for block in sheet.blocks:
        if isinstance(block.bar, Bar):
            block.bar.drop_hidden()


def _arrange_freely(sheet: Sheet, columns: int | None, width: float | None) -> None:
    """Arrange a sheet in a figure of a size that suits it."""
    across = _candidates(sheet, columns)[0]
    if width is not None and columns is None:
        across = next(n for n in _candidates(sheet, None) if n == 1 or PRINTED / n >= NARROWEST)
        width = min(width, PRINTED / across)
    each = width or (ALONE if across == 1 else BESIDE)
    bars = [block.bar for block in sheet.blocks if block.bar is not None]
    count = (across if sheet.abreast else 1) if bars else 0
    whole = text_scale() * (across * each + count * BAR_WIDTH)
    while not place(sheet, across, False, whole).fits and whole < WIDEST:
        whole *= SMALL_GROWTH


def _candidates(sheet: Sheet, columns: int | None) -> list[int]:
    """Return numbers of panels in a row, the largest first, each with another number of rows."""
    longest = len(sheet.cells) if sheet.abreast else max(len(b.cells) for b in sheet.blocks)
    return rows_and_columns(longest, columns)


def _best(sheet: Sheet, columns: int | None, size: Size) -> _Choice | None:
    """Return the best arrangement that fits a size, None if there is none."""
    spatial = any(cell.spatial for cell in sheet.cells)
    comfortable = text_scale() * (COMFORTABLE_SPATIAL if spatial else COMFORTABLE)
    has_bar = any(block.bar is not None for block in sheet.blocks) and not sheet.abreast
    found: list[tuple[_Choice, Plan]] = []
    for across in _candidates(sheet, columns):
        for below in (False, True) if has_bar else (False,):
            choice = _Choice(across, below)
            plan = place(sheet, *choice, size.width, size.height)
            if not plan.fits:
                continue
            found.append((choice, plan))
            if size.height is None and plan.width >= comfortable and plan.height <= PAGE:
                return choice
    if not found:
        return None
    if size.height is not None:
        return max(found, key=lambda pair: pair[1].width)[0]
    printable = [pair for pair in found if pair[1].height <= PAGE]
    if printable:
        return max(printable, key=lambda pair: pair[1].width)[0]
    return min(found, key=lambda pair: pair[1].height)[0]


def _refusal(sheet: Sheet, columns: int | None, size: Size) -> UsageError:
    """Return the error that a size is too small, with one that is not."""
    count = len(sheet.cells)
    number = NUMBERS[count] if count < len(NUMBERS) else str(count)
    many = f"{number} panel{'s' * (count != 1)} need{'s' * (count == 1)}"
    rounded = _smallest(sheet, columns, size)
    fewer = "draw fewer" if count > 1 else "use a smaller --font-size"
    if rounded.height is None:
        names = {value: key for key, value in WIDTHS.items()}
        asked = names.get(size.width, f"{size.width:.3g} inches wide")
        return UsageError(
            f"--size {asked}: {many} a width of {rounded.width:g} inches; {fewer}, or choose both "
            f"width and height"
        )
    asked, least = f"{size.width:.3g}x{size.height:.3g}", f"{rounded.width:g}x{rounded.height:g}"
    return UsageError(f"--size {asked}: {many} at least {least}; {fewer}, or leave --size out")


def _smallest(sheet: Sheet, columns: int | None, size: Size) -> Size:
    """Return the smallest size of the same shape that fits, found by trying."""
    low, high = 1.0, GROWTH
    while high < LARGEST_FACTOR and _best(sheet, columns, _times(size, high)) is None:
        low, high = high, high * GROWTH
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _best(sheet, columns, _times(size, middle)) is None:
            low = middle
        else:
            high = middle
    return _times(size, high)


def _times(size: Size, factor: float) -> Size:
    """Return a size times a factor, rounded up to tenths of inches."""
    height = None if size.height is None else _up(factor * size.height)
    return Size(_up(factor * size.width), height)


def _up(inches: float) -> float:
    return math.ceil(10 * inches - 1e-6) / 10
