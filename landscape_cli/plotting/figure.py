"""Figures: panels side by side on one scale with one colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Any

from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import FixedFormatter, FixedLocator

from landscape_cli.errors import UsageError
from landscape_cli.plotting import THREE_DIMENSIONAL
from landscape_cli.plotting.annotations.text_placement import place_labels
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.kinds.painter import Painter, load
from landscape_cli.plotting.kinds.suitability import choose_kind
from landscape_cli.plotting.kinds.twin import Twin, paint_both
from landscape_cli.plotting.layout.bar import Bar
from landscape_cli.plotting.layout.cell import Cell
from landscape_cli.plotting.layout.choice import MAX_COLUMNS, arrange, draft_of
from landscape_cli.plotting.layout.legend import (
    entries_of,
    needs_letters,
    stated_of,
    without_symbols,
)
from landscape_cli.plotting.layout.sheet import Block, Sheet
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.panel import Panel, by_surface
from landscape_cli.plotting.part import Part
from landscape_cli.plotting.request import Picture
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.style import beyond_look, style, text_scale, ticks
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.captions import headings_of, label_axes
from landscape_cli.plotting.value_range import fit

OVERSAMPLING = 1.5
"""Ratio of a rendered image's resolution to the figure's, as the image is resampled when placed."""

LINE_SHAPE = 0.6
"""Height over width of the axes of a line plot."""

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
    with style(page.style, page.cmap, page.font_size):
        blocks = [_groups(part.panels, own) for part, own in zip(parts, painters, strict=True)]
        draft = draft_of([len(block) for block in blocks], page.columns, page.size)
        if parts[0].kind in THREE_DIMENSIONAL:
            painters = [_with_camera(own, page.camera, draft.width, page.dpi) for own in painters]
        figure = ShownFigure(figsize=(draft.columns * draft.width, draft.width))
        drawn = [
            _draw_part(figure, *each, draft.width)
            for each in zip(parts, blocks, painters, strict=True)
        ]
        _arrange(figure, blocks, drawn, parts, page, text)
        return figure


def _arrange(
    figure: Figure,
    blocks: Sequence[list[list[Panel]]],
    drawn: Sequence[tuple[list[Any], ScalarMappable | None]],
    parts: Sequence[Part],
    page: Page,
    text: str,
) -> None:
    """Write the texts of panels, and arrange everything."""
    groups = [group for block in blocks for group in block]
    every = [axes for all_axes, _ in drawn for axes in all_axes]
    overlaid = load(parts[0].kind).overlay
    with_split = len({panel.split for group in groups for panel in group}) > 1 and not overlaid
    lettered = needs_letters(every)
    boxed = parts[0].kind in THREE_DIMENSIONAL
    words = headings_of(groups, page.titled, with_split, lettered, boxed)
    width = figure.get_figwidth() / text_scale() / max(1, min(MAX_COLUMNS, len(every)))
    for axes, group in zip(every, groups, strict=True):
        label_axes(axes, group, words.meanings, width)
    texts = iter(zip(every, words.titles, words.seconds, strict=True))
    cells = [[Cell(*next(texts)) for _ in all_axes] for all_axes, _ in drawn]
    bars = [
        _bar(figure, mappable, part, block) if mappable is not None and page.colorbar else None
        for (_, mappable), part, block in zip(drawn, parts, blocks, strict=True)
    ]
    entries, spoken = without_symbols(entries_of(every, words.letters))
    stated = stated_of(every, _unspecific(parts)) if "interpolated" not in text else ""
    sheet = Sheet(
        figure,
        [Block(own, bar) for own, bar in zip(cells, bars, strict=True)],
        shape=LINE_SHAPE,
        title=labels.plain(page.title),
        meanings=words.meanings,
        moved=words.moved,
        note="; ".join(filter(None, [words.note, *spoken, stated])),
        caption=labels.plain(text),
        entries=entries,
    )
    arrange(sheet, page.columns, page.size)
    for axes in every:
        place_labels(axes, sheet.ruler)


def _unspecific(parts: Sequence[Part]) -> str:
    """Say that panels are interpolated, for those with different numbers of points."""
    smooth = [one for part in parts if (one := load(part.kind).smooth)]
    return smooth[0].unspecific if smooth else ""


def _check_options(part: Part, camera: Camera | None) -> None:
    kind, levels = part.kind, part.scale.levels
    if levels is not None and not load(kind).has_levels:
        raise UsageError(f"--levels {levels}: --kind {kind} has no levels; use contour or contourf")
    if camera is not None and kind not in THREE_DIMENSIONAL:
        raise UsageError(
            f"--azimuth, --elevation, --zoom: do not apply to --kind {kind}; "
            f"use {' or '.join(THREE_DIMENSIONAL)}"
        )


def _with_camera(painter: Painter, camera: Camera | None, width: float, dpi: int) -> Painter:
    """Bind the camera and the width of images to a three-dimensional painter."""
    paint: Any = painter.paint
    bound = partial(paint, camera=camera, width=round(OVERSAMPLING * width * dpi))
    return replace(painter, paint=bound)


def _draw_part(
    figure: Figure, part: Part, groups: list[list[Panel]], painter: Painter, width: float
) -> tuple[list[Any], ScalarMappable | None]:
    """Draw a part on axes of about the final size; return them, and what a colour bar explains."""
    mappable, found = None, []
    across, up = figure.get_size_inches()
    look: dict[str, Any] = {"projection": painter.projection}
    grid = GridSpec(1, round(across / width), figure)
    for group in groups:
        axes: Any = figure.add_subplot(grid[0], **look)
        axes.set_position((0, 0, 0.8 * width / across, 0.8 * width / up))
        if part.twin is None:
            mappable = painter.paint(axes, group, part.scale)
        else:
            paint_both(axes, group, part.scale, part.twin)
        found.append(axes)
    return found, mappable


def _groups(panels: Sequence[Panel], painter: Painter) -> list[list[Panel]]:
    """Group panels by axes: one panel each, all panels of a surface, or all panels."""
    if painter.joint:
        return [list(panels)]
    return by_surface(panels) if painter.overlay else [[panel] for panel in panels]


def _bar(figure: Figure, mappable: ScalarMappable, part: Part, groups: list[list[Panel]]) -> Bar:
    """Return the colour bar of a part."""
    text, scale = labels.plain(labels.quantity([group[0] for group in groups])), part.scale

    def tick(bar: Any, below: bool) -> None:
        if own := scale.ticks():
            stride = 2 if below and len(own[1]) > 5 else 1
            bar.set_ticks(FixedLocator(own[0][::stride].tolist()))
            bar.formatter = FixedFormatter(own[1][::stride])
        else:
            bar.set_ticks(ticks(5 if below else 8))
        ends = {"neither": [], "min": [False], "max": [True], "both": [False, True]}[scale.extend]
        for extension, above in zip(bar.ax.patches, ends, strict=True):
            extension.set(**beyond_look(above))

    label = f"{text} (log scale)" if scale.log else text
    return Bar(figure, mappable, label, tick, extend=scale.extend, spacing="proportional")
