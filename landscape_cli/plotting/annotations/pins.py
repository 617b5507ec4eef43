"""Lines and pins in 3-D boxes, drawn differently where the surface hides them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from landscape_cli.plotting.scene3d.visibility import Sight
from landscape_cli.plotting.style import ink, pt

Floats = NDArray[np.float64]

STEM_POINTS = 40
"""Number of points of a stem whose visibility is computed."""

SHORTEST = 0.04
"""Minimum length of a stem, as a fraction of the range of heights."""

DOTS = (0, (1, 1.5))
"""Dashes of hidden lines, in widths of the line."""


def draw_line(axes: Any, points: Floats, sight: Sight, **look: Any) -> None:
    """Draw a line in a 3-D box: solid where it is visible, faint and dotted where hidden.

    Args:
        axes: the 3-D axes.
        points: closely spaced points, of shape (n, 3); NaN where there is no line.
        sight: the surface and the eye.
        look: the properties of the visible part.
    """
    hidden = sight.hides(points)
    if hidden.any():
        width = {"linewidth": 0.8 * look["linewidth"], "zorder": look["zorder"] - 0.05}
        rest = {"alpha": 0.6, "linestyle": DOTS, "gid": "hidden", "color": look["color"]}
        axes.plot(*_where(points, _widened(hidden)).T, **rest, **width)
    axes.plot(*_where(points, ~hidden).T, **look)


def draw_marks(axes: Any, points: Floats, sight: Sight, **look: Any) -> None:
    """Draw marks in a 3-D box, hollow where the surface hides them; see ``draw_line``."""
    hidden = sight.hides(points)
    if hidden.any():
        axes.plot(*points[hidden].T, **{**look, **hollow_look(), "label": "_hidden"})
    axes.plot(*_where(points, ~hidden).T, **look)


def draw_pins(axes: Any, points: Floats, floor: float, sight: Sight, **look: Any) -> None:
    """Draw marks on a surface, each with a thin stem to a dot on the floor of the box.

    Args:
        axes: the 3-D axes.
        points: the marks' places, of shape (n, 3).
        floor: the height of the floor.
        sight: the surface and the eye.
        look: the properties of the marks.
    """
    for x, y, z in points[np.isfinite(points).all(axis=1)]:
        if z > floor + SHORTEST * (sight.ends[1] - sight.ends[0]):
            heights = np.linspace(z, floor, STEM_POINTS)
            stem = np.column_stack([np.full_like(heights, x), np.full_like(heights, y), heights])
            thin = {"color": ink(0.25), "linewidth": pt(0.7), "gid": "stem-of-pin"}
            draw_line(axes, stem, sight, zorder=look["zorder"] - 0.2, **thin)
            foot = {"marker": "o", "markersize": pt(2.2), "linestyle": "none", "gid": "foot"}
            seen = {"color": ink(0.25), "zorder": look["zorder"] - 0.2}
            draw_marks(axes, stem[-1:], sight, **foot, **seen)
    draw_marks(axes, points, sight, **look)


def hollow_look() -> dict[str, Any]:
    """Return the properties of a mark that the surface hides: a white ring on any colour."""
    return {
        "markerfacecolor": "none",
        "markeredgecolor": "white",
        "markeredgewidth": pt(0.9),
        "path_effects": [withStroke(linewidth=pt(2.2), foreground="black")],
        "gid": "hidden",
    }


def _where(points: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Return points with heights of NaN except where a mask holds."""
    heights = np.where(mask, points[:, 2], np.nan)
    return np.column_stack([points[:, :2], heights])


def _widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the neighbours of a mask's points, so that parts of a line meet."""
    padded = np.pad(mask, 1)
    wide: NDArray[np.bool_] = padded[:-2] | padded[1:-1] | padded[2:]
    return wide
