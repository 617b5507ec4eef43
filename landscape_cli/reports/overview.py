"""The head of a report: what it is about, and the values at the trained network."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from landscape_cli.records.presentation import PERCENT, fact, share, with_error
from landscape_cli.records.surface import Surface
from landscape_cli.reports.blocks import Table
from landscape_cli.reports.html import Html, lines, tag
from landscape_cli.reports.material import Material, Source, at_centre, provenance_of, splits_of
from landscape_cli.util.versions import now
from landscape_cli.version import __version__

SHORT = 12
"""Characters of a hash that tell files apart."""


def subtitle(material: Material, link: str | None = None) -> Html:
    """Return the line below the title: checkpoint, date, version, link to an interactive page."""
    checkpoint = next(
        filter(None, (provenance_of(one).get("checkpoint") for one in material.sources)), None
    )
    parts = [f"Made on {now()[:10]} by landscape {__version__}"]
    if checkpoint is not None:
        mark = str(checkpoint.get("sha256", "unknown"))[:SHORT]
        parts.insert(0, f"Checkpoint {checkpoint['path']} (SHA-256 {mark})")
    more = [] if link is None else [" ", tag("a", "Interactive page", href=quote(link)), "."]
    return tag("p", ". ".join(parts), ".", *more, class_="subtitle")


def overview(material: Material) -> Table:
    """Return the table at the top: network, values at the centre, and the files."""
    rows: list[tuple[str, object]] = [("network", _network(material))]
    for source in material.surfaces():
        if found := list(_centre(source.record)):
            where = f"at the trained network, from {source.name}"
            rows += [(f"{split} values", lines(values, where)) for split, values in found]
            break
    rows.append(("files", lines(*(f"{one.name} ({_what(one)})" for one in material.sources))))
    return Table("The network and the files that this report shows.", (), rows)


def _network(material: Material) -> str:
    for source in material.sources:
        count = fact(provenance_of(source), "network", "parameters")
        if isinstance(count, int):
            return f"{material.network}, {count:,} parameters"
    return material.network


def _centre(surface: Surface) -> Iterator[tuple[str, str]]:
    """Yield each split with its values at the trained network."""
    measured = fact(surface.config, "measures") or {}
    for split in splits_of(surface):
        texts = []
        for name in surface.quantities(split):
            found = None if name in measured else at_centre(surface, split, name)
            if found is None:
                continue
            value, error = found
            if name in PERCENT:
                texts.append(f"{name} {with_error(100 * value, 100 * error)} %")
            else:
                texts.append(f"{name} {with_error(value, error)}")
        if texts:
            yield split, ", ".join(texts)


def _what(source: Source) -> str:
    """Say what a file holds, and how much of it is computed."""
    from landscape_cli.reports.file_kinds import FILE_KINDS

    kind, record = source.kind, source.record
    if kind != "surface":
        return FILE_KINDS[kind].name
    points = " x ".join(str(axis.points) for axis in record.grid.axes.values())
    text = f"{ {1: 'line', 2: 'plane', 3: 'volume'}[len(record.grid.axes)] }, {points} points"
    if record.complete:
        return text
    return f"{text}, {share(record.done / record.total) if record.done else '0 %'} computed"
