"""Planes in characters: colour bands, contour lines, or a cell for each point."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from landscape_cli.plotting.annotations.curve import (
    STRAIGHT,
    bend_label,
    curve_label,
    lines_of,
)
from landscape_cli.plotting.annotations.marks import (
    cell_edges,
    contains_centre,
    undrawable_points,
)
from landscape_cli.plotting.annotations.overlay import checkpoints_of, curve_of, paths_of
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import beyond_look
from landscape_cli.plotting.terminal.colors import Cells, Depth
from landscape_cli.plotting.terminal.frame import (
    BELOW,
    MARGIN,
    add_axes,
    fit_size,
    format_number,
    printable,
)
from landscape_cli.plotting.text import labels

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RAMP = ".:-=+*o#%@"
"""Characters from low to high values, without colours."""

GREY = np.full(3, 0.45)
BEYOND = {False: "_", True: "^"}
"""Characters of values below and above the limits."""

SLIVER = 1e-9
"""Distance beyond a limit, as a fraction of the range, that is due to rounding."""

CENTRE = {Depth.PLAIN: "O", Depth.FEW: "◎", Depth.FULL: "◎"}
MISSING = {Depth.PLAIN: "/", Depth.FEW: "░", Depth.FULL: "░"}
PATH = {Depth.PLAIN: tuple("osLC"), Depth.FEW: tuple("•■★◆"), Depth.FULL: tuple("•■★◆")}
"""Characters of a path's checkpoints, the first, the last, and one the plane passes through."""

CURVE = {Depth.PLAIN: tuple("c~B"), Depth.FEW: tuple("•·○"), Depth.FULL: tuple("•·○")}
"""Characters of the curve of a plane, of the straight line and of its bends."""

STEPS = {Depth.PLAIN: "ovw", Depth.FEW: "•◦▴", Depth.FULL: "•◦▴"}
"""Characters of the checkpoints of several paths."""


def plane_lines(
    panel: Panel, scale: Scale, kind: str, width: int, height: int, depth: Depth
) -> tuple[list[str], list[str]]:
    """Draw a plane.

    Args:
        panel: a plane.
        scale: its scale.
        kind: ``contourf``, ``contour`` or ``heatmap``.
        width: available columns, including labels.
        height: available rows, including the x axis.
        depth: colour depth.

    Returns:
        The lines of the picture, and the entries of its legend.
    """
    rows, columns = fit_size(panel.aspect, width - MARGIN - MARGIN // 2, height - BELOW)
    x, y = _extent(panel, "x"), _extent(panel, "y")
    pixels = rows if depth is Depth.PLAIN else 2 * rows
    values, missing = _sample(panel, scale, kind, _middles(x, columns), _middles(y, pixels)[::-1])
    picture = _paint(values, scale, kind, depth)
    legend = _mark_beyond(picture, values, panel, scale, depth)
    legend += _mark_missing(picture, missing, panel, depth)
    for points, character, meaning in _marks(panel, scale, depth):
        legend.append(f"{character} {meaning}")
        for point in points:
            column, row = _cell(point[0], x, columns), rows - 1 - _cell(point[1], y, rows)
            if 0 <= column < columns and 0 <= row < rows:
                picture.put(row, column, character)
    row_labels = [(0, format_number(y[1])), (rows - 1, format_number(y[0]))]
    tick_labels = [(0, format_number(x[0])), (columns - 1, format_number(x[1]))]
    if x[0] < 0 < x[1]:
        tick_labels.append((_cell(0, x, columns), "0"))
    if y[0] < 0 < y[1]:
        row_labels.append((rows - 1 - _cell(0, y, rows), "0"))
    return add_axes(picture.lines(depth), columns, row_labels, tick_labels, depth), legend


def bar(scale: Scale, kind: str, columns: int, depth: Depth) -> str:
    """Draw the colour bar: the colours or characters of values from low to high."""
    values = np.linspace(*scale.ends, columns)[None]
    cells = _paint(values, scale, "heatmap" if kind == "contour" else kind, Depth.PLAIN)
    if depth is not Depth.PLAIN:
        cells.characters[:] = "█"
        cells.front[:] = _colors(values, scale, kind)
    return cells.lines(depth)[0]


def _extent(panel: Panel, name: str) -> tuple[float, float]:
    """Return the ends of an axis, 1 apart around a single point."""
    axis = panel.surface.grid.axes[name]
    if axis.points == 1:
        return axis.low - 0.5, axis.high + 0.5
    return axis.low, axis.high


def _middles(extent: tuple[float, float], count: int) -> Floats:
    low, high = extent
    return low + (np.arange(count) + 0.5) / count * (high - low)


def _cell(value: float, extent: tuple[float, float], count: int) -> int:
    """Return the index of the cell that contains a value, or -1 if it is outside the extent."""
    low, high = extent
    if not low <= value <= high:
        return -1
    return min(count - 1, int((value - low) / (high - low) * count))


def _sample(panel: Panel, scale: Scale, kind: str, x: Floats, y: Floats) -> tuple[Floats, Mask]:
    """Sample the values as drawn and the mask of missing points, both of shape (len(y), len(x)).

    A value is NaN if its nearest point has none. Otherwise it is interpolated, or in a heatmap the
    nearest point's. It may lie beyond the limits.
    """
    row = np.clip(np.digitize(y, cell_edges(panel.y, panel.whole.y)) - 1, 0, len(panel.y) - 1)
    column = np.clip(np.digitize(x, cell_edges(panel.x, panel.whole.x)) - 1, 0, len(panel.x) - 1)
    drawn = scale.drawn(panel).filled(np.nan)
    values = drawn[np.ix_(row, column)]
    if kind != "heatmap" and min(drawn.shape) >= 2:
        interpolate = RegularGridInterpolator(
            (panel.y, panel.x), drawn, bounds_error=False, fill_value=np.nan
        )
        smooth = interpolate(np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1))
        values = np.where(np.isnan(smooth) | np.isnan(values), values, smooth)
    clipped = np.clip(values, *scale.ends)
    rounded = np.abs(values - clipped) <= SLIVER * np.ptp(scale.ends)
    return np.where(rounded, clipped, values), panel.missing[np.ix_(row, column)]


def _paint(values: Floats, scale: Scale, kind: str, depth: Depth) -> Cells:
    """Turn values into cells: two rows of colours in a row of blocks, or characters of the ramp."""
    if kind == "contour":
        within = ~(_beyond(values, scale, False) | _beyond(values, scale, True))
        values = np.where(within & ~_on_lines(values, scale), np.nan, values)
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
    """Return the colours of values, or of their bands for filled contours."""
    places = values
    if kind == "contourf":
        bands = scale.bands()
        middles = (bands[:-1] + bands[1:]) / 2
        places = middles[np.digitize(values, bands[1:-1])]
    colors: Floats = np.asarray(scale.colors(scale.norm(places)))[..., :3]
    for above in BEYOND:
        colors[_beyond(values, scale, above)] = beyond_look(above)["facecolor"]
    return colors


def _beyond(values: Floats, scale: Scale, above: bool) -> Mask:
    """Return a mask of values above the upper or below the lower limit."""
    low, high = scale.ends
    return np.asarray(values > high if above else values < low)


def _on_lines(values: Floats, scale: Scale) -> Mask:
    """Return a mask of places just above or left of a contour line."""
    band = np.digitize(values, scale.lines())
    on = np.zeros(values.shape, bool)
    on[:-1] |= band[:-1] != band[1:]
    on[:, :-1] |= band[:, :-1] != band[:, 1:]
    known: Mask = np.isfinite(values)
    return on & known


def _mark_beyond(
    picture: Cells, values: Floats, panel: Panel, scale: Scale, depth: Depth
) -> list[str]:
    """Mark the areas beyond the limits; return the legend's entries."""
    entries = []
    for (above, character), share in zip(BEYOND.items(), scale.clipped(panel), strict=True):
        mask = _beyond(values, scale, above)
        whole = mask if depth is Depth.PLAIN else mask[::2] & mask[1::2]
        for row, column in np.argwhere(whole).tolist():
            picture.put(row, column, character, np.array(beyond_look(above)["edgecolor"]))
        if share:
            word, limit = ("above", scale.high) if above else ("below", scale.low)
            text = f"{character} {word} {format_number(limit)} ({labels.share(share)})"
            entries.append(text)
    return entries


def _mark_missing(picture: Cells, missing: Mask, panel: Panel, depth: Depth) -> list[str]:
    """Hatch the areas that are not computed; return the legend's entry."""
    if not missing.any():
        return []
    character = MISSING[depth]
    hatched = missing if depth is Depth.PLAIN else missing[::2] & missing[1::2]
    for row, column in np.argwhere(hatched).tolist():
        picture.put(row, column, character, GREY)
    return [f"{character} not computed ({labels.count(int(panel.missing.sum()))})"]


def _curve_marks(panel: Panel, depth: Depth) -> Iterator[tuple[Floats, str, str]]:
    """Return points of the plane's curve, of the straight line and its bends, if it has one."""
    if (curve := curve_of(panel)) is None:
        return
    along, straight, bend = CURVE[depth]
    line, between, bends, _ = lines_of(curve)
    yield between, straight, STRAIGHT
    yield line, along, curve_label(curve)
    yield bends, bend, bend_label(curve)


def _marks(panel: Panel, scale: Scale, depth: Depth) -> Iterator[tuple[Floats, str, str]]:
    """Return points (n, 2) to mark, the character and its meaning; the last lies on top."""
    yield from _curve_marks(panel, depth)
    paths, whole = paths_of(panel), panel.whole
    _, first, last, checkpoint = PATH[depth]
    for path, step in zip(paths, cycle(STEPS[depth]), strict=False):
        name = f"{printable(path.name)}: " if path.name else ""
        yield path.coordinates, step, f"{name}{len(path.coordinates)} checkpoints"
    if paths:
        yield np.stack([path.coordinates[0] for path in paths]), first, "first"
        yield np.stack([path.coordinates[-1] for path in paths]), last, "last"
    if checkpoints := checkpoints_of(panel):
        names = printable(", ".join(marker.label for marker in checkpoints))
        yield np.array([m.coordinates[:2] for m in checkpoints]), checkpoint, names
    for (mask, look), character in zip(undrawable_points(panel, scale), "x!?", strict=False):
        rows, columns = np.nonzero(mask)
        yield np.column_stack([whole.x[columns], whole.y[rows]]), character, look["label"]
    if contains_centre(panel) and not paths:
        yield np.array([panel.surface.origin[:2]]), CENTRE[depth], "centre"
