"""Where checkpoints, and the path of a training, lie on a slice; found on rank 0."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError
from landscape_cli.evaluation.devices import room_for_checkpoints
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.directions.checkpoint import CheckpointDirection
from landscape_cli.geometry.directions.file import FileDirection
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.pca.projection import project
from landscape_cli.geometry.slices.affine import Slice
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.weights import read_weights
from landscape_cli.store import read_centre, read_trajectory
from landscape_cli.util.logs import warn

ORIGIN = "centre"
"""What the centre is called if the model brought its weights along."""


def marked(
    config: RunConfig, recipes: Mapping[str, Direction], slice_: Slice, model: nn.Module
) -> list[dict[str, Any]]:
    """The checkpoints that the slice is laid through, or that are to be shown on it.

    Args:
        config: the run.
        recipes: by axis.
        slice_: with the centre and the directions as they are evaluated.
        model: the network.

    Returns:
        For each, the centre first, its ``label``, ``path``, ``coordinates`` by exact least squares
        in the axes' units, ``residual``, its Euclidean distance from the slice, and ``distance``,
        that from the centre. Nothing if there is no checkpoint besides the centre.

    Raises:
        LandscapeError: if one can't be read, or is of another network.
    """
    paths = _paths(config, recipes)
    if not paths:
        return []
    centre = {name: view.cpu() for name, view in slice_.centre.views.items()}
    differences = Differences(
        lambda number: read_weights(paths[number], model, centre)[0],
        len(paths),
        centre,
        room_for_checkpoints(centre),
    )
    coordinates, residuals = project(differences, [_whole(slice_, axis) for axis in recipes])
    first = config.checkpoint or ORIGIN
    names = labels([first, *paths])
    places = np.vstack([np.zeros(len(recipes)), coordinates])
    off = np.concatenate([[0.0], residuals])
    along = np.einsum("ni,ij,nj->n", places, _products(slice_, list(recipes)), places)
    distances = np.sqrt(along + off**2)
    return [
        {"label": name, "path": path, "coordinates": where, "residual": away, "distance": far}
        for name, path, where, away, far in zip(
            names,
            [config.checkpoint, *paths],
            places.tolist(),
            off.tolist(),
            distances.tolist(),
            strict=True,
        )
    ]


def path_through(
    config: RunConfig, recipes: Mapping[str, Direction], sha256: str | None
) -> dict[str, Any] | None:
    """The path of a training, if the plane is that of a trajectory's file.

    Args:
        config: the run.
        recipes: by axis.
        sha256: of the file with the weights at the centre.
    """
    files = [
        (one.path, one.axis or axis, one.normalize)
        for axis, one in recipes.items()
        if isinstance(one, FileDirection)
    ]
    names = {path for path, _, _ in files}
    if (
        len(names) != 1
        or config.orthogonal
        or [one[1:] for one in files]
        != [
            ("x", "none"),
            ("y", "none"),
        ]
    ):
        return None
    (path,) = names
    try:
        trajectory, origin = read_trajectory(path), read_centre(path)
    except StoreError:
        return None
    if None not in (origin, sha256) and origin != sha256:
        warn(
            f"the path in {path} is not drawn: its plane is around another checkpoint than "
            f"{config.checkpoint}"
        )
        return None
    return trajectory.as_mapping()


def marking_lines(facts: Mapping[str, Any]) -> list[str]:
    """What is said of the checkpoints that lie off the slice."""
    lines = []
    for one in facts.get("checkpoints") or ():
        where = ", ".join(f"{coordinate:.4g}" for coordinate in one["coordinates"])
        lines.append(
            f"checkpoint {one['label']} lies at ({where}), {one['residual']:.3g} off the slice"
        )
    return lines


def _paths(config: RunConfig, recipes: Mapping[str, Direction]) -> list[str]:
    """The checkpoints besides the centre, each once."""
    given = [one.path for one in recipes.values() if isinstance(one, CheckpointDirection)]
    found = {os.path.realpath(path): path for path in [*given, *(config.checkpoints or ())]}
    if config.checkpoint is not None:
        found.pop(os.path.realpath(config.checkpoint), None)
    return list(found.values())


def _products(slice_: Slice, axes: Sequence[str]) -> NDArray[np.float64]:
    """Inner products of the directions, of shape (k, k)."""
    norms, cosines = slice_.norms(), slice_.cosines()
    found = np.diag([norms[axis] ** 2 for axis in axes])
    for (i, first), (j, second) in combinations(enumerate(axes), 2):
        found[i, j] = found[j, i] = cosines[f"{first},{second}"] * norms[first] * norms[second]
    return found


def _whole(slice_: Slice, axis: str) -> dict[str, Tensor]:
    """A direction as tensors on the CPU."""
    tensors = {
        name: torch.zeros(view.shape, dtype=view.dtype)
        for name, view in slice_.centre.views.items()
    }
    for name, index, entries in slice_.blocks(axis):
        tensors[name][index] = entries.cpu()
    return tensors
