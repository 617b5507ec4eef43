"""Figures of surfaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from landscape_cli.api.arguments import listed_surfaces, refuse_unknown, titles_of
from landscape_cli.api.diffusion import plot_map
from landscape_cli.errors import UsageError
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.surface import Surface

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from landscape_cli.plotting.page import Page


def plot(
    surfaces: Surface | Sequence[Surface] | Diffusion,
    kind: str | None = None,
    *,
    size: str | tuple[float, float] | None = None,
    title: str = "",
    labels: Sequence[str] | None = None,
    cmap: str | None = None,
    style: str = "paper",
    columns: int | None = None,
    caption: bool = False,
    camera: tuple[float, float] | tuple[float, float, float] | None = None,
    dpi: int = 200,
    titles: bool = True,
    colorbar: bool = True,
    font_size: float | None = None,
    **choices: Any,
) -> Figure:
    """Draw surfaces side by side on one scale, as ``landscape plot`` does.

    Args:
        surfaces: one or more, all lines or all planes, complete or not; or a diffusion map.
        kind: ``contour``, ``contourf``, ``heatmap``, ``field``, ``surface``, ``relief``,
            ``render``, ``line``, ``merge-tree`` or ``persistence``; None for the default for the
            surfaces' shape.
        size: ``"column"``, ``"double"``, ``"5x3"`` or (width, height) in inches; None for one that
            suits the panels.
        title: a title above all panels.
        labels: a title for each surface; the networks' names if None.
        cmap: a colour map of matplotlib; None for viridis.
        style: ``paper``, ``talk`` or ``dark``.
        columns: maximum number of panels in a row.
        caption: write a caption below the panels: range, directions, normalization, samples.
        camera: azimuth and elevation in degrees, and zoom, of three-dimensional plots.
        dpi: dots per inch of rendered images.
        titles: write titles above panels.
        colorbar: draw colour bars.
        font_size: size of text in points; None for the style's.
        choices: ``split``, ``quantity`` (or several, each with its own scale), ``repeat`` (an
            index), ``raw`` (draw every point of an incomplete surface, and contours and surfaces
            without interpolation), ``log`` (True or False; None for the values to decide),
            ``vmin``, ``vmax``, ``levels`` (a number, or values), ``twin`` (the quantity on a line's
            second axis), ``at_centre`` (a quantity whose value at the trained network each panel
            states), ``contours_of`` (a quantity whose contour lines lie over planes, or "none"),
            ``quiver`` (arrows downhill over planes), ``ascend`` (the axes along which arrows and
            lines of a field go uphill: "x", "y" or "xy"), ``around`` (the value from which colours
            diverge, or "centre" for the trained network's), ``basins`` (minima, saddles and basins
            over planes), ``neighbours`` and ``persistence`` (which minima).

    Returns:
        A matplotlib figure, which notebooks show and ``savefig`` writes.

    Raises:
        LandscapeError: if the surfaces can't share a figure, or an option does not apply to them.

    Example:
        >>> import landscape_cli as landscape
        >>> from landscape_cli.problems.zoo import build
        >>> problem = build("mlp", samples={"train": 100, "test": 50})
        >>> grid = {"x": (-1, 1, 5), "y": (-1, 1, 3)}
        >>> surface = landscape.compute(problem, grid, progress=False)
        >>> figure = landscape.plot([surface, surface], kind="heatmap", labels=["A", "B"], vmax=9)
        >>> [axes.get_title() for axes in figure.axes[:2]]
        ['A', 'B']
    """
    from landscape_cli.plotting import STYLES
    from landscape_cli.plotting.figure_size import size_of
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.scene3d.camera import Camera
    from landscape_cli.plotting.text.labels import mathtext

    _check("style", style, STYLES)
    page = Page(
        columns,
        style,
        None if size is None else size_of(size),
        dpi,
        caption,
        None if camera is None else Camera(*camera),
        mathtext(title),
        cmap,
        titled=titles,
        colorbar=colorbar,
        font_size=font_size,
    )
    if isinstance(surfaces, Diffusion):
        return plot_map(surfaces, kind, page, {**choices, "labels": labels})
    return _draw_surfaces(surfaces, kind, page, labels, choices)


def _draw_surfaces(
    surfaces: Surface | Sequence[Surface],
    kind: str | None,
    page: Page,
    labels: Sequence[str] | None,
    choices: dict[str, Any],
) -> Figure:
    """Draw surfaces on a page; see ``plot``."""
    from landscape_cli.plotting import KINDS
    from landscape_cli.plotting.figure import draw_picture
    from landscape_cli.plotting.request import Request
    from landscape_cli.plotting.text.labels import mathtext
    from landscape_cli.plotting.topology import TOPOLOGY_KINDS
    from landscape_cli.plotting.topology.figure import draw_topology, topology_panels

    _check("kind", kind, {**KINDS, **TOPOLOGY_KINDS})
    refuse_unknown("plot", choices, Request)
    if isinstance(levels := choices.get("levels"), Iterable):
        choices = {**choices, "levels": tuple(float(level) for level in levels)}
    listed = listed_surfaces(surfaces)
    if not listed:
        raise UsageError("plot: give at least one surface")
    names = titles_of(listed)
    own = names if labels is None else [mathtext(label) for label in labels]
    request = Request(kind, labels=own, **choices)
    names = ["the surface"] if len(listed) == 1 else names
    if kind in TOPOLOGY_KINDS:
        return draw_topology(topology_panels(request, listed, names), request, page)
    picture = request.picture(request.panels(listed, names), request.twins(listed, names))
    return draw_picture(picture, page)


def _check(name: str, value: str | None, known: Sequence[str] | dict[str, Any]) -> None:
    if value is not None and value not in known:
        raise UsageError(f"{name}: got {value!r}, expected one of {', '.join(known)}")
