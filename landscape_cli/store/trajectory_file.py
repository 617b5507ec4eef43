"""Trajectory files: a plane's two directions and the paths of training runs in it.

    /                         attributes format, format_version, checkpoint, checkpoint_sha256,
                              explained, range_x and range_y (which contain the path), settings
    /xdirection, /ydirection  datasets "0", "1", ... with the attribute name, as in other directions
                              files; attributes kind, component, ...
    /trajectory               coordinates (n, 2), residuals, labels, epochs and learning_rates;
                              values/SPLIT/NAME and stderr/SPLIT/NAME (n,) of the checkpoints
                              themselves; lengths/from_start, to_end (n,), steps (n - 1,) and
                              cosines (n - 2,); descent (n - 1,); attributes name, parameters
    /trajectory2, ...         the same of further trainings

At the top level, explained_variance_ratio_, proj_xcoord and proj_ycoord repeat these in the layout
of Li et al.'s `loss-landscape`, whose projection files hold only the last two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store.atomic_write import publish
from landscape_cli.store.hdf5.json_text import load_json
from landscape_cli.store.hdf5.reading import reading
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.hdf5.writing import Writer
from landscape_cli.store.path_groups import FIRST, fill_path, groups_of, path_values

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


def write_trajectory(path: Path, plane: Plane, *trajectories: Trajectory) -> None:
    """Write trajectories and their plane, replacing the file in one step.

    Raises:
        StoreError: if the file can't be written.
    """
    publish(path, lambda file: _fill(Writer(file), plane, trajectories))


def read_trajectory(path: str | os.PathLike[str]) -> Trajectory:
    """Read the first path of a trajectory file; see ``read_trajectories``."""
    return read_trajectories(path)[0]


def read_trajectories(path: str | os.PathLike[str]) -> list[Trajectory]:
    """Read the paths from a trajectory file, or from a file made by Li et al.'s tool.

    That tool's projection files hold only coordinates, and its PCA files only the explained
    variances: the path then has no checkpoints.

    Raises:
        StoreError: if the file is missing, damaged, or holds none of these.
    """
    with reading(path, KIND) as file:
        try:
            known = {"explained": _explained(file)}
            return [Trajectory.from_mapping({**values, **known}) for values in _paths(file)]
        except StoreError as error:
            raise StoreError(f"{os.fspath(path)}: {error}") from None


def read_plane_facts(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a file says of its plane besides the directions themselves.

    Returns:
        ``checkpoint`` and ``settings``, None if unknown, and ``directions``: for each axis its
        ``kind``, ``component`` and ``range``, None where unknown.

    Raises:
        StoreError: if the file can't be read.
    """
    with reading(path, KIND) as file:
        settings = load_json(file.text("", "settings")) if file.has("", "settings") else None
        directions = {}
        for axis in ("x", "y"):
            group = f"{axis}direction"
            if group in file:
                own = {
                    key: np.asarray(file.attribute(group, key)).tolist()
                    for key in ("kind", "component")
                    if file.has(group, key)
                }
                ends = file.attribute("", f"range_{axis}") if file.has("", f"range_{axis}") else []
                directions[axis] = {
                    "kind": str(own.get("kind", "file")),
                    "component": own.get("component"),
                    "range": np.asarray(ends, dtype=np.float64).tolist() or None,
                }
        checkpoint = file.text("", "checkpoint") if file.has("", "checkpoint") else None
        return {"checkpoint": checkpoint, "settings": settings, "directions": directions}


def read_centre(path: str | os.PathLike[str]) -> str | None:
    """Read the SHA-256 of the checkpoint at a trajectory's origin; None if it is not recorded.

    Raises:
        StoreError: if the file can't be read.
    """
    with reading(path, KIND) as file:
        return file.text("", CENTRE) if file.has("", CENTRE) else None


def _fill(file: Writer, plane: Plane, trajectories: Sequence[Trajectory]) -> None:
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
    for place, trajectory in enumerate(trajectories):
        fill_path(file, place, trajectory)
    first = trajectories[0]
    for name, column in zip((X, Y), first.coordinates.T, strict=True):
        file.array(name, column)
    if first.explained is not None:
        file.attributes({"explained": first.explained})
        file.array(EXPLAINED, np.array(first.explained))
    file.seal()


def _paths(file: StoredFile) -> list[dict[str, Any]]:
    """Read the checkpoints' coordinates and labels, where the file has them."""
    if FIRST in file:
        return [path_values(file, group) for group in groups_of(file)]
    if X in file and Y in file:
        return [{"coordinates": np.stack([_column(file, X), _column(file, Y)], axis=1)}]
    if EXPLAINED in file:
        return [{"coordinates": np.zeros((0, 2))}]
    raise StoreError(
        f"holds no trajectory; expected a file of `landscape trajectory`, or one with {X} and {Y}"
    )


def _column(file: StoredFile, path: str) -> NDArray[Any]:
    return file.numbers(path).reshape(-1)


def _explained(file: StoredFile) -> list[float] | None:
    """Read the explained variance ratios of the first two components; the other tool stores all."""
    if EXPLAINED not in file:
        return None
    first, second = _column(file, EXPLAINED)[:2].tolist()
    return [first, second]
