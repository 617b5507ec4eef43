"""CSV: one row per point, written block by block."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.exports import Options, Source
from landscape_cli.exports.arrays import STDERR, array_names, sample_names, selected
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

ROWS = 4096
"""Number of rows formatted at once."""

UNKNOWN = (Status.TODO, Status.FAILED)
"""States of points whose values are left empty."""


def write(sources: Sequence[Source], path: Path, options: Options) -> list[str]:
    """Write the coordinates, every quantity, its standard error and the status of every point.

    Points are in the surface's order, x fastest. Numbers have enough digits to be read back
    exactly; results that are not finite are ``nan``, ``inf`` and ``-inf``, and values that were not
    computed are left empty. The status is a word.

    Numbers of samples come before the status, where points took as many samples as they need.
    """
    surface = selected(sources[0], options)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_header(surface))
        for first in range(0, surface.total, ROWS):
            writer.writerows(_rows(surface, range(first, min(first + ROWS, surface.total))))
    return []


def _header(surface: Surface) -> list[str]:
    columns = ["repeat"] if surface.grid.repeated else []
    columns += surface.grid.names
    for key, name in array_names(surface).items():
        columns += [name, name + STDERR] if key in surface.stderr else [name]
    return [*columns, *sample_names(surface).values(), "status"]


def _rows(surface: Surface, indices: range) -> Iterator[tuple[Any, ...]]:
    """Return the rows of consecutive points, given by their flat indices."""
    part = slice(indices.start, indices.stop)
    status = surface.status.ravel()[part]
    empty = np.isin(status, UNKNOWN)
    columns = [list(column) for column in zip(*surface.grid.coordinates(indices), strict=True)]
    if surface.grid.repeated:
        columns.insert(0, [int(number) for number in columns.pop()])
    for key in surface.values:
        for arrays in (surface.values, surface.stderr):
            if key in arrays:
                columns.append(_cells(arrays[key].ravel()[part], empty))
    columns += [surface.samples[split].ravel()[part].tolist() for split in sample_names(surface)]
    columns.append([Status(state).name.lower() for state in status])
    return zip(*columns, strict=True)


def _cells(values: NDArray[np.float64], empty: NDArray[np.bool_]) -> list[Any]:
    """Return the numbers, with None where no value was computed."""
    pairs = zip(values.tolist(), empty.tolist(), strict=True)
    return [None if absent else value for value, absent in pairs]
