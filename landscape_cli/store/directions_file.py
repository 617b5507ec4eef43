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

from landscape_cli.store.publishing import publish

Tensors = Callable[[], Iterable[tuple[str, NDArray[Any]]]]
"""Gives (name, array) one after the other, so that only one is in memory."""


def directions_path(surface_path: str | Path) -> Path:
    """Where the directions of a surface file are: ``<stem>.directions.h5`` beside it."""
    path = Path(surface_path)
    return path.with_name(f"{path.stem}.directions.h5")


def write_directions(
    surface_path: str | Path,
    directions: Mapping[str, Tensors],
    attributes: Mapping[str, Mapping[str, Any]],
) -> Path:
    """Write the directions that belong to a surface file.

    Args:
        surface_path: the surface's file.
        directions: the tensors of each axis.
        attributes: for each axis what is to be known of it: kind, seed, SHA-256, ...

    Returns:
        The path written.

    Raises:
        StoreError: if it can't be written.
    """
    path = directions_path(surface_path)

    def fill(file: h5py.File) -> None:
        for axis, tensors in directions.items():
            group = file.create_group(f"{axis}direction")
            for key, value in attributes[axis].items():
                group.attrs[key] = value
            for number, (name, array) in enumerate(tensors()):
                dataset = group.create_dataset(str(number), data=array)
                dataset.attrs["name"] = name

    publish(path, fill)
    return path
