"""Mark points without a value, clipped values and the centre, and explain them in a legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.path import draw_path
from landscape_cli.plotting.layout.legend import explain
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import (
    BAD,
    HIDDEN,
    UNDEFINED,
    beyond_look,
    ink,
    missing_look,
    outline,
    pt,
)
from landscape_cli.plotting.text import labels
from landscape_cli.records.tiles import Status

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

MAX_VECTOR_DOTS = 2_000
"""With more dots than this, a PDF or SVG file holds them as an image."""

CROSSES = ("x", "1", "+")
"""Markers of points that are not finite, that are undefined, and that are not positive."""

MAX_CROSSES = 400
"""With more points without a value than this, they are coloured cells instead of crosses."""


def cell_edges(coordinates: Floats, whole: Floats | None = None) -> Floats:
    """Return the edges of the cells around n ascending coordinates, of shape (n + 1,).

    With ``whole``, all coordinates of the axis, the outermost cells end where theirs do.
    """
    if whole is not None:
        edges, ends = cell_edges(coordinates), cell_edges(whole)
        edges[0], edges[-1] = ends[0], ends[-1]
        return edges
    if len(coordinates) == 1:
        return np.array([coordinates[0] - 0.5, coordinates[0] + 0.5])
    middles = (coordinates[:-1] + coordinates[1:]) / 2
    first, last = 2 * coordinates[0] - middles[0], 2 * coordinates[-1] - middles[-1]
    return np.concatenate([[first], middles, [last]])


def rectangles(panel: Panel, mask: Mask, reach: float = 0.5) -> list[Floats]:
    """Cover a plane's masked points by a few rectangles, one for each run of points in a row.

    Args:
        panel: the panel that has the coordinates.
        mask: the points to cover, of shape (ny, nx).
        reach: distance that is covered on each side of a point, in steps of the grid.

    Returns:
        The corners of each rectangle, of shape (4, 2).
    """
    (lefts, rights), (bottoms, tops) = (
        _covered(coordinates, cell_edges(coordinates, whole), reach)
        for coordinates, whole in ((panel.x, panel.whole.x), (panel.y, panel.whole.y))
    )
    areas = []
    for row, line in enumerate(mask):
        bottom, top = bottoms[row], tops[row]
        for start, stop in runs(line):
            left, right = lefts[start], rights[stop - 1]
            areas.append(np.array([[left, bottom], [right, bottom], [right, top], [left, top]]))
    return areas


def _covered(coordinates: Floats, bounds: Floats, reach: float) -> tuple[Floats, Floats]:
    """Return the lower and upper ends of the intervals around n points, each of shape (n,)."""
    beyond = 2 * reach - 1
    low, high = bounds[:-1], bounds[1:]
    return low - beyond * (coordinates - low), high + beyond * (high - coordinates)


def runs(line: Mask) -> Iterator[tuple[int, int]]:
    """Return the runs of true values in a mask of shape (n,), as (start, stop)."""
    steps = np.diff(np.concatenate([[False], line, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return iter(list(zip(starts.tolist(), stops.tolist(), strict=True)))


def isolated_points(visible: Mask, least: int = 3) -> Mask:
    """Return a mask of visible points that contours and surfaces omit.

    These are the points that are in no 2 x 2 block with at least ``least`` visible points.
    """
    counts = np.zeros(tuple(n - 1 for n in visible.shape), dtype=np.int8)
    corners = [(slice(None, -1), slice(1, None))[i] for i in (0, 1)]
    for rows in corners:
        for columns in corners:
            counts += visible[rows, columns]
    shown = np.zeros_like(visible)
    for rows in corners:
        for columns in corners:
            shown[rows, columns] |= counts >= least
    return visible & ~shown


def mark_plane(axes: Any, panel: Panel, scale: Scale, reach: float) -> None:
    """Set the shape of a flat panel, and mark points without a value, the centre and the path.

    Args:
        axes: the axes to draw on.
        panel: the panel drawn there.
        scale: its scale.
        reach: distance that is hatched on each side of a missing point, in steps of the grid.
    """
    if panel.missing.any():
        areas = rectangles(panel, panel.missing, reach)
        axes.add_collection(PolyCollection(areas, zorder=0.5, **missing_look()), autolim=False)
    whole = panel.whole
    for mask, look in undrawable_points(panel, scale):
        if np.count_nonzero(mask) > MAX_CROSSES:
            areas = rectangles(panel, panel.select(mask))
            if panel is not whole:
                areas += rectangles(whole, mask)
            color, label = look["color"], look["label"]
            axes.add_collection(PolyCollection(areas, color=color, label=label, linewidth=0))
        else:
            rows, columns = np.nonzero(mask)
            axes.plot(whole.x[columns], whole.y[rows], zorder=4, clip_on=False, **look)
    for layer in panel.layers:
        layer.draw(axes, panel)
    _mark_computed(axes, panel)
    axes.set_box_aspect(panel.aspect)
    if contains_centre(panel):
        x, y, *_ = panel.surface.origin
        axes.plot([x], [y], zorder=5, gid="centre", **centre_look())
    draw_path(axes, panel, scale)


def _mark_computed(axes: Any, panel: Panel) -> None:
    """Draw a dot at each computed point of a plane that is interpolated elsewhere."""
    interpolated = panel.select(panel.surface.status) == Status.INTERPOLATED
    if not interpolated.any():
        return
    rows, columns = np.nonzero(~interpolated & ~panel.missing)
    size = float(np.clip(95 / max(panel.z.shape), 0.4, 1.5))
    axes.plot(
        panel.x[columns],
        panel.y[rows],
        linestyle="none",
        marker="o",
        markersize=size,
        markerfacecolor="white",
        markeredgecolor="black",
        markeredgewidth=size / 6,
        alpha=0.7,
        zorder=2.5,
        rasterized=len(rows) > MAX_VECTOR_DOTS,
        label=f"computed ({labels.count(len(rows))})",
        gid="computed",
    )


def undrawable_points(panel: Panel, scale: Scale) -> list[tuple[Mask, dict[str, Any]]]:
    """Return masks of computed points that the scale cannot show, with the look of their crosses.

    The masks cover the whole grid, so that every such point is marked even if the panel shows a
    coarser level.
    """
    whole = panel.whole
    groups = [
        (whole.not_finite & ~whole.undefined, BAD, CROSSES[0], "not finite"),
        (whole.undefined, UNDEFINED, CROSSES[1], whole.why_undefined),
        (scale.hidden(whole), HIDDEN, CROSSES[2], "not positive"),
    ]
    size = mark_size(whole)
    return [
        (mask, _cross(color, marker, f"{name} ({labels.count(int(mask.sum()))})", size))
        for mask, color, marker, name in groups
        if mask.any()
    ]


def mark_size(panel: Panel) -> float:
    """Return the size in points of a mark that fits a cell of the panel, within bounds."""
    return float(np.clip(130 / max(panel.z.shape), 2.5, 6))


def add_legend(
    axes: Any,
    panels: Sequence[Panel],
    scale: Scale,
    filled: bool = True,
    extra: Sequence[Artist] = (),
    cut: bool = False,
) -> None:
    """State what the legend must explain of a panel.

    Args:
        axes: the axes; their labelled artists are entries too.
        panels: the panels drawn there, all of one surface.
        scale: their scale.
        filled: whether areas beyond the limits are shaded.
        extra: more entries.
        cut: whether a surface ends at its upper limit, with a line along the rim.
    """
    labelled = axes.get_legend_handles_labels()[0]
    curves = [artist for artist in labelled if getattr(artist, "get_marker", str)() not in CROSSES]
    handles: list[Artist] = [*curves, *extra]
    if count := int(panels[0].missing.sum()):
        handles.append(Patch(label=f"not computed ({labels.count(count)})", **missing_look()))
    handles += [artist for artist in labelled if artist not in curves]
    for panel in panels:
        handles += _clipped_entries(
            panel, scale, f"{labels.plain(panel.split)} " if len(panels) > 1 else "", filled, cut
        )
    explain(axes, handles)


def centre_look() -> dict[str, Any]:
    """Return the properties of the centre's mark."""
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": pt(4),
        "markerfacecolor": "white",
        "markeredgecolor": "black",
        "markeredgewidth": pt(0.9),
        "label": "_centre",
    }


def rim_look() -> dict[str, Any]:
    """Return the properties of the line along which a surface is cut."""
    return {"color": ink(0.15), "linewidth": pt(0.7)}


def _clipped_entries(
    panel: Panel, scale: Scale, prefix: str, filled: bool, cut: bool
) -> list[Artist]:
    below, above = scale.clipped(panel)
    entries: list[Artist] = []
    for part, word, limit in ((below, "below", scale.low), (above, "above", scale.high)):
        text = f"{prefix}{word} {labels.number(limit)} ({labels.share(part)})"
        if part and cut and word == "above":
            entries.append(Line2D([], [], label=f"cut off {text}", **rim_look()))
        elif part:
            look = beyond_look(word == "above") if filled else {"color": "none"}
            entries.append(Patch(**look, label=text))
    return entries


def _cross(color: str, marker: str, label: str, size: float) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": marker,
        "markersize": size,
        "color": color,
        "markeredgewidth": 1.4,
        "path_effects": outline(2.6),
        "label": label,
    }


def height_of_centre(panel: Panel, heights: Floats) -> float | None:
    """Return the height at a plane's centre, or None if the grid has no point or value there."""
    x, y, *_ = panel.surface.origin
    row, column = np.abs(panel.y - y).argmin(), np.abs(panel.x - x).argmin()
    if panel.x[column] != x or panel.y[row] != y or not np.isfinite(heights[row, column]):
        return None
    return float(heights[row, column])


def contains_centre(panel: Panel) -> bool:
    """Return True if the trained network lies within the ranges of the axes."""
    places = zip(panel.surface.grid.axes.values(), panel.surface.origin, strict=False)
    return all(axis.low <= place <= axis.high for axis, place in places)
