"""Line plots in characters: a curve for each split, in Braille dots or plain letters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from landscape_cli.plotting import style
from landscape_cli.plotting.annotations.marks import cell_edges, undrawable_points
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.terminal.colors import Cells, Depth, colored
from landscape_cli.plotting.terminal.frame import (
    BELOW,
    MARGIN,
    add_axes,
    format_number,
    printable,
)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ROWS_PER_TICK, MAX_TICKS = 4, 5
"""Minimum number of rows between ticks of the y axis, and maximum number of intervals there."""

LETTERS = "*+o#"
"""Characters of successive curves without colours."""

BRAILLE = 0x2800
"""Code point of the empty Braille character."""

DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Bit of each dot of a Braille character, by row and column."""

GREY = np.full(3, 0.5)
BRIGHTENING = 0.35
"""Fraction of white mixed into the colours of curves, as most terminals are dark."""


def curve_lines(
    panels: Sequence[Panel], scale: Scale, width: int, height: int, depth: Depth
) -> tuple[list[str], list[str]]:
    """Draw the panels of one surface as curves.

    Args:
        panels: the panels of a line.
        scale: their scale.
        width: available columns, including labels.
        height: available rows, including the x axis.
        depth: colour depth.

    Returns:
        The lines of the picture, and the entries of its legend.
    """
    columns = max(8, width - MARGIN - MARGIN // 2)
    rows = max(4, min(height - BELOW, columns // 3))
    bounds = cell_edges(panels[0].x) if len(panels[0].x) == 1 else panels[0].x[[0, -1]]
    picture, legend = Cells.blank(rows, columns), []
    ticks = [(0, format_number(bounds[0])), (columns - 1, format_number(bounds[-1]))]
    if bounds[0] < 0 < bounds[-1]:
        middle = min(columns - 1, int(-bounds[0] / (bounds[-1] - bounds[0]) * columns))
        ticks.append((middle, "0"))
        for row in range(rows):
            picture.put(row, middle, "|" if depth is Depth.PLAIN else "│", GREY)
    legend += _mark_missing(picture, panels[0], bounds, depth)
    for panel, (shade, _), letter in zip(panels, cycle(style.SERIES), cycle(LETTERS), strict=False):
        color = (1 - BRIGHTENING) * np.array(to_rgb(shade)) + BRIGHTENING
        _draw(picture, panel, scale, bounds, color, letter if depth is Depth.PLAIN else "")
        sample = letter if depth is Depth.PLAIN else "⠤⠤"
        legend.append(f"{colored(sample, color, depth)} {printable(panel.split)}")
        for mask, look in undrawable_points(panel, scale):
            for column in _columns(panel.whole.x[mask], bounds, columns):
                picture.put(0, column, "x", color)
            legend.append(f"x {printable(panel.split)} {look['label']}")
    return add_axes(picture.lines(depth), columns, _value_ticks(scale, rows), ticks, depth), legend


def _value_ticks(scale: Scale, rows: int) -> list[tuple[int, str]]:
    """Return the rows of a few round values, and their labels."""
    low, high = scale.ends
    most = int(np.clip(rows // ROWS_PER_TICK, 2, MAX_TICKS))
    own = scale.ticks()
    places = own[0] if own else np.asarray(style.ticks(most).tick_values(low, high)) + 0.0
    places = places[(low <= places) & (places <= high)]
    places = places[:: -(-len(places) // (most + 1))]
    found = [(rows - 1 - _row((at - low) / (high - low) * rows, rows), at) for at in places]
    return [(row, format_number(10.0**at if scale.log else float(at))) for row, at in found]


def _draw(
    picture: Cells, panel: Panel, scale: Scale, bounds: Floats, color: Floats, letter: str
) -> None:
    """Draw one curve with a letter, or with Braille dots if ``letter`` is empty."""
    rows, columns = picture.characters.shape
    high, wide = (1, 1) if letter else DOTS.shape
    dots = _curve(panel, scale, bounds, rows * high, columns * wide)
    if letter:
        for row, column in np.argwhere(dots).tolist():
            picture.put(row, column, letter, color)
        return
    blocks = dots.reshape(rows, high, columns, wide).transpose(0, 2, 1, 3)
    bits = (blocks * DOTS).sum(axis=(2, 3))
    for row, column in np.argwhere(bits).tolist():
        present = ord(picture.characters[row, column])
        both = bits[row, column] | (present - BRAILLE if present >= BRAILLE else 0)
        picture.put(row, column, chr(BRAILLE + both), color)


def _curve(panel: Panel, scale: Scale, bounds: Floats, rows: int, columns: int) -> Mask:
    """Return a mask (rows, columns) of the dots of a curve, joined from column to column."""
    values = scale.drawn(panel).filled(np.nan)
    low, high = scale.ends
    heights = (values - low) / (high - low) * rows
    dots = np.zeros((rows, columns), bool)
    x = bounds[0] + (np.arange(columns) + 0.5) / columns * (bounds[-1] - bounds[0])
    curve = np.interp(x, panel.x, heights) if len(panel.x) > 1 else np.full(columns, heights[0])
    for column, height in zip(_columns(panel.x, bounds, columns), heights, strict=True):
        curve[column] = height if np.isnan(curve[column]) else curve[column]
    last = np.nan
    for column, height in enumerate(curve):
        if np.isfinite(height) and (0 <= height <= rows or 0 <= last <= rows):
            start = height if np.isnan(last) else last
            bottom, top = sorted((_row(start, rows), _row(height, rows)))
            dots[rows - 1 - top : rows - bottom, column] = True
        last = height
    return dots


def _row(height: float, rows: int) -> int:
    return int(np.clip(np.floor(height), 0, rows - 1))


def _columns(x: Floats, bounds: Floats, columns: int) -> list[int]:
    """Return the columns in which coordinates lie."""
    places = (x - bounds[0]) / (bounds[-1] - bounds[0]) * columns
    return [int(place) for place in np.clip(places, 0, columns - 1)]


def _mark_missing(picture: Cells, panel: Panel, bounds: Floats, depth: Depth) -> list[str]:
    """Hatch the lowest row where points are not computed."""
    if not panel.missing.any():
        return []
    character = "/" if depth is Depth.PLAIN else "░"
    rows, columns = picture.characters.shape
    x = bounds[0] + (np.arange(columns) + 0.5) / columns * (bounds[-1] - bounds[0])
    nearest = np.clip(np.digitize(x, cell_edges(panel.x)) - 1, 0, len(panel.x) - 1)
    for column in np.flatnonzero(panel.missing[nearest]).tolist():
        picture.put(rows - 1, column, character, GREY)
    return [f"{character} not computed ({int(panel.missing.sum())})"]
