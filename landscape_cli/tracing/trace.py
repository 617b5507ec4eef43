"""The plane of a trajectory, and where in it the checkpoints lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.batch_norm import moved_buffers
from landscape_cli.evaluation.devices import room_for_checkpoints
from landscape_cli.geometry.matching import match
from landscape_cli.geometry.pca.components import principal_directions
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.pca.projection import project
from landscape_cli.problems import Problem
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.checkpoints import file_hash
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.weights import Reader, perturbed, read_weights
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store.directions_file import read_direction
from landscape_cli.store.trajectory_file import Plane
from landscape_cli.tracing import checkpoint_names, learning_rates
from landscape_cli.util.progress import Progress

AXES: tuple[Literal["x"], Literal["y"]] = ("x", "y")

Directions = Sequence[Mapping[str, Tensor]]


@dataclass(frozen=True)
class Options:
    """How a trajectory is made.

    Args:
        mean: principal components of the differences less their mean, not of these alone.
        ignore: leave tensors of at most one dimension (biases, norm layers) out of the directions.
        onto: a file of directions to project onto, in place of principal components.
        log: a file with the learning rates by epoch.
        margin: room on each side of the path, as a part of its width.
    """

    mean: bool = False
    ignore: bool = False
    onto: str | None = None
    log: str | None = None
    margin: float = 0.2


@dataclass(frozen=True)
class Trace:
    """A trajectory, its plane, and what is to be said of them.

    Args:
        trajectory: the path.
        plane: the directions, and the range that holds the path.
        network: the network's name.
        parameters: how many entries a checkpoint has that are projected.
        distances: of the checkpoints from the centre, of shape (n,).
    """

    trajectory: Trajectory
    plane: Plane
    network: str
    parameters: int
    distances: NDArray[np.float64]


def trace(
    config: RunConfig,
    paths: Sequence[str],
    options: Options,
    show: Callable[[int], Progress],
    room: int | None = None,
) -> Trace:
    """Lay a plane through the checkpoints of a training, and project them onto it.

    Args:
        config: the network, and its checkpoint, which is the plane's origin; the last of the
            paths if it has none.
        paths: the checkpoints' files, in order.
        options: what is asked for.
        show: makes the progress of so many checkpoints to be read.
        room: how many checkpoints to keep in memory; as many as fit if None.

    Raises:
        LandscapeError: if the problem, a checkpoint, the log or the directions are not as they
            should be.
    """
    log = None if options.log is None else learning_rates.read_rates(options.log)
    problem = load_problem(config.problem, config.problem_args)
    buffers = moved_buffers(problem.model, config.perturb, config.batch_norm)
    tensors = perturbed(problem.model, buffers)
    if not tensors:
        raise UsageError("problem: its model has no floating-point parameters")
    origin = config.checkpoint or paths[-1]
    centre, _ = read_weights(origin, problem.model, tensors)
    given = None if options.onto is None else _given(options.onto, problem, tensors)
    reader = Reader(paths, problem.model, tensors)
    differences = Differences(reader, len(paths), centre, room or room_for_checkpoints(centre))
    with show(differences.reads if given is None else len(paths)) as progress:
        reader.after = progress.update
        directions, explained = (
            (given, None) if given is not None else _components(differences, options)
        )
        coordinates, residuals = project(differences, directions)
    epochs = checkpoint_names.epochs(paths, [reader.stored[number] for number in range(len(paths))])
    trajectory = Trajectory(
        coordinates=coordinates,
        residuals=residuals,
        labels=labels(paths),
        epochs=epochs,
        learning_rates=None if log is None else learning_rates.rates_of(epochs, log),
        explained=explained,
    )
    return Trace(
        trajectory,
        _plane(options, origin, directions, tensors, trajectory),
        problem.name or type(problem.model).__name__,
        sum(tensor.numel() for tensor in tensors.values()),
        _distances(trajectory, directions),
    )


def grid_range(
    coordinates: NDArray[np.float64], margin: float, least: float
) -> tuple[float, float]:
    """A range of round numbers that holds the origin and coordinates, with room on each side.

    Args:
        coordinates: of shape (n,).
        margin: the room, as a part of their width.
        least: the width that is taken if they have none.
    """
    low, high = min(0.0, float(coordinates.min())), max(0.0, float(coordinates.max()))
    room = margin * ((high - low) or least)
    low, high = low - room, high + room
    decimals = 1 - math.floor(math.log10(high - low))
    step = 10.0**-decimals
    return (
        round(math.floor(low / step) * step, max(0, decimals)),
        round(math.ceil(high / step) * step, max(0, decimals)),
    )


def _given(path: str, problem: Problem, tensors: Mapping[str, Tensor]) -> Directions:
    """The two directions of a file, as far as they are of tensors that are projected."""
    own, states = dict(problem.model.named_parameters()), problem.model.state_dict()
    found = []
    for axis in AXES:
        entries = [(name, torch.from_numpy(array)) for name, array in read_direction(path, axis)]
        try:
            matched = match(entries, own, states)
        except UsageError as error:
            raise UsageError(f"--onto {path}: {axis}: {error}") from None
        found.append({name: matched[name] for name in tensors if name in matched})
    return found


def _components(
    differences: Differences, options: Options
) -> tuple[Directions, tuple[float, float]]:
    names = [
        name
        for name, tensor in differences.centre.items()
        if tensor.dim() > 1 or not options.ignore
    ]
    if not names:
        raise UsageError("--ignore biasbn: the network has no tensor of two dimensions or more")
    directions, (first, second) = principal_directions(differences, names, options.mean)
    return directions, (float(first), float(second))


def _plane(
    options: Options,
    origin: str,
    directions: Directions,
    tensors: Mapping[str, Tensor],
    trajectory: Trajectory,
) -> Plane:
    spans = np.ptp(trajectory.coordinates, axis=0)
    least = float(spans.max()) or 1.0
    return Plane(
        directions={
            axis: {
                name: direction.get(name, torch.zeros_like(like)).numpy()
                for name, like in tensors.items()
            }
            for axis, direction in zip(AXES, directions, strict=True)
        },
        attributes={
            axis: {"kind": "pca", "component": place}
            if options.onto is None
            else {"kind": "file", "path": str(Path(options.onto).absolute()), "axis": axis}
            for place, axis in enumerate(AXES, start=1)
        },
        ranges={
            axis: grid_range(column, options.margin, least)
            for axis, column in zip(AXES, trajectory.coordinates.T, strict=True)
        },
        checkpoint=str(Path(origin).absolute()),
        sha256=file_hash(origin),
        settings=_settings(options),
    )


def _settings(options: Options) -> dict[str, Any]:
    return {
        "center": "mean" if options.mean else "final",
        "ignore": "biasbn" if options.ignore else "none",
        "onto": None if options.onto is None else str(Path(options.onto).absolute()),
        "log": options.log,
    }


def _distances(trajectory: Trajectory, directions: Directions) -> NDArray[np.float64]:
    """How far each checkpoint is from the centre: in the plane, and out of it, by Pythagoras."""
    first, second = directions
    mixed = sum(float((first[n].double() * second[n].double()).sum()) for n in first if n in second)
    squares = [
        sum(float(tensor.double().square().sum()) for tensor in direction.values())
        for direction in directions
    ]
    x, y = trajectory.coordinates.T
    inside = squares[0] * x**2 + squares[1] * y**2 + 2 * mixed * x * y
    distances: NDArray[np.float64] = np.sqrt(inside + trajectory.residuals**2)
    return distances
