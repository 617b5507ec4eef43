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

import h5py
import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store.atomic_write import publish
from landscape_cli.store.hdf5_reading import numbers, reading, text

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
    publish(path, lambda file: _fill(file, plane, trajectory))


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
        return text(file, CENTRE) if CENTRE in file.attrs else None


def _fill(file: h5py.File, plane: Plane, trajectory: Trajectory) -> None:
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["checkpoint"] = plane.checkpoint
    file.attrs[CENTRE] = plane.sha256
    file.attrs["settings"] = json.dumps(dict(plane.settings), default=str)
    for axis, ends in plane.ranges.items():
        file.attrs[f"range_{axis}"] = ends
    for axis, tensors in plane.directions.items():
        group = file.create_group(f"{axis}direction")
        group.attrs.update(plane.attributes[axis])
        for number, (name, entries) in enumerate(tensors.items()):
            group.create_dataset(str(number), data=entries).attrs["name"] = name
    _fill_path(file, trajectory)


def _fill_path(file: h5py.File, trajectory: Trajectory) -> None:
    group = file.create_group("trajectory")
    group["coordinates"] = trajectory.coordinates
    group["residuals"] = trajectory.residuals
    group.create_dataset("labels", data=list(trajectory.labels), dtype=h5py.string_dtype())
    if trajectory.epochs is not None:
        group["epochs"] = np.array(trajectory.epochs, dtype=np.int64)
    if trajectory.learning_rates is not None:
        group["learning_rates"] = np.array(trajectory.learning_rates, dtype=np.float64)
    file[X], file[Y] = trajectory.coordinates.T.copy()
    if trajectory.explained is not None:
        file.attrs["explained"] = trajectory.explained
        file[EXPLAINED] = np.array(trajectory.explained)


def _path(file: h5py.File) -> dict[str, Any]:
    """Read the checkpoints' coordinates and labels, where the file has them."""
    if "trajectory" in file:
        return _our_path(file["trajectory"])
    if X in file and Y in file:
        return {"coordinates": np.stack([_column(file[X]), _column(file[Y])], axis=1)}
    if EXPLAINED in file:
        return {"coordinates": np.zeros((0, 2))}
    raise StoreError(
        f"holds no trajectory; expected a file of `landscape trajectory`, or one with {X} and {Y}"
    )


def _our_path(group: h5py.Group) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: numbers(group[name]).tolist()
        for name in ("coordinates", "residuals", "epochs", "learning_rates")
        if name in group
    }
    labels = group["labels"]
    if not isinstance(labels, h5py.Dataset) or h5py.check_string_dtype(labels.dtype) is None:
        raise ValueError("labels are not text")
    return {**values, "labels": labels.asstr(errors="replace")[()].tolist()}


def _column(dataset: Any) -> NDArray[Any]:
    return numbers(dataset).reshape(-1)


def _explained(file: h5py.File) -> list[float] | None:
    """Read the explained variance ratios of the first two components; the other tool stores all."""
    if EXPLAINED not in file:
        return None
    first, second = numbers(file[EXPLAINED]).reshape(-1)[:2].tolist()
    return [first, second]
