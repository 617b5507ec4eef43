"""What stands around a picture of characters: ticks, titles, legends."""

from __future__ import annotations

from collections.abc import Sequence

from landscape_cli.errors import one_line
from landscape_cli.plotting.terminal.colors import Depth

MARGIN = 9
"""Columns left of a picture, for the labels of its rows."""

BELOW = 2
"""Rows below a picture, for its x axis."""

LEAST = 8
"""The least columns of a picture, and twice its least rows."""

EDGES = {False: tuple("┤│└─┴"), True: tuple("+|+-+")}
"""A tick, the left edge, the corner, the lower edge, a tick in it; for blocks and in plain."""


def fitting(aspect: float, columns: int, rows: int) -> tuple[int, int]:
    """Rows and columns of a picture, of those there are, for a ratio of height to width.

    A character is twice as high as wide.
    """
    columns, rows = max(columns, LEAST), max(rows, LEAST // 2)
    wanted = max(1, round(columns * aspect / 2))
    if wanted <= rows:
        return wanted, columns
    return rows, max(LEAST, min(columns, round(2 * rows / aspect)))


def framed(
    lines: Sequence[str],
    columns: int,
    rows: Sequence[tuple[int, str]],
    ticks: Sequence[tuple[int, str]],
    depth: Depth,
) -> list[str]:
    """Put an axis left of and below a picture.

    Args:
        lines: the picture's.
        columns: how wide they are on the screen.
        rows: the number and the label of the rows that have one.
        ticks: the same of columns.
        depth: whether plain characters are asked for.
    """
    tick, left, corner, bottom, mark = EDGES[depth is Depth.PLAIN]
    named = dict(rows)
    width = MARGIN - 1
    out = [
        f"{named.get(number, '')[:width]:>{width}}{tick if number in named else left}{line}"
        for number, line in enumerate(lines)
    ]
    edge, texts = [bottom] * columns, [" "] * (MARGIN + columns + width)
    end = 0
    for column, text in sorted(ticks):
        edge[column] = mark
        start = max(0, MARGIN + column - len(text) // 2)
        if start >= end:
            texts[start : start + len(text)] = list(text)
            end = start + len(text) + 1
    return [*out, " " * width + corner + "".join(edge), "".join(texts).rstrip()]


def plain(text: str) -> str:
    """A label without matplotlib's escapes, and without what a terminal would obey."""
    return one_line(text.replace(r"\$", "$"))


def number(value: float) -> str:
    """A number of few digits."""
    return f"{value:.4g}"


def cut(text: str, width: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= width else (text[: max(0, width - 3)] + "...")[:width]


def filled(parts: Sequence[str], width: int) -> list[str]:
    """Parts of a legend in as few lines as hold them."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += f"   {part}"
        else:
            lines.append(part)
    return [cut(line, width) for line in lines]
