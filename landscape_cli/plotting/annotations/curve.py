"""Draw the curve of a plane, the straight line beside it, and its bends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.pins import draw_line, draw_marks, draw_pins
from landscape_cli.plotting.scene3d.visibility import Sight
from landscape_cli.plotting.style import ink, outline, pt
from landscape_cli.plotting.text.labels import legend_text, plain, shorten
from landscape_cli.records.curves import title_of
from landscape_cli.records.curves.plane import CurveInPlane

Floats = NDArray[np.float64]

STRAIGHT = "straight line"
"""Name of the line through both ends."""

MAX_NAME_LENGTH = 24
"""Maximum number of characters of an end's name."""

DASHES = (0, (3, 2))
"""Dashes of the straight line, in widths of the line."""


def draw_curve(axes: Any, curve: CurveInPlane) -> None:
    """Draw a curve over a flat panel: a solid line, a dashed straight one, and hollow bends."""
    axes.plot(*curve.coordinates.T, zorder=5.5, **curve_look(curve))
    axes.plot(*curve.straight.T, zorder=5.4, **straight_look())
    axes.plot(*curve.bends.T, zorder=5.8, **bend_look(curve))


def draw_curve_above(
    axes: Any, curve: CurveInPlane, lifted: list[Floats], sight: Sight, floor: float
) -> None:
    """Draw a curve on the surface of a 3-D panel, with its ends and their names.

    Args:
        axes: the 3-D axes.
        curve: the curve.
        lifted: what ``lines_of`` returns, with heights, each of shape (n, 3).
        sight: the surface and the eye.
        floor: the height of the box's floor.
    """
    line, straight, bends, ends = lifted
    draw_line(axes, line, sight, zorder=5.5, **curve_look(curve))
    draw_line(axes, straight, sight, zorder=5.4, **straight_look())
    draw_marks(axes, bends, sight, zorder=5.8, **bend_look(curve))
    look = {"linestyle": "none", "marker": "D", "markersize": 4.5, "markeredgewidth": 0.7}
    colors = {"markerfacecolor": "white", "markeredgecolor": "black"}
    named = {"zorder": 6, "label": "_ends", "gid": "ends"}
    draw_pins(axes, ends, floor, sight, **named, **look, **colors)
    for name, place in zip(end_names(curve), ends, strict=True):
        if np.isfinite(place).all():
            style = {"fontsize": pt(8), "path_effects": outline(1.8), "gid": "end"}
            axes.text(*place, f"{name}\n", zorder=7, ha="center", va="center", **style)


def lines_of(curve: CurveInPlane) -> list[Floats]:
    """Return closely spaced points of the curve and of the straight line, the bends and the ends.

    Each is of shape (n, 2).
    """
    first, last = curve.straight
    steps = np.linspace(0, 1, len(curve.t))[:, None]
    return [curve.coordinates, first + steps * (last - first), curve.bends, curve.straight]


def curve_label(curve: CurveInPlane) -> str:
    """Return a curve's entry of the legend, which says if it does not lie in the plane."""
    return title_of(curve.shape) + (" (projected)" if curve.residual > 0 else "")


def bend_label(curve: CurveInPlane) -> str:
    """Return the bends' entry of the legend."""
    return "bend" if len(curve.bends) == 1 else "bends"


def end_names(curve: CurveInPlane) -> list[str]:
    """Return the names of the ends as matplotlib draws them."""
    return [plain(shorten(name, MAX_NAME_LENGTH)) for name in curve.names]


def curve_look(curve: CurveInPlane) -> dict[str, Any]:
    """Return the properties of the curve's line."""
    return {
        "color": ink(0),
        "linewidth": pt(1.6),
        "path_effects": outline(3.4),
        "solid_joinstyle": "round",
        "label": legend_text(curve_label(curve)),
        "gid": "curve",
    }


def straight_look() -> dict[str, Any]:
    """Return the properties of the straight line."""
    return {
        "color": ink(0),
        "linewidth": pt(1),
        "linestyle": DASHES,
        "path_effects": outline(2.4),
        "label": STRAIGHT,
        "gid": "straight",
    }


def bend_look(curve: CurveInPlane) -> dict[str, Any]:
    """Return the properties of the bends."""
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": pt(5),
        "color": ink(0),
        "markerfacecolor": "none",
        "markeredgecolor": ink(0),
        "markeredgewidth": pt(1.2),
        "path_effects": outline(2.6),
        "label": bend_label(curve),
        "gid": "bend",
    }
