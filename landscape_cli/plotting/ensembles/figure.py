"""Figures of ensemble files: a panel for each split."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.ensembles.painter import choose_painter
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.layout.legend import explain
from landscape_cli.plotting.spectra.figure import write_caption
from landscape_cli.plotting.style import pt, style, text_scale
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.captions import SUBTITLE, annotate
from landscape_cli.records.ensemble import Ensemble
from landscape_cli.records.presentation import fact

WIDTH, SHAPE = 3.8, 0.85
"""Width of a panel in inches at the base font size, and its height over its width."""


def draw_ensemble(
    record: Ensemble,
    source: str,
    kind: str | None = None,
    *,
    split: str | None = None,
    columns: int | None = None,
    look: str = "paper",
    size: Size | None = None,
    caption: bool = False,
) -> ShownFigure:
    """Draw an ensemble file.

    Args:
        record: its content.
        source: the file.
        kind: a name in ``ENSEMBLE_KINDS``; None for the one that suits the record.
        split: the split to draw; all if None.
        columns: maximum number of panels in a row; None for all.
        look: a name in ``STYLES``.
        size: the figure's size; None for one that suits its panels.
        caption: write a caption below all panels.

    Raises:
        UsageError: if the record has no such split, or not what the kind shows.
    """
    painter = choose_painter(record, source, kind)
    splits = shown_splits(record, source, split)
    across = min(columns or len(splits), len(splits))
    rows = -(-len(splits) // across)
    with style(look):
        width = WIDTH * text_scale() if size is None else size.width / across
        height = SHAPE * width + 0.5 * text_scale()
        total = rows * height if size is None or size.height is None else size.height
        figure = ShownFigure(figsize=(across * width, total), layout="constrained")
        for number, name in enumerate(splits, start=1):
            axes = figure.add_subplot(rows, across, number)
            painter.paint(axes, record, name)
            _write_titles(axes, record, source, name)
            explain(axes, axes.get_legend_handles_labels()[0])
        if caption:
            fixed = size is not None and size.height is not None
            write_caption(figure, describe_ensemble(record, source, kind, split), fixed)
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


def _write_titles(axes: Any, record: Ensemble, source: str, split: str) -> None:
    """Write the network's name, and below it the file, the split and what is missing."""
    stem = labels.shorten(PurePath(source).name.removesuffix(".json").removesuffix(".ensemble"))
    title = _network(record) or stem
    parts = [split] if title == stem else [stem, split]
    if not record.complete:
        parts.append("incomplete")
    axes.set_title(labels.plain(labels.shorten(title)), pad=6 + pt(11))
    annotate(axes, labels.plain(", ".join(parts)), (0.5, 1), 5, SUBTITLE)


def _network(record: Ensemble) -> str:
    return str(fact(record.provenance, "network", "name") or "")
