"""The HDF5 schema of a surface, ``format_version`` 1; only this module reads and writes it.

    /                    attributes format, format_version, complete, config, provenance, checksums
    /axes/x, /axes/y     float64 coordinates; no y for a line, also z for a volume
    /axes/x_length       along a curve: its length from t = 0 to each coordinate
    /values/SPLIT/NAME   float64 of shape (ny, nx) or (nx,): row = y; NaN where nothing was computed
    /stderr/SPLIT/NAME   standard error of the mean over samples
    /samples/SPLIT       int32: samples that each point was evaluated on, where this differs
    /status              uint8: 0 to do, 1 ok, 2 not finite, 3 failed, 4 interpolated
    /seconds, /rank      float32, int32: time spent on each point, and the rank (-1: none)

At the top level, xcoordinates, ycoordinates, train_loss, train_acc (percent), test_loss and
test_acc repeat these in the layout of Li et al.'s `loss-landscape`.

With repeats, the attribute repeats holds their number, and all arrays have a leading dimension of
that length, except those in the other tool's layout, which hold the means over the repeats.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from landscape_cli.records.curves.facts import CurveFacts
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.provenance import MOST_RANKS, check_provenance
from landscape_cli.records.repeats import mean_over_repeats
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.store.atomic_write import Check, publish, unchecked
from landscape_cli.store.hdf5.description import read_description
from landscape_cli.store.hdf5.reading import check_format, reading
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.hdf5.writing import TABLE_BYTES, Writer

FORMAT = "loss-landscape"
FORMAT_VERSION = 1

LENGTH = "_length"
"""Ending of the name of lengths along an axis; they follow from the provenance."""

HEAD_BYTES = 20_000
"""Approximate size of the configuration and the provenance."""

STEP_ERROR = 1e-6
"""Upper bound on the deviation of coordinates from an equidistant axis, as a fraction of a step."""

ALIASES: dict[str, tuple[Quantity, float]] = {
    "train_loss": (("train", "loss"), 1),
    "train_acc": (("train", "accuracy"), 100),
    "test_loss": (("test", "loss"), 1),
    "test_acc": (("test", "accuracy"), 100),
}
"""Quantity and factor of each of the other tool's arrays."""


def write_surface(path: str | os.PathLike[str], surface: Surface, check: Check = unchecked) -> None:
    """Write a surface, complete or not, and replace the file in one step.

    Args:
        path: the file.
        surface: its content.
        check: called before the file is replaced; raises to prevent it.

    Raises:
        StoreError: if the file can't be written.
    """
    publish(Path(path), lambda file: _fill(Writer(file), surface), check)


def read_surface(path: str | os.PathLike[str]) -> Surface:
    """Read a surface file.

    Raises:
        StoreError: if the file is missing, damaged or not one of our surfaces, or its
            ``format_version`` is newer than this program knows.
    """
    with reading(path, "surface file") as file:
        check_format(file, path, FORMAT, FORMAT_VERSION, "a surface made by `landscape compute`")
        return _read(file)


def surface_bytes(points: int, quantities: Iterable[Quantity]) -> int:
    """Estimate the size of a surface's file in bytes, from its points and quantities."""
    distinct = set(quantities)
    copied = sum(source in distinct and factor != 1 for source, factor in ALIASES.values())
    arrays = 2 * len(distinct) + copied + 5
    return points * (16 * len(distinct) + 8 * copied + 9) + arrays * TABLE_BYTES + HEAD_BYTES


def _fill(file: Writer, surface: Surface) -> None:
    repeats = {"repeats": surface.grid.repeats} if surface.grid.repeated else {}
    file.attributes(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "complete": surface.complete,
            **repeats,
            "config": yaml.safe_dump(dict(surface.config), sort_keys=False),
            "provenance": json.dumps(dict(surface.provenance), default=str),
        }
    )
    for name, axis in surface.grid.axes.items():
        file.array(f"axes/{name}", axis.coordinates)
        file.link(f"{name}coordinates", f"axes/{name}")
    if curve := CurveFacts.of_surface(surface.provenance, surface.grid.names):
        file.array(f"axes/x{LENGTH}", curve.lengths(surface.grid.axes["x"].coordinates))
    for group, arrays in (("values", surface.values), ("stderr", surface.stderr)):
        for (split, quantity), array in arrays.items():
            file.array(f"{group}/{split}/{quantity}", array)
    for split, samples in surface.samples.items():
        file.array(f"samples/{split}", samples)
    file.array("status", surface.status)
    file.array("seconds", surface.seconds)
    file.array("rank", surface.rank)
    _fill_aliases(file, surface)
    file.seal()


def _fill_aliases(file: Writer, surface: Surface) -> None:
    """Repeat values in the other tool's layout."""
    for alias, (source, factor) in ALIASES.items():
        if source in surface.values:
            values = surface.values[source]
            if surface.grid.repeated:
                file.array(alias, factor * mean_over_repeats(values))
            elif factor == 1:
                file.link(alias, "/".join(("values", *source)))
            else:
                file.array(alias, factor * values)


def _read(file: StoredFile) -> Surface:
    names = [name for name in file.names("axes") if not name.endswith(LENGTH)]
    axes = {name: _axis(name, file.numbers(f"axes/{name}")) for name in names}
    grid = Grid(axes, file.integer("", "repeats") if file.has("", "repeats") else 1)
    config, provenance = read_description(file)
    check_provenance(provenance, grid)
    CurveFacts.of_surface(provenance, grid.names)  # raises ValueError for what is no curve
    return Surface(
        grid=grid,
        values=_quantities(file, "values", grid),
        stderr=_quantities(file, "stderr", grid),
        status=_status(_array(file, "status", np.uint8, grid)),
        seconds=_array(file, "seconds", np.float32, grid),
        rank=_rank(_array(file, "rank", np.int32, grid)),
        config=config,
        provenance=provenance,
        samples={name: _samples(file, name, grid) for name in file.names("samples")},
    )


def _samples(file: StoredFile, split: str, grid: Grid) -> Any:
    """Read the numbers of samples of a split, none of which is negative."""
    array = _array(file, f"samples/{split}", np.int32, grid)
    if (negative := array[array < 0]).size:
        raise ValueError(f"samples/{split} has the number {negative.flat[0]}")
    return array


def _status(array: Any) -> Any:
    """Return the array if each of its entries is a status."""
    if (unknown := array[array > max(Status)]).size:
        raise ValueError(f"there is no status {unknown.flat[0]}")
    return array


def _rank(array: Any) -> Any:
    """Return the array if each of its entries may be a rank, or -1 for none."""
    if (unknown := array[(array < -1) | (array > MOST_RANKS)]).size:
        raise ValueError(f"there is no rank {unknown.flat[0]}")
    return array


def _quantities(file: StoredFile, group: str, grid: Grid) -> dict[Quantity, Any]:
    return {
        (split, name): _array(file, f"{group}/{split}/{name}", np.float64, grid)
        for split in file.names(group)
        for name in file.names(f"{group}/{split}")
    }


def _array(file: StoredFile, path: str, dtype: Any, grid: Grid) -> Any:
    """Read an array over the grid, whose numbers the dtype can hold."""
    array = file.numbers(path, "fiu" if np.dtype(dtype).kind == "f" else "iu")
    if array.shape != grid.shape:
        raise ValueError(f"{path} has shape {array.shape}, but the grid {grid.shape}")
    converted = array.astype(dtype, copy=False)
    if converted.dtype.kind != "f" and not np.array_equal(converted, array):
        raise ValueError(f"{path} has numbers beyond {np.dtype(dtype)}")
    return converted


def _axis(name: str, coordinates: Any) -> Axis:
    """Return the axis with these coordinates, which must be its own."""
    if coordinates.ndim != 1 or not len(coordinates):
        raise ValueError(f"axes/{name} has shape {coordinates.shape}")
    axis = Axis(float(coordinates[0]), float(coordinates[-1]), len(coordinates))
    step = (axis.high - axis.low) / max(1, axis.points - 1)
    if not np.abs(coordinates - axis.coordinates).max() <= STEP_ERROR * step:
        raise ValueError(f"axes/{name} is not equidistant and ascending")
    return axis
