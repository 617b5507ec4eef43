"""Figures of curvature files, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.layout.cell import Cell
from landscape_cli.plotting.layout.choice import arrange
from landscape_cli.plotting.layout.legend import entries_of, explain
from landscape_cli.plotting.layout.sheet import Block, Sheet
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.spectra.painter import MATRICES, SpectrumPainter, default_kind, load
from landscape_cli.plotting.style import style, text_scale
from landscape_cli.plotting.text import labels
from landscape_cli.records.curvature import Curvature
from landscape_cli.records.presentation import fact

WIDTH, SHAPE = 4.6, 0.68
"""Width of a panel in inches at the base font size, and its height over its width."""

BLOCK_HEIGHT = 0.42
"""Height of a block's bars in inches at the base font size."""


def draw_spectra(
    records: Sequence[Curvature],
    sources: Sequence[str],
    kind: str | None = None,
    page: Page | None = None,
) -> ShownFigure:
    """Draw curvature files side by side.

    Args:
        records: at least one.
        sources: the file of each.
        kind: a name in ``SPECTRUM_KINDS``; None for the default for the first record.
        page: size, style, columns, texts; None for the defaults.

    Raises:
        UsageError: if a record lacks what the kind shows, or the size is too small.
    """
    page = page or Page()
    kind, painter = choose_spectrum_kind(records, sources, kind)
    with style(page.style, page.cmap, page.font_size):
        figure = ShownFigure(figsize=(WIDTH, SHAPE * WIDTH))
        cells = []
        for number, record in enumerate(records):
            axes: Any = figure.add_axes((0, 0, 0.9, 0.9))
            painter.paint(axes, record)
            explain(axes, axes.get_legend_handles_labels()[0])
            cells.append(Cell(axes, *_titles(records, sources, number, page)))
        note = _matrices(records)
        sheet = Sheet(
            figure,
            [Block(cells)],
            shape=SHAPE,
            least_height=_least_height(records, kind),
            title=labels.plain(page.title),
            note=note if len(records) > 1 else "",
            caption=labels.plain(describe_spectra(records, sources, kind)) * page.caption,
            entries=entries_of([cell.axes for cell in cells], []),
        )
        arrange(sheet, page.columns, page.size, WIDTH)
        return figure


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


def _least_height(records: Sequence[Curvature], kind: str) -> float:
    """Return the least height of axes in inches, in which the names of blocks have room."""
    most = max(len(record.blocks) for record in records)
    return BLOCK_HEIGHT * most * text_scale() if kind == "blocks" else 0.0


def _titles(
    records: Sequence[Curvature], sources: Sequence[str], number: int, page: Page
) -> tuple[str, str]:
    """Return the network's name, and the file, the matrix and what is not computed."""
    names = [
        _network(record) or _stem(source) for record, source in zip(records, sources, strict=True)
    ]
    record, title, stem = records[number], names[number], _stem(sources[number])
    parts = [stem] if names.count(title) > 1 and title != stem and not page.labels else []
    if page.labels:
        title = page.labels[number]
    if len({other.matrix for other in records}) > 1 or len(records) == 1:
        parts.append(MATRICES.get(record.matrix, record.matrix))
    parts = parts if page.titled else []
    if not record.done.all():
        parts.append(f"{int(record.done.sum())} of {len(record.labels)} checkpoints computed")
    shown = labels.plain(title if page.labels else labels.shorten(title)) if page.titled else ""
    return shown, labels.plain(", ".join(parts))


def _matrices(records: Sequence[Curvature]) -> str:
    """Say of which matrix the eigenvalues of all records are, unless they differ in it."""
    found = {MATRICES.get(record.matrix, record.matrix) for record in records}
    return labels.plain(f"eigenvalues of the {found.pop()}") if len(found) == 1 else ""


def _stem(source: str) -> str:
    return labels.shorten(PurePath(source).name.removesuffix(".h5").removesuffix(".curvature"))


def _network(record: Curvature) -> str:
    return str(fact(record.provenance, "network", "name") or "")
