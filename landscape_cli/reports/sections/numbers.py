"""The numbers of ``landscape describe``, each with a sentence on how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landscape_cli.analysis import NUMBERS
from landscape_cli.analysis.describe import describe
from landscape_cli.errors import UsageError
from landscape_cli.reports.blocks import Block, Section, Table, explained, paragraph
from landscape_cli.reports.digits import in_three_digits
from landscape_cli.reports.html import Html, joined, lines, tag
from landscape_cli.reports.material import Material, Source, main_quantity, splits_of

READING = (
    "The numbers describe these slices, not the whole parameter space. Lengths are in the units of "
    "the axes: along filter-normalized directions, 1 is the norm of the network's own filters. "
    "Networks can be compared by them only on slices with the same directions, normalization and "
    "grid. docs/describe.md defines each number."
)


def blocks(material: Material) -> list[Block]:
    """Return a table for each surface; what was explained in one is not explained in the next."""
    told: set[str] = set()
    found = [_table(source, told) for source in material.surfaces()]
    tables = [one for one in found if one is not None]
    return [paragraph(READING), *tables] if tables else []


def _table(source: Source, told: set[str]) -> Block | None:
    """Return the numbers of a surface on each split.

    Args:
        source: the surface.
        told: numbers that were explained, to which those of the table are added.
    """
    if (quantity := main_quantity(source.record)) is None:
        return None
    try:
        facts = describe(source.record, quantities=[quantity])
    except UsageError as error:
        return paragraph(f"{source.name}: {str(error).removeprefix('FILE: ')}.")
    rows = []
    for name, number in NUMBERS.items():
        entries = {one["split"]: one for one in facts["numbers"]}
        splits = [split for split in splits_of(source.record) if split in entries]
        cells = {split: _texts(entries[split], name) for split in splits}
        if any(cells.values()):
            reading = "" if name in told else number.reading
            told.add(name)
            rows.append((name, _cell({key: one for key, one in cells.items() if one}, reading)))
    return Table(_caption(source, facts, quantity), (), rows)


def _caption(source: Source, facts: Mapping[str, Any], quantity: str) -> str:
    points = " x ".join(str(len(axis)) for axis in facts["axes"].values())
    text = f"Numbers of {source.name}: {quantity} on {points} points"
    if not facts["complete"]:
        text += ", the finest level that is complete"
    if facts["repeats"] > 1:
        text += f"; means of {facts['repeats']} repeats"
    counts = facts["numbers"][0]["points"]
    for key, words in (("failed", "failed"), ("not_finite", "not finite, and left out")):
        if counts[key]:
            text += f"; {counts[key]:g} points {words}"
    return f"{text}."


def _texts(entry: Mapping[str, Any], name: str) -> list[str]:
    """Return the lines of a number, the reason why it is unknown, or nothing."""
    if entry.get(name) is not None:
        return [in_three_digits(text) for text in NUMBERS[name].text(entry[name])]
    return [f"unknown: {entry['unknown'][name]}"] if name in entry["unknown"] else []


def _cell(cells: Mapping[str, list[str]], reading: str) -> Html:
    """Return a cell with the lines of each split side by side, and how to read them."""
    if len(cells) == 1:
        (split,) = cells
        return explained([f"{split}: {cells[split][0]}", *cells[split][1:]], reading)
    columns = [
        tag("div", tag("b", split), tag("br"), lines(*texts), class_="value")
        for split, texts in cells.items()
    ]
    words = [tag("div", reading, class_="reading")] if reading else []
    return joined(tag("div", *columns, class_="splits"), *words)


SECTION = Section("Numbers", blocks)
