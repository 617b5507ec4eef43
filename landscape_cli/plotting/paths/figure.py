"""Figures of trajectory files: all trainings in the same panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.layout.cell import Cell
from landscape_cli.plotting.layout.choice import arrange
from landscape_cli.plotting.layout.sheet import Block, Sheet
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.paths.painter import NAMED, PathPainter, in_epochs, load, paint
from landscape_cli.plotting.style import style, ticks
from landscape_cli.plotting.text import labels
from landscape_cli.records.trajectory import Trajectory

WIDTH, SHAPE = 3.4, 0.72
"""Width of a panel in inches at the base font size, and its height over its width."""

DEFAULT = "lengths"


def draw_paths(
    paths: Sequence[Trajectory],
    sources: Sequence[str],
    kind: str | None = None,
    page: Page | None = None,
) -> ShownFigure:
    """Draw the paths of trainings into the same panels.

    Args:
        paths: at least one.
        sources: the file of each, for messages.
        kind: a name in ``PATH_KINDS``; None for the default.
        page: size, style, columns, texts; None for the defaults.

    Raises:
        UsageError: if a path lacks what the kind shows, or the size is too small.
    """
    page = page or Page()
    painter = _painter(paths, sources, kind)
    by_epoch = all(map(in_epochs, paths))
    with style(page.style, page.cmap, page.font_size):
        figure = ShownFigure(figsize=(WIDTH, SHAPE * WIDTH))
        cells = []
        for panel in painter.panels(paths):
            axes: Any = figure.add_axes((0, 0, 0.9, 0.9))
            paint(axes, panel, paths, by_epoch)
            axes.set_xlabel("epoch" if by_epoch else "checkpoint")
            axes.xaxis.set_major_locator(ticks(6))
            cells.append(Cell(axes))
        sheet = Sheet(
            figure,
            [Block(cells)],
            shape=SHAPE,
            title=labels.plain(page.title),
            caption=labels.plain(describe_paths(paths, sources, kind)) if page.caption else "",
            entries=_entries(figure, paths),
        )
        columns = page.columns or (2 if page.size is None else None)
        arrange(sheet, columns, page.size, WIDTH)
        return figure


def describe_paths(paths: Sequence[Trajectory], sources: Sequence[str], kind: str | None) -> str:
    """Describe a figure in one paragraph without mathtext."""
    painter = _painter(paths, sources, kind)
    parts = [
        f"{path.name or source}: {painter.describe(path)}."
        for path, source in zip(paths, sources, strict=True)
    ]
    dropped = any(path.learning_rates is not None for path in paths)
    return " ".join([*parts, *(["Dotted: the learning rate falls."] if dropped else [])])


def _painter(paths: Sequence[Trajectory], sources: Sequence[str], kind: str | None) -> PathPainter:
    painter = load(kind or DEFAULT)
    for path, source in zip(paths, sources, strict=True):
        if missing := painter.lacks(path):
            whose = f" {path.name}" if path.name else ""
            raise UsageError(f"--kind {kind or DEFAULT}: {source}{whose} {missing}")
    return painter


def _entries(figure: Any, paths: Sequence[Trajectory]) -> list[Any]:
    """Return the legend's entries: the trainings if there are several, then what else is drawn."""
    named = []
    if len(paths) > 1:
        named = [line for line in figure.axes[0].get_lines() if line.get_label()[0] != "_"]
    others = {
        line.get_label()[1:]: line
        for axes in figure.axes
        for line in axes.get_lines()
        if line.get_gid() == NAMED
    }
    for label, line in [*((str(line.get_label()), line) for line in named), *others.items()]:
        line.set_label(labels.legend_text(label))
    return [*named, *others.values()]
