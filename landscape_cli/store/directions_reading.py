"""Directions from files: our own, and those of Li et al.'s `loss-landscape`.

Both keep a direction as a group, xdirection or ydirection, of data sets "0", "1", ...; ours have
names, the other tool's go by their position alone.
"""

from __future__ import annotations

import os
from typing import Any, Literal

import h5py
from numpy.typing import NDArray

from landscape_cli.errors import StoreError, some
from landscape_cli.store.hdf5_reading import numbers, reading, text

Entry = tuple[str | None, NDArray[Any]]
"""A tensor and its name, None in the other tool's files."""

ENDING = "direction"


def read_direction(path: str | os.PathLike[str], axis: Literal["x", "y", "z"]) -> list[Entry]:
    """Read one direction of a directions file, a PCA file of the other tool included.

    Args:
        path: the file.
        axis: whose direction to read.

    Returns:
        Name and entries of each tensor, in the file's order.

    Raises:
        StoreError: if there is no such file, it is damaged, or holds no direction for this axis.
    """
    with reading(path, "directions file") as file:
        return _read(file, axis, path)


def _read(file: h5py.File, axis: str, path: str | os.PathLike[str]) -> list[Entry]:
    if f"{axis}{ENDING}" not in file:
        raise StoreError(
            f"{os.fspath(path)}: no direction of axis {axis!r}, that is, no group "
            f"{axis}{ENDING}; {_inventory(list(file))}"
        )
    group = file[f"{axis}{ENDING}"]
    if not isinstance(group, h5py.Group) or not len(group):
        raise ValueError(f"{axis}{ENDING} holds no tensors")
    places = [str(number) for number in range(len(group))]
    if missing := [place for place in places if place not in group]:
        raise ValueError(f"{axis}{ENDING} has {len(places)} tensors, but none called {missing[0]}")
    return [_entry(group[place]) for place in places]


def _entry(dataset: h5py.Dataset) -> Entry:
    name = text(dataset, "name") if "name" in dataset.attrs else None
    return name, numbers(dataset)


def _inventory(names: list[str]) -> str:
    """What there is instead."""
    axes = [name.removesuffix(ENDING) for name in names if name.endswith(ENDING)]
    if axes:
        return f"the file has those of {' and '.join(axes)}: choose one of them by axis"
    return f"the file holds {some(names) or 'nothing'}: name a file of directions"
