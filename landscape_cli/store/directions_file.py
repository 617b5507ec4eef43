"""Directions on disk, beside the surface, in the layout of Li et al.'s `loss-landscape`.

Groups xdirection, ydirection hold a dataset "0", "1", ... for each parameter in the model's order;
attributes add what that layout leaves out: the parameters' names, and how a direction was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from landscape_cli.store.atomic_write import Check, publish, publish_copy, unchecked

Pieces = Callable[[], Iterable[tuple[str, Any, NDArray[Any]]]]
"""Gives (name, place in its tensor, entries there) one after the other, tensor by tensor, so that
only one piece is in memory."""


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
            group = file.create_group(f"{axis}direction")
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
