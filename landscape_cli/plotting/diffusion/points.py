"""Checkpoints as points of a plane or of space, joined in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.path import ENDS
from landscape_cli.plotting.diffusion.colors import Coloring
from landscape_cli.plotting.style import colormap, ink, pt, series
from landscape_cli.plotting.text.labels import legend_text, shorten
from landscape_cli.records.dynamics.diffusion import Diffusion

Floats = NDArray[np.float64]

MARKERS = ("o", "^", "D", "v", "P", "X", "p", "h")
"""Markers of the trainings, in turn."""

MAX_EDGED = 150
"""With more checkpoints of a training than this, their markers have no edges."""

MAX_NAME = 30
"""Maximum number of characters of a training's name."""

UNKNOWN = 0.6
"""Lightness of checkpoints whose value is unknown."""


def draw_points(
    axes: Any, record: Diffusion, places: Floats, colors: Coloring, named: bool = True
) -> Any:
    """Draw the checkpoints of every training, joined in order.

    Args:
        axes: the axes, flat or in space.
        record: whose checkpoints these are.
        places: their coordinates, of shape (n, 2) or (n, 3).
        colors: their colours.
        named: whether they have entries in a legend.

    Returns:
        The points, for a colour bar; None if colours show trainings.
    """
    shown = None
    several = len(record.names) > 1 or record.onto is not None
    for number, name in enumerate(record.names):
        own = record.training == number
        if not own.any():
            continue
        line = training_color(number) if several else ink(UNKNOWN)
        look: dict[str, Any] = {"color": line, "linewidth": pt(0.7), "alpha": 0.7}
        axes.plot(*places[own].T, zorder=2, label="_path", **look)
        values = None if colors.values is None else colors.values[own]
        shown = _scatter(axes, places[own], values, colors, number, several) or shown
        if several and named:
            _name(axes, number, name, hollow=False)
    for number in range(len(record.names)):
        _draw_ends(axes, places[record.training == number], named and number == 0)
    return shown


def draw_onto(axes: Any, record: Diffusion, colors: Coloring, count: int) -> None:
    """Draw further checkpoints hollow, by their first ``count`` coordinates.

    Those that the kernel does not reach have no place, and are left out.
    """
    if record.onto is None:
        return
    places = record.onto.coordinates[:, :count]
    for number, name in enumerate(record.onto.names, start=len(record.names)):
        own = (record.onto.training == number) & np.isfinite(places).all(axis=1)
        values = None if colors.onto is None else colors.onto[own]
        edges = training_color(number)
        if values is not None:
            edges = shades()(colors.norm(np.nan_to_num(values, nan=colors.low)))
        look = {"facecolors": "none", "edgecolors": edges, "linewidths": pt(1), "zorder": 3.5}
        kind = MARKERS[number % len(MARKERS)]
        axes.scatter(*places[own].T, s=pt(4.5) ** 2, marker=kind, label="_onto", **look)
        _name(axes, number, name, hollow=True)


def training_color(number: int) -> Any:
    """Return the colour of a training."""
    colors = series()
    return colors[number % len(colors)][0]


def draw_plain(axes: Any, record: Diffusion, places: Floats) -> None:
    """Draw the points of a walk in one colour."""
    for number in range(len(record.names)):
        own = places[record.training == number]
        look = {"color": ink(0.45), "linewidth": pt(0.7), "markersize": _size(len(own)) ** 0.5}
        axes.plot(*own.T, marker=MARKERS[number % len(MARKERS)], label="_walk", **look)
        _draw_ends(axes, own, False)


def _scatter(
    axes: Any, places: Floats, values: Floats | None, colors: Coloring, number: int, several: bool
) -> Any:
    edged = len(places) <= MAX_EDGED
    look: dict[str, Any] = {
        "marker": MARKERS[number % len(MARKERS)],
        "s": _size(len(places)),
        "linewidths": pt(0.5 if edged else 0),
        "edgecolors": training_color(number) if several and edged else ink(1),
        "zorder": 3,
        "label": "_checkpoints",
        "gid": "checkpoints",
    }
    if places.shape[1] == 3:
        look |= {"depthshade": False}
    if values is None:
        axes.scatter(*places.T, color=training_color(number), **look)
        return None
    return axes.scatter(
        *places.T, c=values, cmap=shades(), norm=colors.norm, plotnonfinite=True, **look
    )


def shades() -> Colormap:
    """Return the part of the colour map that stands out from the background; grey for unknown."""
    low, high = (0.0, 0.93) if sum(ink(1)) > 1.5 else (0.2, 1.0)
    part = colormap()(np.linspace(low, high, 256)).tolist()
    return LinearSegmentedColormap.from_list("part", part).with_extremes(bad=ink(UNKNOWN))


def _size(count: int) -> float:
    """Return the area of a marker, in points squared, among this number."""
    return float(pt(np.clip(60 / np.sqrt(max(1, count)), 1.8, 4.5)) ** 2)


def _draw_ends(axes: Any, places: Floats, named: bool) -> None:
    """Mark the first and the last point of a training."""
    ends: Sequence[tuple[Floats, str, float, str]] = (
        (places[:1], "s", 5, "first"),
        (places[-1:], "*", 9.5, "last"),
    )
    for point, marker, size, name in ends:
        axes.plot(
            *point.T,
            linestyle="none",
            marker=marker,
            markersize=pt(size),
            markerfacecolor=ENDS,
            markeredgecolor=ink(0),
            markeredgewidth=pt(0.7),
            zorder=5,
            label=name if named else f"_{name}",
        )


def _name(axes: Any, number: int, name: str, hollow: bool) -> None:
    """Add a training to the legend."""
    color = training_color(number)
    axes.plot(
        *np.full((3 if axes.name == "3d" else 2, 1), np.nan),
        color=color,
        linewidth=0 if hollow else pt(0.9),
        marker=MARKERS[number % len(MARKERS)],
        markersize=pt(4.5),
        markerfacecolor="none" if hollow else color,
        label=legend_text(shorten(name, MAX_NAME)) + (" (placed)" if hollow else ""),
    )
