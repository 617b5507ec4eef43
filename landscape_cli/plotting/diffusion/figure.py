"""Figures of diffusion files: the panels of a kind with one colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from landscape_cli.plotting.diffusion.colors import Coloring, coloring
from landscape_cli.plotting.diffusion.eigenvalues import BANDS
from landscape_cli.plotting.diffusion.painter import View, choose_painter
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.layout.bar import Bar
from landscape_cli.plotting.layout.cell import Cell
from landscape_cli.plotting.layout.choice import arrange
from landscape_cli.plotting.layout.legend import entries_of, explain
from landscape_cli.plotting.layout.sheet import Block, Sheet
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.style import ink, style, ticks
from landscape_cli.plotting.text import labels
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.dynamics.null_comparison import (
    UNKNOWN,
    Comparison,
    compare,
    ordered_nulls,
    sentences,
)
from landscape_cli.records.presentation import fact

WIDTH, SHAPE = 3.6, 0.8
"""Width of a panel in inches at the base font size, and its height over its width."""

SPATIAL_SHAPE = 0.95
"""Height over width of axes in space."""

LABELLED = 50.0
"""Ratio of the ends of a logarithmic colour bar below which 2 and 5 are labelled too."""


def draw_diffusion(
    record: Diffusion,
    source: str,
    kind: str | None = None,
    colors: Coloring | None = None,
    page: Page | None = None,
) -> ShownFigure:
    """Draw a diffusion file.

    Args:
        record: its content.
        source: the file.
        kind: a name in ``DIFFUSION_KINDS``; None for the first that the record suits.
        colors: the checkpoints' colours; None for their progress.
        page: size, style, columns, texts, viewpoint; None for the defaults.

    Raises:
        UsageError: if the map is not computed yet, or lacks what the kind shows, or the size is too
            small.
    """
    page = page or Page()
    painter = choose_painter(record, source, kind)
    views = painter.views(record)
    colors = colors or coloring(record, source)
    with style(page.style, page.cmap, page.font_size):
        figure = ShownFigure(figsize=(WIDTH, WIDTH))
        every: list[Any] = []
        shown = [_paint(figure, view, record, colors, page, every) for view in views]
        title, lines = _heading(record, source, page)
        titles = [view.title if len(views) > 1 else "" for view in views]
        caption = describe_diffusion(record, source, kind, colors) if page.caption else ""
        sheet = Sheet(
            figure,
            _blocks(figure, every, titles, shown, colors),
            shape=SPATIAL_SHAPE if views[0].spatial else SHAPE,
            title=title,
            lines=lines,
            caption=labels.plain(caption),
            entries=entries_of(every, []),
        )
        if not page.colorbar:
            for block in sheet.blocks:
                block.bar = None
        columns = page.columns or (2 if page.size is None else None)
        arrange(sheet, columns, page.size, WIDTH)
        return figure


def _paint(
    figure: Any, view: View, record: Diffusion, colors: Coloring, page: Page, every: list[Any]
) -> Any:
    """Draw a panel on new axes, and return what a colour bar explains, if anything."""
    projection: Any = "3d" if view.spatial else None
    axes = figure.add_axes((0, 0, 0.9, 0.9), projection=projection)
    every.append(axes)
    shown = view.paint(axes, record, colors)
    explain(axes, axes.get_legend_handles_labels()[0])
    if view.spatial:
        _look_from(axes, page.camera or Camera())
    return shown


def _blocks(
    figure: Any, every: Sequence[Any], titles: Sequence[str], shown: Sequence[Any], colors: Coloring
) -> list[Block]:
    """Return the panels as one block, with the colour bar of those with coloured points."""
    cells = [Cell(*each) for each in zip(every, titles, strict=True)]
    colored = [mappable for mappable in shown if mappable is not None]
    if not colored:
        return [Block(cells)]
    bar = Bar(figure, colored[0], colors.label, partial(_tick, colors), extend=colors.extend)
    return [Block(cells, bar)]


def describe_diffusion(
    record: Diffusion, source: str, kind: str | None = None, colors: Coloring | None = None
) -> str:
    """Describe a figure in one paragraph without mathtext."""
    painter = choose_painter(record, source, kind)
    parts = [f"{_network(record) or source}: {_counts(record)}.", painter.describe(record)]
    if colors is not None and any(colors.clipped):
        below, above = colors.clipped
        parts.append(f"Beyond the colours' ends: {below} checkpoints below, {above} above.")
    return " ".join([*parts, *sentences(record)])


def _heading(record: Diffusion, source: str, page: Page) -> tuple[str, str]:
    """Return a title, and lines with the file, its checkpoints and what differs."""
    stem = labels.shorten(PurePath(source).name.removesuffix(".h5").removesuffix(".diffusion"))
    title = page.title or (page.labels[0] if page.labels else _network(record) or stem)
    parts = [_counts(record)] if title == stem else [stem, _counts(record)]
    lines = [", ".join(parts), *verdicts(record)]
    if not page.titled:
        return "", ""
    shown = title if page.title or page.labels else labels.shorten(title)
    return labels.plain(shown), labels.plain("\n".join(lines))


def verdicts(record: Diffusion) -> list[str]:
    """Say in a line for each null in which statistics a map differs from its walks."""
    found, lines = compare(record), []
    for null in ordered_nulls(record):
        own = [one for one in found if one.kind == null.kind and one.verdict != UNKNOWN]
        if own:
            lines.append(_verdict(own, BANDS.get(null.kind, null.kind)))
    return lines


def _verdict(found: Sequence[Comparison], walks: str) -> str:
    """Name the statistics that differ from some walks', or else the others, if these are fewer."""
    unlike = [one.short for one in found if one.differs]
    alike = [one.short for one in found if not one.differs]
    if not unlike or not alike:
        return f"{'unlike' if unlike else 'like'} {walks} in all {len(found)} statistics"
    if len(unlike) <= len(alike):
        return f"unlike {walks} in {', '.join(unlike)}; like them in {_others(len(alike))}"
    return f"like {walks} in {', '.join(alike)}; unlike them in {_others(len(unlike))}"


def _others(count: int) -> str:
    return "the other statistic" if count == 1 else f"the other {count} statistics"


def _tick(colors: Coloring, bar: Any, below: bool) -> None:
    """Set the ticks of a colour bar."""
    if not colors.log:
        bar.set_ticks(ticks(5 if below else 8))
        return
    axis = bar.ax.xaxis if below else bar.ax.yaxis
    close = colors.high < LABELLED * colors.low
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if close else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: labels.number(value)))
    axis.set_minor_formatter(NullFormatter())


def _look_from(axes: Any, camera: Camera) -> None:
    """Set the viewpoint of axes in space, and leave the panes without colour."""
    axes.view_init(camera.elevation, camera.azimuth)
    axes.set_box_aspect(None, zoom=0.85 * camera.zoom)
    axes.tick_params(pad=0)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(ink(0.4))
        axis._axinfo["grid"]["color"] = ink(0.85)


def _counts(record: Diffusion) -> str:
    """Return the numbers of checkpoints, trainings and parameters in words."""
    text = f"{len(record.labels):,} checkpoints"
    if len(record.names) > 1:
        text += f" of {len(record.names)} trainings"
    return f"{text}, {record.parameters:,} parameters"


def _network(record: Diffusion) -> str:
    return str(fact(record.provenance, "network", "name") or "")
