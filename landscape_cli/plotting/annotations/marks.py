"""What is drawn besides the values: points without one, clipped values, the centre."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.path import draw_path
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import BAD, HIDDEN, colormap, missing, outline, pt
from landscape_cli.plotting.text import labels
from landscape_cli.records.tiles import Status

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

MOST_DOTS = 2_000
"""With more dots than this they are an image inside a PDF or SVG file."""

MOST_CROSSES = 400
"""More points than this without a value are coloured cells instead of crosses."""


def edges(coordinates: Floats) -> Floats:
    """The edges of the cells around n ascending coordinates, of shape (n + 1,)."""
    if len(coordinates) == 1:
        return np.array([coordinates[0] - 0.5, coordinates[0] + 0.5])
    middles = (coordinates[:-1] + coordinates[1:]) / 2
    first, last = 2 * coordinates[0] - middles[0], 2 * coordinates[-1] - middles[-1]
    return np.concatenate([[first], middles, [last]])


def cells(coordinates: Floats, whole: Floats) -> Floats:
    """The edges of the cells around n of an axis's coordinates, of shape (n + 1,).

    The outermost cells end where those around ``whole``, all of its coordinates, do.
    """
    found, ends = edges(coordinates), edges(whole)
    found[0], found[-1] = ends[0], ends[-1]
    return found


def rectangles(panel: Panel, mask: Mask, reach: float = 0.5) -> list[Floats]:
    """The area around a plane's masked points as few rectangles, each (4, 2) corners.

    Args:
        panel: the panel whose coordinates to use.
        mask: which points, of shape (ny, nx).
        reach: how far the area goes beyond a point, in steps of the grid.
    """
    (lefts, rights), (bottoms, tops) = (
        _reaches(coordinates, cells(coordinates, whole), reach)
        for coordinates, whole in ((panel.x, panel.whole.x), (panel.y, panel.whole.y))
    )
    found = []
    for row, line in enumerate(mask):
        bottom, top = bottoms[row], tops[row]
        for start, stop in runs(line):
            left, right = lefts[start], rights[stop - 1]
            found.append(np.array([[left, bottom], [right, bottom], [right, top], [left, top]]))
    return found


def _reaches(coordinates: Floats, bounds: Floats, reach: float) -> tuple[Floats, Floats]:
    """From where to where the areas around n points go, each of shape (n,)."""
    beyond = 2 * reach - 1
    low, high = bounds[:-1], bounds[1:]
    return low - beyond * (coordinates - low), high + beyond * (high - coordinates)


def runs(line: Mask) -> Iterator[tuple[int, int]]:
    """The stretches of true values in a (n,) mask, as (start, stop)."""
    steps = np.diff(np.concatenate([[False], line, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return iter(list(zip(starts.tolist(), stops.tolist(), strict=True)))


def alone(visible: Mask) -> Mask:
    """Which visible points no contour or surface shows: in no 2 x 2 block with 3 visible ones."""
    counts = np.zeros(tuple(n - 1 for n in visible.shape), dtype=np.int8)
    corners = [(slice(None, -1), slice(1, None))[i] for i in (0, 1)]
    for rows in corners:
        for columns in corners:
            counts += visible[rows, columns]
    shown = np.zeros_like(visible)
    for rows in corners:
        for columns in corners:
            shown[rows, columns] |= counts >= 3
    return visible & ~shown


def mark_plane(axes: Any, panel: Panel, scale: Scale, reach: float) -> None:
    """Mark points without a value and the centre of a flat panel, and give it its shape.

    Args:
        axes: where to draw.
        panel: the panel that is drawn there.
        scale: its scale.
        reach: how far a missing point's area goes, in steps of the grid.
    """
    if panel.missing.any():
        areas = rectangles(panel, panel.missing, reach)
        axes.add_collection(PolyCollection(areas, zorder=0.5, **missing()), autolim=False)
    whole = panel.whole
    for mask, look in absent(panel, scale):
        if np.count_nonzero(mask) > MOST_CROSSES:
            areas = rectangles(panel, panel.cut(mask))
            if panel is not whole:
                areas += rectangles(whole, mask)
            color, label = look["color"], look["label"]
            axes.add_collection(PolyCollection(areas, color=color, label=label, linewidth=0))
        else:
            rows, columns = np.nonzero(mask)
            axes.plot(whole.x[columns], whole.y[rows], zorder=4, clip_on=False, **look)
    _mark_computed(axes, panel)
    axes.set_box_aspect(panel.aspect)
    if _holds_centre(panel):
        axes.plot([0], [0], zorder=5, gid="centre", **centre())
    draw_path(axes, panel)


def _mark_computed(axes: Any, panel: Panel) -> None:
    """A dot for each computed point of a plane that is interpolated elsewhere."""
    interpolated = panel.cut(panel.surface.status) == Status.INTERPOLATED
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
        rasterized=len(rows) > MOST_DOTS,
        label=f"computed ({labels.count(len(rows))})",
        gid="computed",
    )


def absent(panel: Panel, scale: Scale) -> list[tuple[Mask, dict[str, Any]]]:
    """The computed points that have no place on the scale, and the look of their crosses.

    They are points of the whole grid: one that is not finite is marked on a coarser level, too.
    """
    whole = panel.whole
    groups = [
        (whole.not_finite, BAD, "not finite"),
        (scale.hidden(whole), HIDDEN, "not positive"),
    ]
    return [
        (mask, _cross(color, f"{name} ({labels.count(int(mask.sum()))})", mark_size(whole)))
        for mask, color, name in groups
        if mask.any()
    ]


def mark_size(panel: Panel) -> float:
    """The size in points of a mark that fits a cell of a panel, within reason."""
    return float(np.clip(130 / max(panel.z.shape), 2.5, 6))


def explain(
    axes: Any,
    panels: Sequence[Panel],
    scale: Scale,
    filled: bool = True,
    extra: Sequence[Artist] = (),
) -> None:
    """Put a legend below the axes for what needs one.

    Args:
        axes: the axes, whose labelled lines are in the legend.
        panels: the panels drawn there, all of one surface.
        scale: their scale.
        filled: whether clipped values are visible, in the colour of their limit.
        extra: more entries.
    """
    labelled = axes.get_legend_handles_labels()[0]
    curves = [artist for artist in labelled if getattr(artist, "get_marker", str)() != "x"]
    handles: list[Artist] = [*curves, *extra]
    if count := int(panels[0].missing.sum()):
        handles.append(Patch(label=f"not computed ({labels.count(count)})", **missing()))
    handles += [artist for artist in labelled if artist not in curves]
    for panel in panels:
        handles += _clipped(panel, scale, f"{panel.split} " if len(panels) > 1 else "", filled)
    if handles:
        points = 38 if axes.name == "3d" else 33
        below = ScaledTranslation(0, -pt(points) / 72, axes.figure.dpi_scale_trans)
        axes.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            bbox_transform=axes.transAxes + below,
            borderaxespad=0,
            ncols=1 if len(handles) == 1 else 2,
        )


def centre() -> dict[str, Any]:
    """The look of the centre's mark."""
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": pt(4),
        "markerfacecolor": "white",
        "markeredgecolor": "black",
        "markeredgewidth": pt(0.9),
        "label": "_centre",
    }


def _clipped(panel: Panel, scale: Scale, prefix: str, filled: bool) -> list[Artist]:
    below, above = scale.clipped(panel)
    ends = ((below, "below", scale.low, 0.0), (above, "above", scale.high, 1.0))
    return [
        Patch(
            color=colormap()(place) if filled else "none",
            label=f"{prefix}{word} {labels.number(limit)} ({labels.share(part)})",
        )
        for part, word, limit, place in ends
        if part
    ]


def _cross(color: str, label: str, size: float) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": "x",
        "markersize": size,
        "color": color,
        "markeredgewidth": 1.4,
        "path_effects": outline(2.6),
        "label": label,
    }


def height_of_centre(panel: Panel, heights: Floats) -> float | None:
    """The height at the centre of a plane, if the grid has that point and it has a height."""
    row, column = np.abs(panel.y).argmin(), np.abs(panel.x).argmin()
    if panel.x[column] != 0 or panel.y[row] != 0 or not np.isfinite(heights[row, column]):
        return None
    return float(heights[row, column])


def _holds_centre(panel: Panel) -> bool:
    return all(axis.low <= 0 <= axis.high for axis in panel.surface.grid.axes.values())
