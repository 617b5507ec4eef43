"""Persistence diagrams: the value at the saddle of each minimum against the value at the minimum.

The farther from the diagonal, the deeper.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import ink, outline, pt, series
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.topology.criterion import MAX_NUMBERED, noun
from landscape_cli.plotting.topology.painter import MARKERS, TopologyPainter
from landscape_cli.topology.extrema import Extrema

Floats = NDArray[np.float64]

MAX_VECTOR_DOTS = 2_000
"""With more dots than this, a PDF or SVG file holds them as an image."""


def paint(axes: Any, panel: Panel, found: Extrema, scale: Scale) -> None:
    """Draw a mark for each extremum, and the least persistence of those that count."""
    low, high = scale.low, scale.high
    top = high if found.sign > 0 else low
    ends = np.where(found.tree.endless, top, found.ends)
    along = np.geomspace(low, high, 200) if scale.log else np.linspace(low, high, 200)
    axes.plot([low, high], [low, high], color=ink(0.35), linewidth=pt(0.8), zorder=1)
    axes.plot(
        along,
        _raised(along, found),
        color=ink(0.35),
        linewidth=pt(0.8),
        linestyle="--",
        zorder=1,
        label=f"persistence of {100 * found.threshold.fraction:.3g} % of the range",
    )
    _draw_marks(axes, found, ends, scale)
    name = labels.plain(labels.quantity([panel]))
    axes.set(xlabel=f"{name} at the {noun(found, 1)}", ylabel=f"{name} at its saddle")
    for axis in ("x", "y"):
        getattr(axes, f"set_{axis}scale")("log" if scale.log else "linear")
        getattr(axes, f"set_{axis}lim")(low, high)
    axes.set_box_aspect(1)


def describe(minima: bool) -> str:
    """Explain the axes."""
    one = "minimum" if minima else "maximum"
    return (
        f"Persistence diagram: the value at the saddle of each {one} against that at the {one}; "
        f"those without a saddle are at the {'upper' if minima else 'lower'} edge. Grey: those "
        "that do not count."
    )


def _raised(values: Floats, found: Extrema) -> Floats:
    """Return the values at which those that begin at ``values`` have the least persistence."""
    height = found.sign * found.threshold.height
    return np.asarray(values * np.exp(height) if found.threshold.log else values + height)


def _draw_marks(axes: Any, found: Extrema, ends: Floats, scale: Scale) -> None:
    counted, others = found.order, np.flatnonzero(~found.significant)
    dots = {"marker": "o", "markersize": pt(2.2), "linestyle": "none", "color": ink(0.55)}
    if len(others):
        axes.plot(
            found.values[others],
            ends[others],
            zorder=2,
            label=f"{noun(found, 2)} that do not count",
            rasterized=len(others) > MAX_VECTOR_DOTS,
            gid="others",
            **dots,
        )
    look = {"marker": MARKERS[found.sign], "markersize": pt(6), "linestyle": "none"}
    look |= {"color": series()[0][0], "markeredgecolor": ink(1), "markeredgewidth": pt(0.6)}
    numbered = len(counted) <= MAX_NUMBERED
    label = f"{noun(found, 2)}{', numbered by persistence' if numbered else ' that count'}"
    x, y = found.values[counted], ends[counted]
    axes.plot(x, y, zorder=3, clip_on=False, label=label, gid="counted", **look)
    if numbered:
        edge = found.tree.endless[counted]
        sides = _sides(np.log(np.stack([x, y])) if scale.log else np.stack([x, y]))
        for number, place in enumerate(zip(x.tolist(), y.tolist(), strict=True), start=1):
            side = sides[number - 1]
            axes.annotate(
                str(number),
                xy=place,
                xytext=(pt(5) * side, -found.sign * pt(7) * bool(edge[number - 1])),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                va="center",
                fontsize=pt(7),
                path_effects=outline(1.8),
                gid="number",
            )


def _sides(places: Floats) -> list[int]:
    """Return the side of each mark, 1 or -1, that is away from the mark nearest to it.

    Args:
        places: the marks' positions, as they are seen, of shape (2, n).
    """
    if places.shape[1] < 2:
        return [1] * places.shape[1]
    apart = np.linalg.norm(places[:, :, None] - places[:, None, :], axis=0)
    np.fill_diagonal(apart, np.inf)
    x, nearest = places[0], apart.argmin(axis=1)
    return [1 if right else -1 for right in x >= x[nearest]]


PAINTER = TopologyPainter(paint, describe, 1.0)
