"""Line plots: a curve for each split, with a band of 1.96 standard errors.

With several repeats, the curve is their mean, the band is one standard deviation, and each repeat
is a thin line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.marks import add_legend, cell_edges, runs, undrawable_points
from landscape_cli.plotting.annotations.names_above import draw_checkpoints
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import ink, missing_look, pt, series
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.value_range import BAND, band
from landscape_cli.records.presentation import naming
from landscape_cli.records.tiles import Status

MAX_DOTS = 60
"""With up to this many points, each is marked by a dot."""

REPEAT_WIDTH, REPEAT_ALPHA = 0.5, 0.35
"""Line width in points, and opacity, of a single repeat."""

BAND_ALPHA = 0.16
"""Opacity of a band."""

BAND_EDGE = {"linewidth": 0.6, "alpha": 0.7, "label": "_edge", "zorder": 1.2, "gid": "band"}
"""The look of a band's edges."""


def paint(axes: Any, panels: Sequence[Panel], scale: Scale) -> None:
    """Draw the panels of one surface: the first as a solid curve, the others dashed."""
    looks = [look for _, look in zip(panels, cycle(series()), strict=False)]
    names = [labels.legend_text(panel.split) for panel in panels]
    names = names if len(panels) > 1 else ["_curve"]
    draw_curves(axes, panels, scale, looks, names)
    axes.set_ylabel(labels.plain(labels.quantity(panels)))
    finish_axes(axes, panels, scale)


def draw_curves(
    axes: Any,
    panels: Sequence[Panel],
    scale: Scale,
    looks: Sequence[tuple[str, str]],
    names: Sequence[str],
) -> None:
    """Draw curves with their bands, and set the limits.

    Args:
        axes: the axes to draw on.
        panels: all of one surface.
        scale: their scale.
        looks: colour and dashes of each panel.
        names: name of each panel in the legend, which omits names that begin with "_".
    """
    for place, (panel, (color, dashes), name) in enumerate(zip(panels, looks, names, strict=True)):
        _draw_curve(axes, panel, scale, color, dashes, name)
        _draw_crosses(axes, panel, scale, place, color if len(panels) > 1 else None)
    if scale.log:
        axes.set_yscale("log")
    axes.set_ylim(scale.low, scale.high)


def finish_axes(
    axes: Any, panels: Sequence[Panel], scale: Scale, handles: Sequence[Artist] = ()
) -> None:
    """Draw everything but the curves: missing points, the centre, checkpoints, and the legend.

    Args:
        axes: the axes to draw on.
        panels: all of one surface.
        scale: their scale.
        handles: more entries of the legend.
    """
    first = panels[0]
    bounds = cell_edges(first.x)
    for start, stop in runs(first.missing):
        axes.axvspan(bounds[start], bounds[stop], zorder=0, **missing_look())
    (centre,) = first.drawn_at(np.array(first.surface.origin[:1])).tolist()
    if first.x[0] <= centre <= first.x[-1]:
        axes.axvline(centre, color=ink(0.6), linewidth=0.7, zorder=0.8, gid="centre")
    if len(first.x) > 1:
        axes.set_xlim(first.x[0], first.x[-1])
    draw_checkpoints(axes, [first])
    add_legend(axes, panels, scale, filled=False, extra=[*handles, *band_entries(panels)])


def band_entries(panels: Sequence[Panel]) -> list[Artist]:
    """Return the legend's entries for the band and the thin lines."""
    repeats = len(panels[0].members)
    label = f"± {BAND} standard errors"
    if naming(panels[0].quantity).measured:
        label = "± numerical error"
    if repeats:
        label = f"mean ± std of {repeats} repeats"
    entries: list[Artist] = []
    if any(np.isfinite(band(panel)).any() for panel in panels):
        entries.append(Patch(color=ink(0.8), linewidth=0, label=label))
    if repeats:
        entries.append(Line2D([], [], color=ink(0.5), linewidth=REPEAT_WIDTH, label="each repeat"))
    return entries


def _draw_curve(axes: Any, panel: Panel, scale: Scale, color: str, dashes: str, label: str) -> None:
    values = np.where(scale.visible(panel), panel.z, np.nan)
    width = band(panel)
    if np.isfinite(width).any():
        floor = scale.low / 10 if scale.log else -np.inf
        below = np.maximum(values - width, floor)
        axes.fill_between(
            panel.x, below, values + width, color=color, alpha=BAND_ALPHA, linewidth=0, zorder=1
        )
        for edge in (below, values + width):  # which show where bands of several splits overlap
            axes.plot(panel.x, edge, dashes, color=color, **BAND_EDGE)
    interpolated = panel.select(panel.surface.status) == Status.INTERPOLATED
    has_interpolated = bool(interpolated.any())
    for member in panel.members:
        axes.plot(
            member.x,
            np.where(scale.visible(member), member.z, np.nan),
            dashes,
            color=color,
            linewidth=REPEAT_WIDTH,
            alpha=REPEAT_ALPHA,
            label="_one",
            zorder=1.5,
        )
    axes.plot(
        panel.x,
        values,
        dashes,
        color=color,
        marker="o" if has_interpolated or len(panel.x) <= MAX_DOTS else None,
        markevery=np.flatnonzero(~interpolated).tolist(),
        markersize=pt(1.6 if has_interpolated else 2.5),
        label=label,
        zorder=2,
    )
    isolated = _isolated(np.isfinite(values))
    if len(panel.x) > MAX_DOTS and isolated.any():
        x, y = panel.x[isolated], values[isolated]
        axes.plot(x, y, "o", color=color, markersize=pt(2.5), label="_alone")


def _draw_crosses(axes: Any, panel: Panel, scale: Scale, place: int, color: str | None) -> None:
    """Draw crosses near the top of the axes, whose shape says why a value cannot be drawn.

    Args:
        axes: the axes to draw on.
        panel: the panel.
        scale: its scale.
        place: number of the panel on these axes.
        color: the colour of its curve beside others, which its crosses have too; None for one.
    """
    for row, (mask, look) in enumerate(undrawable_points(panel, scale)):
        x = panel.whole.x[mask]
        split = labels.legend_text(panel.split)
        if color is not None:
            look = {**look, "label": f"{split} {look['label']}", "color": color}
        height = np.full(len(x), 0.96 - 0.06 * (place + 0.5 * row))
        transform = axes.get_xaxis_transform()
        axes.plot(x, height, transform=transform, zorder=4, **look)


def _isolated(visible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask (n,) of visible points without a visible neighbour, which no line shows."""
    padded = np.concatenate([[False], visible, [False]])
    isolated: NDArray[np.bool_] = visible & ~padded[:-2] & ~padded[2:]
    return isolated


PAINTER = Painter(paint, overlay=True, clipped="and are cut off")
