"""Pictures of surfaces. Only this package imports matplotlib, and only when it draws.

A new kind of plot is one module with a ``Painter`` and one line in ``KINDS``.
"""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = ("png", "pdf", "svg")
"""File extensions of pictures."""

MOVIES = ("gif", "apng", "webp", "mp4")
"""File extensions of animations."""

STYLES = {
    "paper": "black on white, 9-point text",
    "talk": "larger text and thicker lines",
    "dark": "on a dark background",
}
"""Styles of a picture, the default first."""


@dataclass(frozen=True)
class Kind:
    """A kind of plot, described without importing the module that draws it.

    Args:
        target: ``module:attribute`` of its ``Painter``.
        axes: number of axes of the surfaces it can draw.
        help: one line for the command line.
        three_dimensional: whether it is drawn in three dimensions.
        layered: whether other quantities can be drawn over it.
        directed: whether it draws a vector field.
    """

    target: str
    axes: int
    help: str
    three_dimensional: bool = False
    layered: bool = False
    directed: bool = False


KINDS = {
    "contour": Kind("landscape_cli.plotting.kinds.contour:LINES", 2, "labelled contour lines"),
    "contourf": Kind(
        "landscape_cli.plotting.kinds.contour:FILLED", 2, "filled contours", layered=True
    ),
    "heatmap": Kind(
        "landscape_cli.plotting.kinds.heatmap:PAINTER",
        2,
        "one coloured cell per point",
        layered=True,
    ),
    "field": Kind(
        "landscape_cli.plotting.kinds.field:PAINTER",
        2,
        "filled contours under lines of descent",
        layered=True,
        directed=True,
    ),
    "surface": Kind(
        "landscape_cli.plotting.kinds.surface:PAINTER",
        2,
        "a shaded surface in 3-D",
        three_dimensional=True,
    ),
    "relief": Kind(
        "landscape_cli.plotting.kinds.surface:ABOVE_LINES",
        2,
        "a surface above its contour lines",
        three_dimensional=True,
    ),
    "render": Kind(
        "landscape_cli.plotting.kinds.render:PAINTER",
        2,
        "a relief with cast shadows (needs pyvista)",
        three_dimensional=True,
    ),
    "line": Kind("landscape_cli.plotting.kinds.line:PAINTER", 1, "values along a line"),
    "comparison": Kind(
        "landscape_cli.plotting.kinds.comparison:PAINTER", 1, "lines of several files in one axes"
    ),
}
"""Kinds of plot; the default is line, comparison (of curves), contourf or heatmap."""

LAYERED = tuple(name for name, kind in KINDS.items() if kind.layered)
"""Kinds over which contour lines, arrows and outlines of other quantities can be drawn."""

FIELDS = tuple(name for name, kind in KINDS.items() if kind.directed)
"""Kinds that draw a vector field."""

THREE_DIMENSIONAL = tuple(name for name, kind in KINDS.items() if kind.three_dimensional)
"""Kinds drawn in three dimensions, which have a camera."""
