"""Figures of ensemble files: a panel for each split."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.ensembles.painter import choose_painter
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.layout.cell import Cell
from landscape_cli.plotting.layout.choice import arrange
from landscape_cli.plotting.layout.legend import entries_of, explain
from landscape_cli.plotting.layout.sheet import Block, Sheet
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.style import style
from landscape_cli.plotting.text import labels
from landscape_cli.records.ensemble import Ensemble
from landscape_cli.records.presentation import fact

WIDTH, SHAPE = 3.8, 0.85
"""Width of a panel in inches at the base font size, and its height over its width."""


def draw_ensemble(
    record: Ensemble,
    source: str,
    kind: str | None = None,
    split: str | None = None,
    page: Page | None = None,
) -> ShownFigure:
    """Draw an ensemble file.

    Args:
        record: its content.
        source: the file.
        kind: a name in ``ENSEMBLE_KINDS``; None for the one that suits the record.
        split: the split to draw; all if None.
        page: size, style, columns, texts; None for the defaults.

    Raises:
        UsageError: if the record has no such split, or not what the kind shows, or the size is too
            small.
    """
    page = page or Page()
    painter = choose_painter(record, source, kind)
    splits = shown_splits(record, source, split)
    with style(page.style, page.cmap, page.font_size):
        figure = ShownFigure(figsize=(WIDTH, SHAPE * WIDTH))
        cells = []
        for name in splits:
            axes: Any = figure.add_axes((0, 0, 0.9, 0.9))
            painter.paint(axes, record, name)
            explain(axes, axes.get_legend_handles_labels()[0])
            cells.append(Cell(axes, *_titles(record, source, name, page, len(splits) > 1)))
        caption = describe_ensemble(record, source, kind, split) if page.caption else ""
        sheet = Sheet(
            figure,
            [Block(cells)],
            shape=SHAPE,
            title=labels.plain(page.title),
            caption=labels.plain(caption),
            entries=entries_of([cell.axes for cell in cells], []),
        )
        arrange(sheet, page.columns, page.size, WIDTH)
        return figure


def shown_splits(record: Ensemble, source: str, split: str | None) -> tuple[str, ...]:
    """Return the splits to draw.

    Raises:
        UsageError: if there is no such split.
    """
    if split is None:
        return record.splits
    if split not in record.splits:
        raise UsageError(f"--split {split}: {source} has {', '.join(record.splits)}")
    return (split,)


def describe_ensemble(
    record: Ensemble, source: str, kind: str | None = None, split: str | None = None
) -> str:
    """Describe a figure in one paragraph without mathtext."""
    painter = choose_painter(record, source, kind)
    splits = shown_splits(record, source, split)
    parts = [painter.describe(record, name) for name in splits]
    return " ".join([f"{_network(record) or source}.", *parts])


def _titles(
    record: Ensemble, source: str, split: str, page: Page, several: bool
) -> tuple[str, str]:
    """Return the network's name, and the split and what is missing."""
    stem = labels.shorten(PurePath(source).name.removesuffix(".json").removesuffix(".ensemble"))
    title = page.labels[0] if page.labels else labels.shorten(_network(record) or stem)
    parts = [split] if page.titled or several else []
    if not record.complete:
        parts.append("incomplete")
    return labels.plain(title) if page.titled else "", labels.plain(", ".join(parts))


def _network(record: Ensemble) -> str:
    return str(fact(record.provenance, "network", "name") or "")
