"""The paths of trainings in a trajectory file: a group for each, trajectory, trajectory2, ..."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from landscape_cli.errors import StoreError
from landscape_cli.records.dynamics.path_lengths import PathLengths
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.hdf5.writing import Writer

FIRST = "trajectory"

MOST = 1000
"""Upper bound on the number of paths in a file."""

ARRAYS = ("coordinates", "residuals", "epochs", "learning_rates", "descent")
LENGTHS = tuple(field.name for field in fields(PathLengths))


def group_name(place: int) -> str:
    """Return the name of the group of a path, counted from 0."""
    return FIRST if place == 0 else f"{FIRST}{place + 1}"


def fill_path(file: Writer, place: int, path: Trajectory) -> None:
    """Write a path into a group of its own."""
    group = group_name(place)
    file.array(f"{group}/coordinates", path.coordinates)
    file.array(f"{group}/residuals", path.residuals)
    file.text(f"{group}/labels", path.labels)
    if path.epochs is not None:
        file.array(f"{group}/epochs", np.array(path.epochs, dtype=np.int64))
    if path.learning_rates is not None:
        rates = np.array(path.learning_rates, dtype=np.float64)
        file.array(f"{group}/learning_rates", rates)
    if path.descent is not None:
        file.array(f"{group}/descent", path.descent)
    for name in LENGTHS if path.lengths is not None else ():
        file.array(f"{group}/lengths/{name}", getattr(path.lengths, name))
    for kind, arrays in (("values", path.values), ("stderr", path.stderr)):
        for (split, quantity), array in arrays.items():
            file.array(f"{group}/{kind}/{split}/{quantity}", array)
    if path.name:
        file.attributes({"name": path.name}, group)
    if path.parameters is not None:
        file.attributes({"parameters": path.parameters}, group)


def groups_of(file: StoredFile) -> list[str]:
    """Return the groups of a file's paths, in order.

    Raises:
        StoreError: if one is missing.
    """
    found = {name for name in file.names() if name.startswith(FIRST)}
    expected = [group_name(place) for place in range(min(len(found), MOST))]
    if found != set(expected):
        raise StoreError(f"holds {', '.join(sorted(found)[:5])}, expected {', '.join(expected)}")
    return expected


def path_values(file: StoredFile, group: str) -> dict[str, Any]:
    """Read a path as plain values for ``Trajectory.from_mapping``."""
    names = file.names(group)
    values: dict[str, Any] = {
        name: file.numbers(f"{group}/{name}").tolist() for name in ARRAYS if name in names
    }
    if "lengths" in names:
        values["lengths"] = {
            name: file.numbers(f"{group}/lengths/{name}").tolist() for name in LENGTHS
        }
    for kind in ("values", "stderr"):
        values[kind] = {
            split: {
                quantity: file.numbers(f"{group}/{kind}/{split}/{quantity}").tolist()
                for quantity in file.names(f"{group}/{kind}/{split}")
            }
            for split in file.names(f"{group}/{kind}")
        }
    if file.has(group, "name"):
        values["name"] = file.text(group, "name")
    if file.has(group, "parameters"):
        values["parameters"] = file.integer(group, "parameters")
    return {**values, "labels": file.lines(f"{group}/labels")}
