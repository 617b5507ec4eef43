"""A plane in characters: bands of colour, contour lines, or a cell for each point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from landscape_cli.plotting.annotations.marks import absent, cells
from landscape_cli.plotting.annotations.overlay import checkpoints_of, path_of
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import colormap
from landscape_cli.plotting.terminal.colors import Cells, Depth
from landscape_cli.plotting.terminal.frame import BELOW, MARGIN, fitting, framed, number, plain
from landscape_cli.plotting.text import labels

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RAMP = ".:-=+*o#%@"
"""From low to high where there are no colours."""

GREY = np.full(3, 0.45)
CENTRE = {Depth.PLAIN: "O", Depth.FEW: "◎", Depth.FULL: "◎"}
MISSING = {Depth.PLAIN: "/", Depth.FEW: "░", Depth.FULL: "░"}
PATH = {Depth.PLAIN: tuple("osLC"), Depth.FEW: tuple("•■★◆"), Depth.FULL: tuple("•■★◆")}
"""A checkpoint of a path, the first, the last, and one that the plane goes through."""


def plane_lines(
    panel: Panel, scale: Scale, kind: str, width: int, height: int, depth: Depth
) -> tuple[list[str], list[str]]:
    """Draw a plane.

    Args:
        panel: a plane.
        scale: its scale.
        kind: ``contourf``, ``contour`` or ``heatmap``.
        width: the columns there are, labels included.
        height: the rows there are, those of the x axis included.
        depth: how much colour there is.

    Returns:
        The lines of the picture, and what its characters mean.
    """
    rows, columns = fitting(panel.aspect, width - MARGIN - MARGIN // 2, height - BELOW)
    x, y = _extent(panel, "x"), _extent(panel, "y")
    pixels = rows if depth is Depth.PLAIN else 2 * rows
    values, missing = _sample(panel, scale, kind, _middles(x, columns), _middles(y, pixels)[::-1])
    picture = _paint(values, scale, kind, depth)
    words = _mark_missing(picture, missing, panel, depth)
    for where, character, word in _marks(panel, scale, depth):
        words.append(f"{character} {word}")
        for place in where:
            column, row = _cell(place[0], x, columns), rows - 1 - _cell(place[1], y, rows)
            if 0 <= column < columns and 0 <= row < rows:
                picture.put(row, column, character)
    row_labels = [(0, number(y[1])), (rows - 1, number(y[0]))]
    tick_labels = [(0, number(x[0])), (columns - 1, number(x[1]))]
    if x[0] < 0 < x[1]:
        tick_labels.append((_cell(0, x, columns), "0"))
    if y[0] < 0 < y[1]:
        row_labels.append((rows - 1 - _cell(0, y, rows), "0"))
    return framed(picture.lines(depth), columns, row_labels, tick_labels, depth), words


def bar(scale: Scale, kind: str, columns: int, depth: Depth) -> str:
    """The colours or characters of values from the lowest to the highest."""
    values = np.linspace(*scale.ends, columns)[None]
    cells_ = _paint(values, scale, "heatmap" if kind == "contour" else kind, Depth.PLAIN)
    if depth is not Depth.PLAIN:
        cells_.characters[:] = "█"
        cells_.front[:] = _colors(values, scale, kind)
    return cells_.lines(depth)[0]


def _extent(panel: Panel, name: str) -> tuple[float, float]:
    """From where to where an axis goes; around a single point, a step of 1."""
    axis = panel.surface.grid.axes[name]
    if axis.points == 1:
        return axis.low - 0.5, axis.high + 0.5
    return axis.low, axis.high


def _middles(extent: tuple[float, float], count: int) -> Floats:
    low, high = extent
    return low + (np.arange(count) + 0.5) / count * (high - low)


def _cell(value: float, extent: tuple[float, float], count: int) -> int:
    """In which of the cells between two ends a value lies; -1 if in none."""
    low, high = extent
    if not low <= value <= high:
        return -1
    return min(count - 1, int((value - low) / (high - low) * count))


def _sample(panel: Panel, scale: Scale, kind: str, x: Floats, y: Floats) -> tuple[Floats, Mask]:
    """The values as drawn at (len(y), len(x)) places, NaN where there are none, and which miss.

    A place has no value if its nearest point has none; else it is interpolated, but for a heat map.
    """
    row = np.clip(np.digitize(y, cells(panel.y, panel.whole.y)) - 1, 0, len(panel.y) - 1)
    column = np.clip(np.digitize(x, cells(panel.x, panel.whole.x)) - 1, 0, len(panel.x) - 1)
    drawn = scale.drawn(panel).filled(np.nan)
    values = drawn[np.ix_(row, column)]
    if kind != "heatmap" and min(drawn.shape) >= 2:
        between = RegularGridInterpolator(
            (panel.y, panel.x), drawn, bounds_error=False, fill_value=np.nan
        )
        smooth = between(np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1))
        values = np.where(np.isnan(smooth) | np.isnan(values), values, smooth)
    return np.clip(values, *scale.ends), panel.missing[np.ix_(row, column)]


def _paint(values: Floats, scale: Scale, kind: str, depth: Depth) -> Cells:
    """Cells with the colours of values, two rows of them in one of characters, or with the ramp."""
    if kind == "contour":
        values = np.where(_on_lines(values, scale), values, np.nan)
    known = np.isfinite(values)
    if depth is Depth.PLAIN:
        picture = Cells.blank(*values.shape)
        place = np.where(known, scale.norm(values), 0)
        steps = np.clip(np.floor(place * len(RAMP)), 0, len(RAMP) - 1).astype(int)
        picture.characters[:] = np.where(known, np.array(list(RAMP))[steps], " ")
        return picture
    colors = np.where(known[..., None], _colors(values, scale, kind), np.nan)
    picture = Cells.blank(len(values) // 2, values.shape[1])
    upper, lower = colors[::2], colors[1::2]
    below = known[1::2] & ~known[::2]
    picture.characters[known[::2]] = "▀"
    picture.characters[below] = "▄"
    picture.front[:] = np.where(below[..., None], lower, upper)
    picture.back[:] = np.where(below[..., None], np.nan, lower)
    return picture


def _colors(values: Floats, scale: Scale, kind: str) -> Floats:
    """The colours of values: those of their bands, or for a heat map their own."""
    if kind == "contourf":
        edges = scale.bands()
        middles = (edges[:-1] + edges[1:]) / 2
        values = middles[np.digitize(values, edges[1:-1])]
    found: Floats = np.asarray(colormap()(scale.norm(values)))[..., :3]
    return found


def _on_lines(values: Floats, scale: Scale) -> Mask:
    """Which places lie beside a contour line."""
    band = np.digitize(values, scale.lines())
    on = np.zeros(values.shape, bool)
    on[:-1] |= band[:-1] != band[1:]
    on[:, :-1] |= band[:, :-1] != band[:, 1:]
    known: Mask = np.isfinite(values)
    return on & known


def _mark_missing(picture: Cells, missing: Mask, panel: Panel, depth: Depth) -> list[str]:
    """Hatch what is not computed."""
    if not missing.any():
        return []
    character = MISSING[depth]
    hatched = missing if depth is Depth.PLAIN else missing[::2] & missing[1::2]
    for row, column in np.argwhere(hatched).tolist():
        picture.put(row, column, character, GREY)
    return [f"{character} not computed ({labels.count(int(panel.missing.sum()))})"]


def _marks(panel: Panel, scale: Scale, depth: Depth) -> Iterator[tuple[Floats, str, str]]:
    """Places (n, 2) to be marked, the character, and what it means; the last one lies on top."""
    path, whole = path_of(panel), panel.whole
    step, first, last, checkpoint = PATH[depth]
    if path is not None:
        places = path.coordinates
        yield places, step, f"{len(places)} checkpoints"
        yield places[:1], first, "first"
        yield places[-1:], last, "last"
    if checkpoints := checkpoints_of(panel):
        named = plain(", ".join(marker.label for marker in checkpoints))
        yield np.array([m.coordinates[:2] for m in checkpoints]), checkpoint, named
    for (mask, look), character in zip(absent(panel, scale), "x!", strict=False):
        rows, columns = np.nonzero(mask)
        yield np.column_stack([whole.x[columns], whole.y[rows]]), character, look["label"]
    axes = panel.surface.grid.axes.values()
    if all(axis.low <= 0 <= axis.high for axis in axes) and path is None:
        yield np.zeros((1, 2)), CENTRE[depth], "centre"
