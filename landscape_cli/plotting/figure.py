"""Figures: panels side by side on one scale with one colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from textwrap import wrap
from typing import Any

from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from landscape_cli.errors import UsageError
from landscape_cli.plotting import THREE_DIMENSIONAL
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.kinds.painter import Painter, load
from landscape_cli.plotting.kinds.suitability import choose_kind
from landscape_cli.plotting.kinds.twin import Twin, paint_both
from landscape_cli.plotting.layout.grid import (
    Layout,
    fit_height_to_boxes,
    fit_height_to_lines,
    lay_out,
    make_room_for_legends,
)
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.panel import Panel, by_surface
from landscape_cli.plotting.part import Part
from landscape_cli.plotting.request import Picture
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.style import beyond_look, pt, style, text_scale, ticks
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.captions import add_labels, add_shared_labels
from landscape_cli.plotting.value_range import fit

OVERSAMPLING = 1.5
"""Ratio of a rendered image's resolution to the figure's, as the image is resampled when placed."""

CAPTION_LETTERS = 16.5
"""Letters of a caption per inch."""


NOTEBOOK_DPI = 110
"""Dots per inch of a figure in a notebook."""


class ShownFigure(Figure):
    """A figure that Jupyter shows, whether or not pyplot and its backend are there."""

    def _repr_png_(self) -> bytes:
        picture = BytesIO()
        self.savefig(picture, format="png", dpi=NOTEBOOK_DPI, bbox_inches="tight")
        return picture.getvalue()


def draw(
    panels: Sequence[Panel],
    kind: str | None = None,
    scale: Scale | None = None,
    columns: int | None = None,
    look: str = "paper",
    size: Size | None = None,
    twin: Twin | None = None,
    text: str = "",
    camera: Camera | None = None,
    dpi: int = 200,
    title: str = "",
    cmap: str | None = None,
    beside: Sequence[Part] = (),
) -> Figure:
    """Draw panels side by side with the same limits.

    Args:
        panels: at least one, all of the same dimension and quantity.
        kind: a name in ``KINDS``; None for the default for the panels' shape.
        scale: limits and levels; None for those that ``fit`` chooses without options.
        columns: maximum number of panels in a row; None for as many as fit the width.
        look: a name in ``STYLES``.
        size: the figure's size; None for one that suits its panels.
        twin: the panels and scale of a second axis.
        text: a caption below all panels.
        camera: the viewpoint of three-dimensional plots.
        dpi: dots per inch of rendered images.
        title: a title above all panels.
        cmap: a colour map of matplotlib; None for viridis.
        beside: panels of further quantities, each with its own kind, limits and colour bar.

    Raises:
        UsageError: if the panels cannot share a figure, or an option does not apply to the kind.
    """
    kind = choose_kind(panels, kind)
    parts = [Part(panels, kind, scale or fit(panels), twin), *beside]
    page = Page(columns, look, size, dpi, camera=camera, title=title, cmap=cmap)
    return draw_parts(*parts, page=page, text=text)


def draw_picture(picture: Picture, page: Page) -> Figure:
    """Draw a picture on a page.

    Raises:
        UsageError: if the panels can't share a figure, or an option does not apply to the kind.
    """
    return draw_parts(*picture.parts, page=page, text=picture.caption if page.caption else "")


def draw_parts(*parts: Part, page: Page, text: str = "") -> Figure:
    """Draw the parts of a figure on a page, with a caption below all panels.

    Raises:
        UsageError: if an option does not apply to a kind, or the size is too small.
    """
    for part in parts:
        _check_options(part, page.camera)
    painters = [load(part.kind) for part in parts]
    painter = painters[0]
    with style(page.style, page.cmap, page.font_size):
        blocks = [_groups(part.panels, own) for part, own in zip(parts, painters, strict=True)]
        layout = lay_out(blocks, painters, page.columns, page.size)
        if parts[0].kind in THREE_DIMENSIONAL:
            painters = [_with_camera(own, page.camera, layout, page.dpi) for own in painters]
        figure = _draw(parts, blocks, painters, layout, page)
        fixed, layers = page.fixed, parts[0].panels[0].layers
        if not fixed and layers:
            make_room_for_legends(figure)
        if page.title:
            figure.suptitle(labels.plain(page.title), fontsize=pt(11))
        if layout.below and not fixed:
            fit_height_to_boxes(figure, layout)
        if text:
            _write_caption(figure, text, painter, fixed)
        if painter.overlay and not fixed:
            fit_height_to_lines(figure, layout.rows)
        elif text and painter.projection is None and (layout.rows > 1 or layers):
            figure.draw_without_rendering()  # the first layout below a caption is not final
        return figure


def _check_options(part: Part, camera: Camera | None) -> None:
    kind, levels = part.kind, part.scale.levels
    if levels is not None and not load(kind).has_levels:
        raise UsageError(f"--levels {levels}: --kind {kind} has no levels; use contour or contourf")
    if camera is not None and kind not in THREE_DIMENSIONAL:
        raise UsageError(
            f"--azimuth, --elevation, --zoom: do not apply to --kind {kind}; "
            f"use {' or '.join(THREE_DIMENSIONAL)}"
        )


def _with_camera(painter: Painter, camera: Camera | None, layout: Layout, dpi: int) -> Painter:
    """Bind the camera and the image width to a three-dimensional painter."""
    width = round(OVERSAMPLING * layout.panel[0] * dpi)
    paint: Any = painter.paint
    return replace(painter, paint=partial(paint, camera=camera, width=width))


def _draw(
    parts: Sequence[Part],
    blocks: Sequence[list[list[Panel]]],
    painters: Sequence[Painter],
    layout: Layout,
    page: Page,
) -> Figure:
    figure = ShownFigure(figsize=layout.figure, layout="compressed")
    places = layout.places([len(block) for block in blocks])
    for part, block, painter, numbers in zip(parts, blocks, painters, places, strict=True):
        look: dict[str, Any] = {"projection": painter.projection}
        grid = layout.rows, layout.columns
        all_axes = [figure.add_subplot(*grid, number, **look) for number in numbers]
        _draw_part(figure, all_axes, part, block, painter, layout, page)
    return figure


def _draw_part(
    figure: Figure,
    all_axes: list[Any],
    part: Part,
    groups: list[list[Panel]],
    painter: Painter,
    layout: Layout,
    page: Page,
) -> None:
    """Draw a part on its axes, with one colour bar if its kind has one."""
    splits = {panel.split for group in groups for panel in group}
    with_split = len(splits) > 1 and not painter.overlay
    mappable = None
    for axes, group in zip(all_axes, groups, strict=True):
        if part.twin is None:
            mappable = painter.paint(axes, group, part.scale)
        else:
            paint_both(axes, group, part.scale, part.twin)
        surfaces = by_surface(group)
        if len(surfaces) > 1:
            add_shared_labels(axes, surfaces, layout.panel)
        else:
            add_labels(axes, group[0], with_split, layout.panel)
        if not page.titled:
            axes.set_title("")
    if mappable is not None and page.colorbar:
        text = labels.plain(labels.quantity([group[0] for group in groups]))
        _add_colorbar(figure, all_axes, mappable, part.scale, text, layout.below)


def _write_caption(figure: Figure, text: str, painter: Painter, fixed: bool) -> None:
    """Write a caption as wide as the figure below everything, and make room unless fixed."""
    letters = max(20, int(figure.get_figwidth() * CAPTION_LETTERS / text_scale()))
    lines = [labels.plain(line) for line in wrap(text, letters)]
    if painter.projection is not None:
        lines.insert(0, "")  # the layout ignores the legends of 3-D axes
    figure.supxlabel("\n".join(lines), x=0.02, ha="left", fontsize=pt(8))
    if not fixed:
        figure.set_figheight(figure.get_figheight() + len(lines) * pt(10) / 72)


def _groups(panels: Sequence[Panel], painter: Painter) -> list[list[Panel]]:
    """Group panels by axes: one panel each, all panels of a surface, or all panels."""
    if painter.joint:
        return [list(panels)]
    return by_surface(panels) if painter.overlay else [[panel] for panel in panels]


def _add_colorbar(
    figure: Figure, axes: list[Any], mappable: ScalarMappable, scale: Scale, text: str, below: bool
) -> None:
    bar = figure.colorbar(
        mappable,
        ax=axes,
        label=f"{text} (log scale)" if scale.log else text,
        location="bottom" if below else "right",
        extend=scale.extend,
        spacing="proportional",
        aspect=30 if below else 25,
    )
    if own := scale.ticks():
        stride = 2 if below and len(own[1]) > 5 else 1
        bar.set_ticks(FixedLocator(own[0][::stride].tolist()))
        bar.formatter = FixedFormatter(own[1][::stride])
    else:
        bar.set_ticks(ticks(5 if below else 8))
    ends = {"neither": [], "min": [False], "max": [True], "both": [False, True]}[scale.extend]
    for extension, above in zip(bar.ax.patches, ends, strict=True):
        extension.set(**beyond_look(above))
