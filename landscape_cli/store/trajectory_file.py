"""Trajectory files: a plane's two directions and the path of a training run in it.

    /                         attributes format, format_version, checkpoint, checkpoint_sha256,
                              explained, range_x and range_y (which contain the path), settings
    /xdirection, /ydirection  datasets "0", "1", ... with the attribute name, as in other directions
                              files; attributes kind, component, ...
    /trajectory               coordinates (n, 2), residuals, labels, epochs and learning_rates

At the top level, explained_variance_ratio_, proj_xcoord and proj_ycoord repeat these in the layout
of Li et al.'s `loss-landscape`, whose projection files hold only the last two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store.atomic_write import publish
from landscape_cli.store.hdf5.reading import reading
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.hdf5.writing import Writer

FORMAT = "loss-landscape-trajectory"
FORMAT_VERSION = 1
KIND = "trajectory file"

CENTRE = "checkpoint_sha256"

EXPLAINED, X, Y = "explained_variance_ratio_", "proj_xcoord", "proj_ycoord"
"""The other tool's names."""


@dataclass(frozen=True)
class Plane:
    """The plane of a trajectory: everything in its file except the path.

    Args:
        directions: by axis, each parameter's entries by name, in the model's order.
        attributes: by axis, how its direction was made: kind, component, ...
        ranges: by axis, the lowest and highest coordinate of a grid that contains the path.
        checkpoint: absolute path of the checkpoint at the origin.
        sha256: that file's SHA-256.
        settings: the settings that the trajectory was made with.
    """

    directions: Mapping[str, Mapping[str, NDArray[Any]]]
    attributes: Mapping[str, Mapping[str, Any]]
    ranges: Mapping[str, tuple[float, float]]
    checkpoint: str
    sha256: str
    settings: Mapping[str, Any]


def write_trajectory(path: Path, plane: Plane, trajectory: Trajectory) -> None:
    """Write a trajectory and its plane, replacing the file in one step.

    Raises:
        StoreError: if the file can't be written.
    """
    publish(path, lambda file: _fill(Writer(file), plane, trajectory))


def read_trajectory(path: str | os.PathLike[str]) -> Trajectory:
    """Read the path from a trajectory file, or from a file made by Li et al.'s tool.

    That tool's projection files hold only coordinates, and its PCA files only the explained
    variances: the path then has no checkpoints.

    Raises:
        StoreError: if the file is missing, damaged, or holds none of these.
    """
    with reading(path, KIND) as file:
        try:
            return Trajectory.from_mapping({**_path(file), "explained": _explained(file)})
        except StoreError as error:
            raise StoreError(f"{os.fspath(path)}: {error}") from None


def read_centre(path: str | os.PathLike[str]) -> str | None:
    """Read the SHA-256 of the checkpoint at a trajectory's origin; None if it is not recorded.

    Raises:
        StoreError: if the file can't be read.
    """
    with reading(path, KIND) as file:
        return file.text("", CENTRE) if file.has("", CENTRE) else None


def _fill(file: Writer, plane: Plane, trajectory: Trajectory) -> None:
    file.attributes(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "checkpoint": plane.checkpoint,
            CENTRE: plane.sha256,
            "settings": json.dumps(dict(plane.settings), default=str),
            **{f"range_{axis}": ends for axis, ends in plane.ranges.items()},
        }
    )
    for axis, tensors in plane.directions.items():
        group = f"{axis}direction"
        file.group(group)
        file.attributes(plane.attributes[axis], group)
        for number, (name, entries) in enumerate(tensors.items()):
            file.array(f"{group}/{number}", entries)
            file.attributes({"name": name}, f"{group}/{number}")
    _fill_path(file, trajectory)
    file.seal()


def _fill_path(file: Writer, trajectory: Trajectory) -> None:
    file.array("trajectory/coordinates", trajectory.coordinates)
    file.array("trajectory/residuals", trajectory.residuals)
    file.text("trajectory/labels", trajectory.labels)
    if trajectory.epochs is not None:
        file.array("trajectory/epochs", np.array(trajectory.epochs, dtype=np.int64))
    if trajectory.learning_rates is not None:
        rates = np.array(trajectory.learning_rates, dtype=np.float64)
        file.array("trajectory/learning_rates", rates)
    for name, column in zip((X, Y), trajectory.coordinates.T, strict=True):
        file.array(name, column)
    if trajectory.explained is not None:
        file.attributes({"explained": trajectory.explained})
        file.array(EXPLAINED, np.array(trajectory.explained))


def _path(file: StoredFile) -> dict[str, Any]:
    """Read the checkpoints' coordinates and labels, where the file has them."""
    if "trajectory" in file:
        return _our_path(file)
    if X in file and Y in file:
        return {"coordinates": np.stack([_column(file, X), _column(file, Y)], axis=1)}
    if EXPLAINED in file:
        return {"coordinates": np.zeros((0, 2))}
    raise StoreError(
        f"holds no trajectory; expected a file of `landscape trajectory`, or one with {X} and {Y}"
    )


def _our_path(file: StoredFile) -> dict[str, Any]:
    names = file.names("trajectory")
    values: dict[str, Any] = {
        name: file.numbers(f"trajectory/{name}").tolist()
        for name in ("coordinates", "residuals", "epochs", "learning_rates")
        if name in names
    }
    return {**values, "labels": file.lines("trajectory/labels")}


def _column(file: StoredFile, path: str) -> NDArray[Any]:
    return file.numbers(path).reshape(-1)


def _explained(file: StoredFile) -> list[float] | None:
    """Read the explained variance ratios of the first two components; the other tool stores all."""
    if EXPLAINED not in file:
        return None
    first, second = _column(file, EXPLAINED)[:2].tolist()
    return [first, second]
