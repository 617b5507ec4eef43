"""Figures of diffusion files: the panels of a kind with one colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from textwrap import wrap
from typing import Any

from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from landscape_cli.plotting.diffusion.colors import Coloring, coloring
from landscape_cli.plotting.diffusion.eigenvalues import BANDS
from landscape_cli.plotting.diffusion.painter import View, choose_painter
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.layout.legend import (
    LEGEND_DROP,
    LEGEND_HANDLE,
    LEGEND_LETTER,
)
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.spectra.figure import write_caption
from landscape_cli.plotting.style import ink, pt, style, text_scale, ticks
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.captions import SUBTITLE
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

STACKED, SPATIAL_SHAPE = 0.62, 0.95
"""Height over width of more than two panels on top of each other, and of axes in space."""

MIN_WIDTH = 2.6
"""Minimum width of a panel in a figure of given width, in inches."""

LINE, LEGEND_LINE = 11, 12.5
"""Heights of a line of a heading and of a legend, in points."""

HEADING_LETTERS = 15
"""Letters per inch of the small lines of a heading, and of a caption."""

SPACE, ROOM, BAR = 0.13, 0.7, 0.45
"""Space between columns of a legend, and widths of axes' own labels and of a bar, in inches."""

SPATIAL_DROP = 24
"""Distance of a legend from axes in space, in points."""

LABELLED = 50.0
"""Ratio of the ends of a logarithmic colour bar below which 2 and 5 are labelled too."""


def draw_diffusion(
    record: Diffusion,
    source: str,
    kind: str | None = None,
    colors: Coloring | None = None,
    *,
    columns: int | None = None,
    look: str = "paper",
    size: Size | None = None,
    caption: bool = False,
    camera: Camera | None = None,
    cmap: str | None = None,
) -> ShownFigure:
    """Draw a diffusion file.

    Args:
        record: its content.
        source: the file.
        kind: a name in ``DIFFUSION_KINDS``; None for the first that the record suits.
        colors: the checkpoints' colours; None for their progress.
        columns: maximum number of panels in a row; None for as many as fit the width.
        look: a name in ``STYLES``.
        size: the figure's size; None for one that suits its panels.
        caption: write a caption below all panels.
        camera: the viewpoint of a map in three dimensions.
        cmap: a colour map of matplotlib; None for viridis.

    Raises:
        UsageError: if the map is not computed yet, or lacks what the kind shows.
    """
    painter = choose_painter(record, source, kind)
    views = painter.views(record)
    colors = colors or coloring(record, source)
    with style(look, cmap):
        title, lines = _heading(record, source, _width(views, columns, size))
        figure, rows, across = _figure(views, columns, size, len(lines))
        _write_heading(figure, title, lines)
        colored: list[tuple[Any, Any]] = []
        for number, view in enumerate(views, start=1):
            projection: Any = "3d" if view.spatial else None
            axes = figure.add_subplot(rows, across, number, projection=projection)
            if (shown := view.paint(axes, record, colors)) is not None:
                colored.append((axes, shown))
            if len(views) > 1:
                axes.set_title(view.title)
            if view.spatial:
                _look_from(axes, camera or Camera())
            bar = BAR * text_scale() if across == 1 and colors.values is not None else 0.0
            _add_legend(axes, figure.get_figwidth() / across - bar)
        if size is None or size.height is None:
            _make_room(figure, across)
        if colored:
            _add_colorbar(figure, colored, colors)
        if caption:
            fixed = size is not None and size.height is not None
            text = describe_diffusion(record, source, kind, colors)
            write_caption(figure, text, fixed, HEADING_LETTERS)
            if views[-1].spatial:
                figure.draw_without_rendering()  # the first layout below a caption is not final
        return figure


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


def _figure(
    views: Sequence[View], columns: int | None, size: Size | None, lines: int
) -> tuple[ShownFigure, int, int]:
    """Return an empty figure with room for lines of a heading, and its rows and columns."""
    across = columns or 2
    if columns is None and size is not None:
        across = min(2, max(1, int(size.width / (MIN_WIDTH * text_scale()))))
    across = min(across, len(views))
    rows = -(-len(views) // across)
    width = WIDTH * text_scale() if size is None else size.width / across
    shape = STACKED if rows > 2 else SPATIAL_SHAPE if views[0].spatial else SHAPE
    height = rows * (shape * width + 0.5 * text_scale()) + pt(LINE) * lines / 72
    total = height if size is None or size.height is None else size.height
    return ShownFigure(figsize=(across * width, total), layout="constrained"), rows, across


def _width(views: Sequence[View], columns: int | None, size: Size | None) -> float:
    """Return a figure's width in inches."""
    return float(_figure(views, columns, size, 0)[0].get_figwidth())


def _heading(record: Diffusion, source: str, width: float) -> tuple[str, list[str]]:
    """Return a title, and lines with the file, its checkpoints and what differs, for a width."""
    stem = labels.shorten(PurePath(source).name.removesuffix(".h5").removesuffix(".diffusion"))
    title = _network(record) or stem
    parts = [_counts(record)] if title == stem else [stem, _counts(record)]
    letters = max(20, round(width * HEADING_LETTERS / text_scale()))
    lines = [line for text in (", ".join(parts), *verdicts(record)) for line in wrap(text, letters)]
    return labels.plain(labels.shorten(title)), [labels.plain(line) for line in lines]


def _write_heading(figure: Any, title: str, lines: Sequence[str]) -> None:
    """Write a title above all panels, and smaller lines into room that is kept below it."""
    room = -(-len(lines) * 8 // 10)
    above = figure.suptitle(title + "\n " * room, fontsize=pt(10))
    below = Annotation(
        "\n".join(lines),
        (0.5, 1),
        xycoords=above,
        xytext=(0, pt(-LINE - 2)),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=pt(8),
        color=ink(0.3),
        gid=SUBTITLE,
    )
    figure.add_artist(below)


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


def _add_legend(axes: Any, width: float) -> None:
    """Put a legend below axes, in as many columns as fit a width in inches."""
    handles, texts = axes.get_legend_handles_labels()
    if not handles:
        return
    lengths = [SPACE + LEGEND_HANDLE + LEGEND_LETTER * len(text) for text in texts]
    columns = len(handles)
    while columns > 1 and _legend_width(lengths, columns) > width / text_scale() - ROOM:
        columns -= 1
    drop = SPATIAL_DROP if axes.name == "3d" else LEGEND_DROP
    below = ScaledTranslation(0, -pt(drop) / 72, axes.figure.dpi_scale_trans)
    place = {"bbox_to_anchor": (0.5, 0), "bbox_transform": axes.transAxes + below}
    axes.legend(loc="upper center", borderaxespad=0, ncols=columns, columnspacing=1.2, **place)


def _make_room(figure: Any, across: int) -> None:
    """Make a figure higher for long legends, of which each row of panels has room for two lines."""
    heights = [0 if axes.get_legend() is None else _lines(axes) for axes in figure.axes]
    rows = [max(heights[first : first + across]) for first in range(0, len(heights), across)]
    if more := sum(max(0, lines - 2) for lines in rows):
        figure.set_figheight(figure.get_figheight() + more * pt(LEGEND_LINE) / 72)
        figure.draw_without_rendering()  # the first layout with such legends is not final


def _lines(axes: Any) -> int:
    """Return the number of lines of an axes' legend."""
    legend = axes.get_legend()
    return -(-len(legend.get_texts()) // int(legend._ncols))


def _legend_width(lengths: Sequence[float], columns: int) -> float:
    """Return the width in inches of entries that fill columns from the top."""
    rows = -(-len(lengths) // columns)
    return sum(max(lengths[first : first + rows]) for first in range(0, len(lengths), rows))


def _add_colorbar(figure: Any, colored: Sequence[tuple[Any, Any]], colors: Coloring) -> None:
    """Add a colour bar that explains the points of all these axes."""
    axes = [one for one, _ in colored]
    bar = figure.colorbar(
        colored[0][1],
        ax=axes,
        label=colors.label,
        location="right",
        extend=colors.extend,
        aspect=25,
        pad=0.16 if axes[0].name == "3d" else 0.02,
    )
    if colors.log:
        low, high = colors.low, colors.high
        close = high < LABELLED * low
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if close else (1,)))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: labels.number(value)))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        bar.set_ticks(ticks(8))


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
