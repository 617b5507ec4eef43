"""Markers on a slice: checkpoints and the path of a training, located on rank 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.evaluation.devices import room_for_checkpoints
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.slices.base import Locations, Slice, SliceRecipe
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.weights import Reader
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.trajectory import OTHERS
from landscape_cli.run.setup.records import Json
from landscape_cli.store import read_centre, read_trajectories
from landscape_cli.util.logs import warn

ORIGIN = "centre"
"""Label of the centre if no checkpoint gives the weights."""


def mark_checkpoints(
    config: RunConfig,
    recipe: SliceRecipe,
    directions: Mapping[str, Direction],
    slice_: Slice,
    model: nn.Module,
    parameters: Mapping[str, Tensor],
) -> list[Json]:
    """Locate the checkpoints on the slice, and those that the configuration lists.

    Args:
        config: the run.
        recipe: recipe of the slice.
        directions: the directions by axis.
        slice_: the slice.
        model: the network.
        parameters: the tensors that the slice moves, at the centre.

    Returns:
        An entry per checkpoint, the centre first: ``label``, ``path``, ``coordinates`` by exact
        least squares in the axes' units, and the Euclidean distances from the slice (``residual``)
        and from the centre (``distance``). Empty if there are no checkpoints besides the centre.

    Raises:
        LandscapeError: if a checkpoint can't be read, or belongs to another network.
    """
    paths = _paths(
        config,
        [*recipe.points, *(path for direction in directions.values() for path in direction.points)],
    )
    named = {path.real for path in paths}
    known = [one for one in slice_.landmarks() if CheckpointPath.parse(one.label).real not in named]
    if not paths and not known:
        return []
    located = _locate(config, recipe, slice_, paths, model, parameters)
    if located is None:
        return []
    origin = slice_.origin[: located.coordinates.shape[1]]
    return [
        {
            "label": label,
            "path": None if path is None else str(path),
            "coordinates": list(at),
            "residual": residual,
            "distance": distance,
        }
        for label, path, at, residual, distance in zip(
            labels([config.checkpoint or ORIGIN, *paths, *(one.label for one in known)]),
            [config.checkpoint, *paths, *(one.label for one in known)],
            [origin, *located.coordinates.tolist(), *(one.coordinates for one in known)],
            [0.0, *located.residuals.tolist(), *(one.residual for one in known)],
            [0.0, *located.distances.tolist(), *(one.distance for one in known)],
            strict=True,
        )
    ]


def _locate(
    config: RunConfig,
    recipe: SliceRecipe,
    slice_: Slice,
    paths: list[CheckpointPath],
    model: nn.Module,
    parameters: Mapping[str, Tensor],
) -> Locations | None:
    """Locate checkpoints on the slice; None if it can't, and the configuration lists none."""
    centre = {name: tensor.cpu() for name, tensor in parameters.items()}
    read = Reader(paths, model, centre)
    located = slice_.locate(Differences(read, len(paths), centre, room_for_checkpoints(centre)))
    if located is None and config.checkpoints is not None:
        raise UsageError(
            f"checkpoints: a slice of kind {recipe.kind} can't locate checkpoints; leave the key "
            "out"
        )
    return located


def find_paths(config: RunConfig, directions: Mapping[str, Direction], sha256: str | None) -> Json:
    """Read the paths of trainings if the plane comes from a trajectory file.

    Args:
        config: the run.
        directions: the directions by axis.
        sha256: SHA-256 of the checkpoint at the centre.

    Returns:
        Provenance entries: ``trajectory``, and for several trainings ``other_trajectories``.
    """
    places = [recipe.stored_in(axis) for axis, recipe in directions.items()]
    stored = [place for place in places if place is not None]
    paths = {path for path, _ in stored}
    if len(paths) != 1 or config.orthogonal:
        return {}
    (path,) = paths
    if stored != [(path, "x"), (path, "y")]:
        return {}
    try:
        (first, *others), origin = read_trajectories(path), read_centre(path)
    except StoreError:
        return {}
    if None not in (origin, sha256) and origin != sha256:
        warn(
            f"the path in {path} is not drawn: its plane is centred on a checkpoint other than "
            f"{config.checkpoint}"
        )
        return {}
    found: dict[str, object] = {"trajectory": first.as_mapping()}
    return {**found, OTHERS: [one.as_mapping() for one in others]} if others else found


def marking_lines(marks: Json) -> list[str]:
    """List the coordinates of checkpoints and their distances from the slice."""
    checkpoints: Any = marks.get("checkpoints") or ()
    lines = []
    for checkpoint in checkpoints:
        where = ", ".join(f"{coordinate:.4g}" for coordinate in checkpoint["coordinates"])
        distance = f"{checkpoint['residual']:.3g} off the slice"
        lines.append(f"checkpoint {checkpoint['label']} lies at ({where}), {distance}")
    return lines


def _paths(config: RunConfig, through: list[CheckpointPath]) -> list[CheckpointPath]:
    """Return the checkpoints besides the centre, without duplicates."""
    unique = {path.real: path for path in [*through, *(config.checkpoints or ())] if path}
    if config.checkpoint is not None:
        unique.pop(config.checkpoint.real, None)
    return list(unique.values())
