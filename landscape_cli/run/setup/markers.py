"""Checkpoints, and the path of a training, on a slice; found on rank 0."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.evaluation.devices import room_for_checkpoints
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.slices.base import Slice, SliceRecipe
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.weights import read_weights
from landscape_cli.run.setup.records import Json
from landscape_cli.store import read_centre, read_trajectory
from landscape_cli.util.logs import warn

ORIGIN = "centre"
"""The label of the centre if the model brought its weights along."""


def mark_checkpoints(
    config: RunConfig,
    recipe: SliceRecipe,
    directions: Mapping[str, Direction],
    slice_: Slice,
    model: nn.Module,
    centre: Mapping[str, Tensor],
) -> list[Json]:
    """Locate the checkpoints that the slice leads through, or that are to be shown on it.

    Args:
        config: the run.
        recipe: of the slice.
        directions: by axis.
        slice_: the slice.
        model: the network.
        centre: the tensors that the slice moves, at the centre and on the CPU.

    Returns:
        For each checkpoint, the centre first, its ``label``, ``path``, ``coordinates`` by exact
        least squares in the axes' units, ``residual``, its Euclidean distance from the slice, and
        ``distance``, that from the centre. Empty without checkpoints besides the centre.

    Raises:
        LandscapeError: if a checkpoint can't be read, or is of another network.
    """
    paths = _paths(
        config, [*recipe.points, *(p for one in directions.values() for p in one.points)]
    )
    if not paths:
        return []
    differences = Differences(
        lambda number: read_weights(paths[number], model, centre)[0],
        len(paths),
        centre,
        room_for_checkpoints(centre),
    )
    located = slice_.locate(differences)
    if located is None:
        if config.checkpoints is None:
            return []
        raise UsageError(
            f"checkpoints: a slice of kind {recipe.kind} can't tell where checkpoints lie; leave "
            "the key out"
        )
    origin = slice_.origin[: located.coordinates.shape[1]]
    return [
        {"label": name, "path": path, "coordinates": where, "residual": away, "distance": far}
        for name, path, where, away, far in zip(
            labels([config.checkpoint or ORIGIN, *paths]),
            [config.checkpoint, *paths],
            [list(origin), *located.coordinates.tolist()],
            [0.0, *located.residuals.tolist()],
            [0.0, *located.distances.tolist()],
            strict=True,
        )
    ]


def find_path(
    config: RunConfig, directions: Mapping[str, Direction], sha256: str | None
) -> Json | None:
    """Read the path of a training, if the plane is that of a trajectory's file.

    Args:
        config: the run.
        directions: by axis.
        sha256: of the file with the weights at the centre.
    """
    stored = [one.stored_in(axis) for axis, one in directions.items()]
    paths = {place[0] for place in stored if place is not None}
    if len(paths) != 1 or config.orthogonal:
        return None
    (path,) = paths
    if [place for place in stored if place is not None] != [(path, "x"), (path, "y")]:
        return None
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


def marking_lines(marks: Json) -> list[str]:
    """Say where the checkpoints lie, and how far off the slice."""
    checkpoints: Any = marks.get("checkpoints") or ()
    lines = []
    for checkpoint in checkpoints:
        where = ", ".join(f"{coordinate:.4g}" for coordinate in checkpoint["coordinates"])
        distance = f"{checkpoint['residual']:.3g} off the slice"
        lines.append(f"checkpoint {checkpoint['label']} lies at ({where}), {distance}")
    return lines


def _paths(config: RunConfig, through: list[str]) -> list[str]:
    """Return the checkpoints besides the centre, each once."""
    found = {os.path.realpath(path): path for path in [*through, *(config.checkpoints or ())]}
    if config.checkpoint is not None:
        found.pop(os.path.realpath(config.checkpoint), None)
    return list(found.values())
