"""Figures of curvature files, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath
from textwrap import wrap
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import CAPTION_LETTERS, ShownFigure
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.layout.grid import MAX_COLUMNS
from landscape_cli.plotting.layout.legend import explain
from landscape_cli.plotting.spectra.painter import MATRICES, SpectrumPainter, default_kind, load
from landscape_cli.plotting.style import pt, style, text_scale
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.captions import SUBTITLE, annotate
from landscape_cli.records.curvature import Curvature
from landscape_cli.records.presentation import fact

WIDTH, SHAPE = 4.6, 0.68
"""Width of a panel in inches at the base font size, and its height over its width."""

MIN_WIDTH = 2.8
"""Minimum width of a panel in a figure of given width, in inches."""

BLOCK_HEIGHT = 0.42
"""Height of a block's bars in inches at the base font size."""


def draw_spectra(
    records: Sequence[Curvature],
    sources: Sequence[str],
    kind: str | None = None,
    *,
    columns: int | None = None,
    look: str = "paper",
    size: Size | None = None,
    caption: bool = False,
) -> ShownFigure:
    """Draw curvature files side by side.

    Args:
        records: at least one.
        sources: the file of each.
        kind: a name in ``SPECTRUM_KINDS``; None for the default for the first record.
        columns: maximum number in a row; None for as many as fit the width.
        look: a name in ``STYLES``.
        size: the figure's size; None for one that suits its panels.
        caption: write a caption below all panels.

    Raises:
        UsageError: if a record lacks what the kind shows.
    """
    kind, painter = choose_spectrum_kind(records, sources, kind)
    with style(look):
        figure = _figure(records, kind, columns, size)
        rows, across = figure[1:]
        for number, (record, source) in enumerate(zip(records, sources, strict=True), start=1):
            axes: Any = figure[0].add_subplot(rows, across, number)
            painter.paint(axes, record)
            _write_titles(axes, record, source)
            explain(axes, axes.get_legend_handles_labels()[0])
        if caption:
            fixed = size is not None and size.height is not None
            write_caption(figure[0], describe_spectra(records, sources, kind), fixed)
        return figure[0]


def choose_spectrum_kind(
    records: Sequence[Curvature], sources: Sequence[str], kind: str | None
) -> tuple[str, SpectrumPainter]:
    """Return the kind, and its painter, if it suits all records.

    Raises:
        UsageError: if one has no values yet, or lacks what the kind shows.
    """
    for record, source in zip(records, sources, strict=True):
        if not record.done.any():
            raise UsageError(f"{source}: no checkpoint is computed yet; run landscape curvature")
    kind = kind or default_kind(records[0])
    painter = load(kind)
    for record, source in zip(records, sources, strict=True):
        if missing := painter.lacks(record):
            raise UsageError(f"--kind {kind}: {source} {missing}")
    return kind, painter


def describe_spectra(records: Sequence[Curvature], sources: Sequence[str], kind: str) -> str:
    """Describe a figure in one paragraph without mathtext."""
    painter = load(kind)
    parts = []
    for record, source in zip(records, sources, strict=True):
        matrix = MATRICES.get(record.matrix, record.matrix)
        text = f"{matrix} of {_network(record) or source}: {record.parameters:,} parameters"
        split = str(fact(record.provenance, "split") or "")
        samples = fact(record.provenance, "splits", split, "samples")
        text += f", {samples:,} {split} samples." if isinstance(samples, int) else "."
        parts.append(f"{text} {painter.describe(record)}")
    return " ".join(parts)


def _figure(
    records: Sequence[Curvature], kind: str, columns: int | None, size: Size | None
) -> tuple[ShownFigure, int, int]:
    """Return an empty figure, and its numbers of rows and columns."""
    across = columns or MAX_COLUMNS
    if columns is None and size is not None:
        across = max(1, int(size.width / MIN_WIDTH))
    across = min(across, len(records))
    rows = math.ceil(len(records) / across)
    width = WIDTH * text_scale() if size is None else size.width / across
    height = SHAPE * width + 0.4 * text_scale()
    if kind == "blocks":
        most = max(len(record.blocks) for record in records)
        height = max(height, text_scale() * (BLOCK_HEIGHT * most + 1.2))
    total = rows * height if size is None or size.height is None else size.height
    return ShownFigure(figsize=(across * width, total), layout="constrained"), rows, across


def _write_titles(axes: Any, record: Curvature, source: str) -> None:
    """Write the network's name, and below it the file, the matrix and what is not computed."""
    path = PurePath(source)
    stem = labels.shorten(path.name.removesuffix(".h5").removesuffix(".curvature"))
    title = _network(record) or stem
    parts = [MATRICES.get(record.matrix, record.matrix)]
    parts = parts if title == stem else [stem, *parts]
    if not record.done.all():
        parts.append(f"{int(record.done.sum())} of {len(record.labels)} checkpoints computed")
    axes.set_title(labels.plain(labels.shorten(title)), pad=6 + pt(11))
    annotate(axes, labels.plain(", ".join(parts)), (0.5, 1), 5, SUBTITLE)


def write_caption(
    figure: ShownFigure, text: str, fixed: bool, per_inch: float = CAPTION_LETTERS
) -> None:
    """Write a caption below all panels, and make room for it unless the height is fixed.

    Args:
        figure: the figure.
        text: the caption.
        fixed: whether the height is fixed.
        per_inch: letters per inch; fewer for wider ones, as of numbers and symbols.
    """
    letters = max(20, int(figure.get_figwidth() * per_inch / text_scale()))
    lines = [labels.plain(line) for line in wrap(text, letters)]
    figure.supxlabel("\n".join(lines), x=0.02, ha="left", fontsize=pt(8))
    if not fixed:
        figure.set_figheight(figure.get_figheight() + len(lines) * pt(10) / 72)


def _network(record: Curvature) -> str:
    return str(fact(record.provenance, "network", "name") or "")
