"""Axes, labels and legends around a picture made of characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from landscape_cli.errors import one_line
from landscape_cli.plotting.terminal.colors import Depth

MARGIN = 9
"""Columns to the left of a picture, for its y axis."""

BELOW = 2
"""Rows below a picture, for its x axis."""

MIN_COLUMNS = 8
"""Minimum number of columns of a picture, and twice the minimum number of rows."""

EDGES = {False: tuple("┤│└─┴"), True: tuple("+|+-+")}
"""Tick and line on the left, corner, line and tick below; keyed by whether they are plain."""


def fit_size(aspect: float, columns: int, rows: int) -> tuple[int, int]:
    """Return the rows and columns of the largest picture with a ratio of height to width.

    A character is twice as high as wide.
    """
    columns, rows = max(columns, MIN_COLUMNS), max(rows, MIN_COLUMNS // 2)
    wanted = max(1, round(columns * aspect / 2))
    if wanted <= rows:
        return wanted, columns
    return rows, max(MIN_COLUMNS, min(columns, round(2 * rows / aspect)))


def fit_height(
    draw: Callable[[int], list[str]], height: int, least: int, panels: int = 1
) -> list[str]:
    """Draw panels one below another as high as fits, with everything around them.

    Args:
        draw: draws all lines, given the rows of a panel.
        height: lines available.
        least: minimum number of rows of a panel; with fewer lines available, more are used.
        panels: number of panels.
    """
    rows = max(least, height // panels)
    lines = draw(rows)
    while len(lines) > height and rows > least:
        rows = max(least, rows + (height - len(lines)) // panels)
        lines = draw(rows)
    return lines


def add_axes(
    lines: Sequence[str],
    columns: int,
    rows: Sequence[tuple[int, str]],
    ticks: Sequence[tuple[int, str]],
    depth: Depth,
) -> list[str]:
    """Add axes to the left of and below a picture.

    Args:
        lines: lines of the picture.
        columns: their width on the screen.
        rows: numbers and labels of labelled rows.
        ticks: numbers and labels of labelled columns.
        depth: colour depth; axes use plain characters if it is plain.
    """
    tick, left, corner, bottom, mark = EDGES[depth is Depth.PLAIN]
    row_labels = dict(rows)
    width = MARGIN - 1
    out = [
        f"{row_labels.get(row, '')[:width]:>{width}}{tick if row in row_labels else left}{line}"
        for row, line in enumerate(lines)
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


def printable(text: str) -> str:
    """Escape a terminal's control characters in a label."""
    return one_line(text)


def format_number(value: float) -> str:
    """Format a number with four significant digits."""
    return f"{value:.4g}"


def truncate(text: str, width: int) -> str:
    """Shorten a text to at most ``width`` characters."""
    return text if len(text) <= width else (text[: max(0, width - 3)] + "...")[:width]


def wrap_legend(parts: Sequence[str], width: int) -> list[str]:
    """Put the parts of a legend into as few lines as possible."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += f"   {part}"
        else:
            lines.append(part)
    return [truncate(line, width) for line in lines]
