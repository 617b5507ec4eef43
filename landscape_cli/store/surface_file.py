"""The HDF5 schema of a surface, ``format_version`` 1; only this module reads and writes it.

    /                    attributes format, format_version, complete, config, provenance
    /axes/x, /axes/y     float64 coordinates; no y for a line, also z for a volume
    /values/SPLIT/NAME   float64 of shape (ny, nx) or (nx,): row = y; NaN where nothing was computed
    /stderr/SPLIT/NAME   standard error of the mean over samples
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

import h5py
import numpy as np
import yaml

from landscape_cli.errors import StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.repeats import mean_over_repeats
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.store.atomic_write import Check, publish, unchecked
from landscape_cli.store.hdf5_reading import reading, text

FORMAT = "loss-landscape"
FORMAT_VERSION = 1

HEAD_BYTES = 20_000
"""Approximate size of HDF5's own tables, the configuration and the provenance."""

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
    publish(Path(path), lambda file: _fill(file, surface), check)


def read_surface(path: str | os.PathLike[str]) -> Surface:
    """Read a surface file.

    Raises:
        StoreError: if the file is missing, damaged or not one of our surfaces, or its
            ``format_version`` is newer than this program knows.
    """
    with reading(path, "surface file") as file:
        _check_format(file, path)
        return _read(file)


def surface_bytes(points: int, quantities: Iterable[Quantity]) -> int:
    """Estimate the size of a surface's file in bytes, from its points and quantities."""
    distinct = set(quantities)
    copied = sum(source in distinct and factor != 1 for source, factor in ALIASES.values())
    return points * (16 * len(distinct) + 8 * copied + 9) + HEAD_BYTES


def _check_format(file: h5py.File, path: str | os.PathLike[str]) -> None:
    if "format" not in file.attrs or text(file, "format") != FORMAT:
        raise StoreError(
            f"{os.fspath(path)}: an HDF5 file, but not a surface made by `landscape compute`"
        )
    version = int(file.attrs["format_version"])
    if version > FORMAT_VERSION:
        raise StoreError(
            f"{os.fspath(path)}: format_version {version} is newer than {FORMAT_VERSION}, the "
            "newest this program reads; install a newer landscape-cli"
        )


def _fill(file: h5py.File, surface: Surface) -> None:
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["complete"] = surface.complete
    if surface.grid.repeated:
        file.attrs["repeats"] = surface.grid.repeats
    file.attrs["config"] = yaml.safe_dump(dict(surface.config), sort_keys=False)
    file.attrs["provenance"] = json.dumps(dict(surface.provenance), default=str)
    for name, axis in surface.grid.axes.items():
        file[f"axes/{name}"] = axis.coordinates
        file[f"{name}coordinates"] = file[f"axes/{name}"]
    for group, arrays in (("values", surface.values), ("stderr", surface.stderr)):
        for (split, quantity), array in arrays.items():
            file[f"{group}/{split}/{quantity}"] = array
    file["status"] = surface.status
    file["seconds"] = surface.seconds
    file["rank"] = surface.rank
    for alias, (source, factor) in ALIASES.items():
        if source in surface.values:
            values = surface.values[source]
            if surface.grid.repeated:
                file[alias] = factor * mean_over_repeats(values)
            elif factor == 1:
                file[alias] = file["/".join(("values", *source))]
            else:
                file[alias] = factor * values


def _read(file: h5py.File) -> Surface:
    axes = {name: _axis(file["axes"][name][()]) for name in sorted(file["axes"])}
    grid = Grid(axes, int(file.attrs.get("repeats", 1)))
    return Surface(
        grid=grid,
        values=_quantities(file, "values", grid),
        stderr=_quantities(file, "stderr", grid),
        status=_status(_array(file["status"], np.uint8, grid)),
        seconds=_array(file["seconds"], np.float32, grid),
        rank=_array(file["rank"], np.int32, grid),
        config=_mapping(yaml.safe_load(text(file, "config"))),
        provenance=_mapping(json.loads(text(file, "provenance"))),
    )


def _status(array: Any) -> Any:
    """Return the array if each of its entries is a status."""
    if (unknown := array[array > max(Status)]).size:
        raise ValueError(f"there is no status {unknown.flat[0]}")
    return array


def _quantities(file: h5py.File, group: str, grid: Grid) -> dict[Quantity, Any]:
    return {
        (split, name): _array(dataset, np.float64, grid)
        for split, members in file.get(group, {}).items()
        for name, dataset in members.items()
    }


def _array(dataset: h5py.Dataset, dtype: Any, grid: Grid) -> Any:
    if dataset.shape != grid.shape:
        raise ValueError(f"{dataset.name} has shape {dataset.shape}, but the grid {grid.shape}")
    return np.asarray(dataset[()], dtype=dtype)


def _axis(coordinates: Any) -> Axis:
    return Axis(float(coordinates[0]), float(coordinates[-1]), len(coordinates))


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected a mapping, got {type(value).__name__}")
    return value
