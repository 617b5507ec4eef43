"""Pictures of surfaces. Only this package imports matplotlib, and only when something is drawn.

A new kind of plot is one module with a ``Painter`` and one line in ``KINDS``.
"""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = ("png", "pdf", "svg")
"""The endings a picture can have."""


MOVIES = ("gif", "mp4")
"""The endings an animation can have."""

STYLES = {
    "paper": "black on white, text of 9 points",
    "talk": "larger text and thicker lines",
    "dark": "on a dark background",
}
"""The looks of a picture, the default first."""


@dataclass(frozen=True)
class Kind:
    """A kind of plot, described without importing what draws it.

    Args:
        target: ``module:attribute`` of its ``Painter``.
        axes: how many axes a surface must have to be drawn so.
        help: one line for the command line.
        deep: whether it is drawn in three dimensions.
    """

    target: str
    axes: int
    help: str
    deep: bool = False


KINDS = {
    "contour": Kind("landscape_cli.plotting.kinds.contour:LINES", 2, "labelled contour lines"),
    "contourf": Kind("landscape_cli.plotting.kinds.contour:FILLED", 2, "filled contours"),
    "heatmap": Kind(
        "landscape_cli.plotting.kinds.heatmap:PAINTER", 2, "one coloured cell per point"
    ),
    "surface": Kind(
        "landscape_cli.plotting.kinds.surface:PAINTER", 2, "a shaded surface in 3-D", True
    ),
    "relief": Kind(
        "landscape_cli.plotting.kinds.surface:ABOVE_LINES",
        2,
        "a surface above its contour lines",
        True,
    ),
    "render": Kind(
        "landscape_cli.plotting.kinds.render:PAINTER", 2, "the same ray-lit (needs pyvista)", True
    ),
    "line": Kind("landscape_cli.plotting.kinds.line:PAINTER", 1, "values along a line"),
}
"""Every kind of plot; a surface's default is "line", "contourf" or "heatmap" by its shape."""

DEEP = tuple(name for name, kind in KINDS.items() if kind.deep)
"""The kinds in three dimensions, which are seen from somewhere."""
