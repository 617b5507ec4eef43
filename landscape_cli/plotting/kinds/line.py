"""Values along a line, a curve for each split, with the band of their standard errors.

Of several repeats: their mean, with the band of their standard deviation, and each as a thin line.
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

from landscape_cli.plotting.annotations.marks import absent, edges, explain, runs
from landscape_cli.plotting.annotations.path import draw_checkpoints
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import ink, missing, pt, series
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.value_range import BAND, band
from landscape_cli.records.tiles import Status

FEW = 60
"""With at most so many points each of them has a dot."""

THIN = 0.6
"""The width in points of the line of one of several repeats."""


def paint(axes: Any, panels: Sequence[Panel], scale: Scale) -> None:
    """Draw all panels of one surface: the first solid, the others dashed."""
    looks = [look for _, look in zip(panels, cycle(series()), strict=False)]
    names = [panel.split for panel in panels] if len(panels) > 1 else ["_curve"]
    draw_curves(axes, panels, scale, looks, names)
    axes.set_ylabel(labels.quantity(panels))
    finish(axes, panels, scale)


def draw_curves(
    axes: Any,
    panels: Sequence[Panel],
    scale: Scale,
    looks: Sequence[tuple[str, str]],
    names: Sequence[str],
) -> None:
    """Draw curves with their bands, and set the limits.

    Args:
        axes: where to.
        panels: all of one surface.
        scale: theirs.
        looks: the colour and the dashes of each.
        names: what the legend calls each; it leaves out those that begin with "_".
    """
    for place, (panel, (color, dashes), name) in enumerate(zip(panels, looks, names, strict=True)):
        _draw_curve(axes, panel, scale, color, dashes, name)
        _draw_absent(axes, panel, scale, place, len(panels) > 1)
    if scale.log:
        axes.set_yscale("log")
    axes.set_ylim(scale.low, scale.high)


def finish(
    axes: Any, panels: Sequence[Panel], scale: Scale, handles: Sequence[Artist] = ()
) -> None:
    """Draw what is not a curve: missing points, the centre, checkpoints, and a legend.

    Args:
        axes: where to.
        panels: all of one surface.
        scale: theirs.
        handles: more entries of the legend.
    """
    first = panels[0]
    bounds = edges(first.x)
    for start, stop in runs(first.missing):
        axes.axvspan(bounds[start], bounds[stop], zorder=0, **missing())
    if first.x[0] <= 0 <= first.x[-1]:
        axes.axvline(0, color=ink(0.6), linewidth=0.7, zorder=0.8, gid="centre")
    if len(first.x) > 1:
        axes.set_xlim(first.x[0], first.x[-1])
    draw_checkpoints(axes, first)
    explain(axes, panels, scale, filled=False, extra=[*handles, *_legend(panels)])


def _legend(panels: Sequence[Panel]) -> list[Artist]:
    """What says what the band is, and the thin lines."""
    repeats = len(panels[0].members)
    words = f"mean ± std of {repeats} repeats" if repeats else f"± {BAND} standard errors"
    found: list[Artist] = []
    if any(np.isfinite(band(panel)).any() for panel in panels):
        found.append(Patch(color=ink(0.8), linewidth=0, label=words))
    if repeats:
        found.append(Line2D([], [], color=ink(0.5), linewidth=THIN, label="each repeat"))
    return found


def _draw_curve(axes: Any, panel: Panel, scale: Scale, color: str, dashes: str, label: str) -> None:
    values = np.where(scale.visible(panel), panel.z, np.nan)
    width = band(panel)
    if np.isfinite(width).any():
        floor = scale.low / 10 if scale.log else -np.inf
        below = np.maximum(values - width, floor)
        axes.fill_between(
            panel.x, below, values + width, color=color, alpha=0.2, linewidth=0, zorder=1
        )
    interpolated = panel.cut(panel.surface.status) == Status.INTERPOLATED
    partly = bool(interpolated.any())
    for member in panel.members:
        alone = np.where(scale.visible(member), member.z, np.nan)
        axes.plot(
            member.x,
            alone,
            dashes,
            color=color,
            linewidth=THIN,
            alpha=0.5,
            label="_one",
            zorder=1.5,
        )
    axes.plot(
        panel.x,
        values,
        dashes,
        color=color,
        marker="o" if partly or len(panel.x) <= FEW else None,
        markevery=np.flatnonzero(~interpolated).tolist(),
        markersize=pt(1.6 if partly else 2.5),
        label=label,
        zorder=2,
    )
    lonely = _alone(np.isfinite(values))
    if len(panel.x) > FEW and lonely.any():
        axes.plot(
            panel.x[lonely], values[lonely], "o", color=color, markersize=pt(2.5), label="_alone"
        )


def _draw_absent(axes: Any, panel: Panel, scale: Scale, place: int, several: bool) -> None:
    for row, (mask, look) in enumerate(absent(panel, scale)):
        x = panel.whole.x[mask]
        name = f"{panel.split} {look['label']}" if several else look["label"]
        height = np.full(len(x), 0.96 - 0.06 * (place + 0.5 * row))
        transform = axes.get_xaxis_transform()
        axes.plot(x, height, transform=transform, zorder=4, **{**look, "label": name})


def _alone(visible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of (n,) points have no visible neighbour, so that no line shows them."""
    padded = np.concatenate([[False], visible, [False]])
    lonely: NDArray[np.bool_] = visible & ~padded[:-2] & ~padded[2:]
    return lonely


PAINTER = Painter(paint, overlay=True, clipped="and are cut off")
