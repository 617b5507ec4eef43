"""Figures of trajectory files: all trainings in the same panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.paths.painter import PathPainter, in_epochs, load, paint
from landscape_cli.plotting.spectra.figure import write_caption
from landscape_cli.plotting.style import style, text_scale, ticks
from landscape_cli.plotting.text import labels
from landscape_cli.records.trajectory import Trajectory

WIDTH, SHAPE = 3.4, 0.72
"""Width of a panel in inches at the base font size, and its height over its width."""

DEFAULT = "lengths"


def draw_paths(
    paths: Sequence[Trajectory],
    sources: Sequence[str],
    kind: str | None = None,
    *,
    columns: int | None = None,
    look: str = "paper",
    size: Size | None = None,
    caption: bool = False,
) -> ShownFigure:
    """Draw the paths of trainings into the same panels.

    Args:
        paths: at least one.
        sources: the file of each, for messages.
        kind: a name in ``PATH_KINDS``; None for the default.
        columns: maximum number of panels in a row; None for 2.
        look: a name in ``STYLES``.
        size: the figure's size; None for one that suits its panels.
        caption: write a caption below all panels.

    Raises:
        UsageError: if a path lacks what the kind shows.
    """
    painter = _painter(paths, sources, kind)
    panels = painter.panels(paths)
    across = min(columns or 2, len(panels))
    rows = -(-len(panels) // across)
    by_epoch = all(map(in_epochs, paths))
    with style(look):
        width = WIDTH * text_scale() if size is None else size.width / across
        height = SHAPE * width * rows + 0.4 * text_scale()
        total = height if size is None or size.height is None else size.height
        figure = ShownFigure(figsize=(across * width, total), layout="constrained")
        for number, panel in enumerate(panels, start=1):
            axes = figure.add_subplot(rows, across, number)
            paint(axes, panel, paths, by_epoch)
            axes.set_xlabel("epoch" if by_epoch else "checkpoint")
            axes.xaxis.set_major_locator(ticks(6))
        _add_legend(figure, paths)
        if caption:
            fixed = size is not None and size.height is not None
            write_caption(figure, describe_paths(paths, sources, kind), fixed)
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


def _add_legend(figure: Any, paths: Sequence[Trajectory]) -> None:
    """Name the trainings above all panels if there are several."""
    if len(paths) < 2:
        return
    handles = [
        handle
        for handle in figure.axes[0].get_lines()
        if not str(handle.get_label()).startswith("_")
    ]
    names = [labels.legend_text(str(handle.get_label())) for handle in handles]
    figure.legend(handles, names, loc="outside upper center", ncols=min(4, len(names)))
