"""Directions on disk, beside the surface, in the layout of Li et al.'s `loss-landscape`.

Groups xdirection, ydirection hold a dataset "0", "1", ... for each parameter in the model's order;
attributes add what that layout leaves out: the parameters' names, and how a direction was made.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import h5py
from numpy.typing import NDArray

from landscape_cli.errors import StoreError, some
from landscape_cli.store.atomic_write import Check, publish, publish_copy, unchecked
from landscape_cli.store.hdf5_reading import numbers, open_file, reading, text

Pieces = Callable[[], Iterable[tuple[str, Any, NDArray[Any]]]]
"""Gives (name, place in its tensor, entries there) one after the other, tensor by tensor, so that
only one piece is in memory."""

Entry = tuple[str | None, NDArray[Any]]
"""A tensor and its name, None in the other tool's files."""

ENDING = "direction"


def directions_path(surface_path: str | Path) -> Path:
    """Where the directions of a surface file are: ``<stem>.directions.h5`` beside it."""
    path = Path(surface_path)
    return path.with_name(f"{path.stem}.directions.h5")


def write_directions(
    surface_path: str | Path,
    shapes: Mapping[str, tuple[int, ...]],
    directions: Mapping[str, Pieces],
    attributes: Mapping[str, Mapping[str, Any]],
    check: Check = unchecked,
) -> Path:
    """Write the directions that belong to a surface file.

    Args:
        surface_path: the surface's file.
        shapes: each parameter's, in the model's order.
        directions: the entries of each axis, in that order.
        attributes: for each axis what is to be known of it: kind, seed, SHA-256, ...
        check: may object before the file is replaced.

    Returns:
        The path written.

    Raises:
        StoreError: if it can't be written.
    """
    path = directions_path(surface_path)

    def fill(file: h5py.File) -> None:
        for axis, pieces in directions.items():
            group = file.create_group(f"{axis}{ENDING}")
            for key, value in attributes[axis].items():
                group.attrs[key] = value
            places = {name: str(number) for number, name in enumerate(shapes)}
            for name, index, array in pieces():
                place = places[name]
                if place not in group:
                    group.create_dataset(place, shapes[name], array.dtype).attrs["name"] = name
                group[place][index] = array

    publish(path, fill, check)
    return path


def copy_directions(sources: Iterable[str | Path], surface_path: Path) -> Path | None:
    """Give a surface file the directions of one of the surface files that it was made of.

    Args:
        sources: these files, of which the first that has its directions beside it counts.
        surface_path: the surface's file.

    Returns:
        The path written, or None if no file has its directions beside it.

    Raises:
        StoreError: if it can't be written.
    """
    found = [path for source in sources if (path := directions_path(source)).is_file()]
    if not found:
        return None
    path = directions_path(surface_path)
    publish_copy(found[0], path)
    return path


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


def read_range(path: str | os.PathLike[str], axis: str) -> tuple[float, float] | None:
    """From where to where a grid along a file's direction should go.

    Args:
        path: a file whose root may have the attribute ``range_x``, [low, high], as those of
            ``landscape trajectory`` have.
        axis: the direction's name in the file.

    Returns:
        The ends, or None if the file does not say.

    Raises:
        StoreError: if the file can't be read, or the attribute is no range.
    """
    name = f"range_{axis}"
    with open_file(path) as file:
        if name not in file.attrs:
            return None
        try:
            low, high = (float(end) for end in file.attrs[name])
        except (OSError, RuntimeError, TypeError, ValueError):
            low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise StoreError(f"{os.fspath(path)}: attribute {name} is no range of two finite numbers")
    return low, high


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
