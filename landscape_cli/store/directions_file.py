"""Directions files in the layout of Li et al.'s `loss-landscape`, beside their surface file.

The groups xdirection and ydirection hold one dataset, "0", "1", ..., for each parameter in the
model's order. Our files add attributes: each parameter's name, and how the direction was made. The
other tool's files have no names, so their tensors are matched by position.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError, some
from landscape_cli.store.atomic_write import Check, publish, publish_copy, unchecked
from landscape_cli.store.direction_hash import Entry, matches
from landscape_cli.store.hdf5.reading import reading
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.hdf5.writing import Writer
from landscape_cli.util.output_files import same_file

Pieces = Callable[[], Iterable[tuple[str, Any, NDArray[Any]]]]
"""Yields (parameter name, index into its tensor, entries there), tensor by tensor, so that only one
piece is in memory at a time."""

ENDING, SHA256 = "direction", "sha256"
KIND = "directions file"

LARGE = 1 << 28
"""Largest file in bytes whose directions are compared for a note."""

ALIKE = 1 - 1e-6
"""Smallest cosine of directions that count as the same."""

VECTOR = "eigenvector"
"""Beginning of the name of an eigenvector, in a curvature file; the eigenvalue's number follows, 1
for the largest and -1 for the smallest."""

REPEAT = "repeat"
"""Beginning of the name of a group that holds the directions of a later repeat."""


def directions_path(surface_path: str | Path) -> Path:
    """Return the path of a surface's directions file, ``<stem>.directions.h5`` beside it."""
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
        shapes: the shape of each parameter, in the model's order.
        directions: by axis, the entries in that order.
        attributes: by axis, how its direction was made: kind, seed, SHA-256, ...
        check: called before the file is replaced; raises to prevent it.

    Returns:
        The path of the directions file.

    Raises:
        StoreError: if the file can't be written.
    """
    path = directions_path(surface_path)

    def fill(raw: h5py.File) -> None:
        file = Writer(raw)
        for axis, pieces in directions.items():
            group = f"{axis}{ENDING}"
            file.group(group)
            file.attributes(attributes[axis], group)
            keys = {name: f"{group}/{number}" for number, name in enumerate(shapes)}
            latest = None
            for name, index, array in pieces():
                path, whole = keys[name], array.shape == shapes[name]
                if name != latest:
                    if whole:
                        file.array(path, array)
                    else:
                        file.begin(path, shapes[name], array.dtype)
                    file.attributes({"name": name}, path)
                if not whole:
                    file.put(path, index, array)
                latest = name
        file.seal()

    publish(path, fill, check)
    return path


def copy_directions(sources: Iterable[str | Path], surface_path: Path) -> Path | None:
    """Copy the first directions file found beside several surface files to another surface.

    Args:
        sources: the surface files to look beside.
        surface_path: the surface file that gets the directions.

    Returns:
        The path of the copy, or None if no source has directions.

    Raises:
        StoreError: if the copy can't be written.
    """
    source, path = directions_beside(sources), directions_path(surface_path)
    if source is None:
        return None
    if not same_file(source, path):
        publish_copy(source, path)
    return path


def directions_beside(surfaces: Iterable[str | Path]) -> Path | None:
    """Return the first directions file beside several surface files, or None."""
    paths = map(directions_path, surfaces)
    return next((path for path in paths if path.is_file()), None)


def read_direction(path: str | os.PathLike[str], axis: str) -> list[Entry]:
    """Read one direction from a directions file; the other tool's PCA files are read too.

    Args:
        path: the file.
        axis: the direction's name: x, y or z, or in a file of repeats ``repeat1/x``.

    Returns:
        The name and entries of each tensor, in the file's order.

    Raises:
        StoreError: if the file is missing, damaged, or has no direction for this axis.
    """
    with reading(path, KIND) as file:
        return _read(file, axis, path)


def read_hashes(path: str | os.PathLike[str]) -> dict[str, str | None]:
    """Read the SHA-256 of each direction in a directions file, None where there is none, by axis.

    Raises:
        StoreError: if the file is missing or damaged.
    """
    with reading(path, KIND) as file:
        return {
            group.removesuffix(ENDING): (
                file.text(group, "sha256") if file.has(group, "sha256") else None
            )
            for group in direction_groups(file)
        }


def direction_groups(file: StoredFile) -> list[str]:
    """Return the groups of a file that hold directions, those of later repeats too."""
    groups = file.names()
    for repeat in [name for name in groups if name.startswith(REPEAT)]:
        groups += [f"{repeat}/{name}" for name in file.names(repeat)]
    return [group for group in groups if group.endswith(ENDING)]


def same_plane(one: str | Path, other: str | Path) -> bool | None:
    """Tell whether two files have the same directions x and y, up to their length.

    Returns:
        None if a file lacks them, or is too large to look.
    """
    try:
        if any(Path(path).stat().st_size > LARGE for path in (one, other)):
            return None
        pairs = [[_flat(read_direction(path, axis)) for path in (one, other)] for axis in "xy"]
    except (OSError, StoreError):
        return None
    if any(first.shape != second.shape for first, second in pairs):
        return False
    products = [(first @ second, first @ first, second @ second) for first, second in pairs]
    return all(abs(dot) >= ALIKE * np.sqrt(a * b) for dot, a, b in products)


def _flat(entries: Sequence[Entry]) -> NDArray[np.float64]:
    arrays = [array.astype(np.float64).ravel() for _, array in entries]
    return np.concatenate(arrays) if arrays else np.zeros(0)


def read_range(path: str | os.PathLike[str], axis: str) -> tuple[float, float] | None:
    """Read the range that a directions file recommends for a grid axis.

    Args:
        path: a file whose root may have the attribute ``range_x``, [low, high], as files of
            ``landscape trajectory`` do.
        axis: the direction's name in the file.

    Returns:
        The lowest and highest coordinate, or None if the file recommends none.

    Raises:
        StoreError: if the file can't be read, or the attribute is not a range.
    """
    name = f"range_{axis}"
    with reading(path, KIND) as file:
        if not file.has("", name):
            return None
        ends = np.asarray(file.attribute("", name))
    if ends.shape != (2,) or ends.dtype.kind not in "fiu" or not np.isfinite(ends).all():
        ends = np.zeros(2)
    low, high = map(float, ends)
    if not low < high:
        raise StoreError(
            f"{os.fspath(path)}: attribute {name} is not a range of two finite numbers"
        )
    return low, high


def _read(file: StoredFile, axis: str, path: str | os.PathLike[str]) -> list[Entry]:
    group = f"{axis}{ENDING}"
    if group not in file:
        raise StoreError(
            f"{os.fspath(path)}: no direction for axis {axis!r} (there is no group "
            f"{group}); {_inventory(file.names())}"
        )
    if not (names := set(file.names(group))):
        raise ValueError(f"{group} holds no tensors")
    keys = [str(number) for number in range(len(names))]
    if missing := [key for key in keys if key not in names]:
        raise ValueError(f"{group} has {len(keys)} tensors, but none called {missing[0]}")
    entries = [_entry(file, f"{group}/{key}") for key in keys]
    if file.has(group, SHA256) and not matches(entries, file.text(group, SHA256)):
        raise ValueError(f"{group} does not match its SHA-256")
    return entries


def _entry(file: StoredFile, path: str) -> Entry:
    name = file.text(path, "name") if file.has(path, "name") else None
    return name, file.numbers(path, "fiubc")


def _inventory(names: list[str]) -> str:
    """Say what the file holds instead, and what to do."""
    axes = [name.removesuffix(ENDING) for name in names if name.endswith(ENDING)]
    numbers = [name.removeprefix(VECTOR) for name in axes if name.startswith(VECTOR)]
    if numbers:
        return f"the file has eigenvectors {', '.join(numbers)}: choose one with the key index"
    if axes:
        return f"the file has {' and '.join(axes)}: choose one with the key axis"
    return f"the file holds {some(names) or 'nothing'}: name a directions file"
