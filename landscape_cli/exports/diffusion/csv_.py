"""CSV: a row for each checkpoint with its coordinates, or the matrix of distances."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options
from landscape_cli.exports.diffusion.files import check_complete
from landscape_cli.exports.diffusion.npz import distances
from landscape_cli.records.dynamics.diffusion import Diffusion

Floats = NDArray[np.float64]

CHECKPOINT = "checkpoint"
"""The first column, by which ``output_files`` recognizes these tables."""

COORDINATES, DISTANCES = "coordinates", "distances"
"""Tables, by the option's value."""

KNOWN = {"epoch": "epochs", "step": "steps", "loss": "losses", "learning_rate": "learning_rates"}
"""Arrays of the record by column."""


def write(record: Diffusion, file: str, path: Path, options: Options) -> None:
    """Write a table.

    Numbers have enough digits to be read back exactly; unknown ones are left empty. Further
    checkpoints follow those of the map, with 1 in the column ``onto``.

    Raises:
        UsageError: if the map is not computed yet, or there is no such table.
    """
    check_complete(record, file)
    table = options.quantity or COORDINATES
    if table not in (COORDINATES, DISTANCES):
        raise UsageError(f"--quantity {table!r}: expected {COORDINATES} or {DISTANCES}")
    with open(path, "w", newline="", encoding="utf-8") as output:
        writer = csv.writer(output, lineterminator="\n")
        if table == DISTANCES:
            writer.writerow([CHECKPOINT, *record.labels])
            for label, row in zip(record.labels, distances(record), strict=True):
                writer.writerow([label, *row.tolist()])
            return
        columns = list(_columns(record))
        writer.writerow([name for name, _ in columns])
        writer.writerows(zip(*(cells for _, cells in columns), strict=True))


def _columns(record: Diffusion) -> Iterator[tuple[str, list[Any]]]:
    """Yield the name and the cells of each column."""
    assert record.coordinates is not None
    onto = record.onto
    further = 0 if onto is None else len(onto.labels)
    names = [record.names[number] for number in record.training]
    if onto is not None:
        names += [onto.names[number - len(record.names)] for number in onto.training]
    yield CHECKPOINT, [*record.labels, *(onto.labels if onto else ())]
    yield "training", names
    yield "onto", [0] * len(record.labels) + [1] * further
    for column, attribute in KNOWN.items():
        own, more = getattr(record, attribute), getattr(onto, attribute, None)
        if own is not None or more is not None:
            yield column, _cells(own, len(record.labels)) + _cells(more, further)
    for number in range(record.components):
        more = None if onto is None else onto.coordinates[:, number]
        own = record.coordinates[:, number]
        yield f"psi_{number + 1}", _cells(own, len(own)) + _cells(more, further)
    if record.pca is not None:
        for number in range(2):
            yield (
                f"pca_{number + 1}",
                _cells(record.pca[:, number], len(names) - further) + [None] * further,
            )


def _cells(values: Floats | None, count: int) -> list[float | None]:
    """Return numbers, None where unknown."""
    if values is None:
        return [None] * count
    return [None if np.isnan(value) else float(value) for value in values]
