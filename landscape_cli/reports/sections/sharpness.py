"""Measures of sharpness of the network, from ``landscape sharpness``."""

from __future__ import annotations

from collections.abc import Iterator

from landscape_cli.records.presentation import with_error
from landscape_cli.records.sharpness import Sharpness, SharpnessEntry
from landscape_cli.reports.blocks import Block, Section, Table, incomplete, shown
from landscape_cli.reports.digits import rounded
from landscape_cli.reports.html import lines
from landscape_cli.reports.material import Material, Source

READING = (
    "Sharpness is the rise of the loss near the trained weights: the worst rise within a radius, "
    "or its mean over random offsets. Larger means sharper, but only values of the same measure, "
    "radius, split and number of samples can be compared. The worst rises are those that an ascent "
    "found, and so lower bounds; how well a network generalizes follows from none of them."
)


def blocks(material: Material) -> list[Block]:
    """Return a table for each file."""
    return shown(READING, material.of("sharpness"), _shown)


def _shown(source: Source) -> Iterator[Block]:
    if not source.record.complete:
        yield incomplete(source, "not all measures are computed")
    yield _table(source)


def _table(source: Source) -> Table:
    record: Sharpness = source.record
    split = record.provenance.get("split")
    where = f"{source.name}{f', on {split}' if split else ''}"
    caption = (
        f"Sharpness from {where}: loss {rounded(record.loss)}, "
        f"norm of the gradient {rounded(record.gradient_norm)}, norm of the weights "
        f"{rounded(record.weight_norm)}."
    )
    head = ("measure", "radius", "value", "definition")
    return Table(caption, head, [_row(entry) for entry in record.entries])


def _row(entry: SharpnessEntry) -> tuple[object, ...]:
    value = rounded(entry.value)
    if entry.stderr is not None:
        value = with_error(entry.value, entry.stderr)
    return (
        entry.title,
        f"{entry.symbol} = {entry.radius:g}",
        lines(value, *([entry.note] if entry.note else [])),
        lines(entry.definition, entry.source),
    )


SECTION = Section("Sharpness", blocks, "measures of sharpness", "landscape sharpness {config}")
