"""Ensembles that the network belongs to: scores and reliability."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from landscape_cli.records.ensemble import Ensemble
from landscape_cli.reports.blocks import Block, Drawing, Figure, Section, Table, incomplete, shown
from landscape_cli.reports.material import Material, Source

HEAD = ("", "loss", "accuracy", "Brier score", "calibration error")

READING = (
    "Averaged predictions nearly always beat their members; averaged weights only do where the "
    "networks lie in one basin. Loss and Brier score are better if smaller; the calibration error "
    "is the mean gap between confidence and accuracy, depends on the number of bins, and can be "
    "small for a useless network."
)


def blocks(material: Material) -> list[Block]:
    """Return the picture of each ensemble file, and a table for each split."""
    return shown(READING, material.of("ensemble"), _shown)


def _shown(source: Source) -> Iterator[Block]:
    record: Ensemble = source.record
    if not record.complete:
        yield incomplete(source, "not all scores are computed")
    if record.tables:
        yield Figure(f"picture of {source.name}", partial(draw, source))
    yield from _tables(source)


def draw(source: Source, look: str) -> Drawing:
    """Draw the picture that suits an ensemble file."""
    from landscape_cli.plotting.ensembles.figure import describe_ensemble, draw_ensemble
    from landscape_cli.plotting.page import Page

    figure = draw_ensemble(source.record, source.name, page=Page(style=look))
    return Drawing([figure], describe_ensemble(source.record, source.name))


def _tables(source: Source) -> Iterator[Table]:
    """Yield a table for each split; along a curve, only the picture shows every place."""
    if source.record.curve is not None:
        return
    for table in source.record.tables:
        caption = f"Scores on {table.samples:,} samples of {table.split}, from {source.name}."
        yield Table(caption, HEAD, [row.cells for row in table.rows])


SECTION = Section("Ensemble", blocks, "ensemble", "landscape ensemble {config} 'RUNS/*.pt'")
