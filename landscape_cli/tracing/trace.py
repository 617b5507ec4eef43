"""The plane of trainings, and the places of their checkpoints in it."""

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
from landscape_cli.evaluation.model_preparation import prepare_model
from landscape_cli.geometry.matching import match
from landscape_cli.geometry.parameters import moved_tensors
from landscape_cli.geometry.pca.components import principal_directions
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.pca.path import path_lengths
from landscape_cli.geometry.pca.projection import project
from landscape_cli.problems import Problem
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.checkpoints import file_hash, read_weights
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.weights import Reader
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store.directions_file import read_direction
from landscape_cli.store.trajectory_file import Plane
from landscape_cli.tracing import checkpoint_names, learning_rates
from landscape_cli.tracing.trainings import Training
from landscape_cli.util.progress import Progress
from landscape_cli.util.tensors import as_real

AXES: tuple[Literal["x"], Literal["y"]] = ("x", "y")

Directions = Sequence[Mapping[str, Tensor]]


@dataclass(frozen=True)
class Options:
    """Settings of a trajectory.

    Args:
        mean: whether to subtract the mean of the differences before the principal components.
        ignore: leave tensors of at most one dimension (biases, norm layers) out of the directions.
        onto: file of directions to project onto, in place of principal components.
        margin: margin on each side of the path, as a fraction of its width.
    """

    mean: bool = False
    ignore: bool = False
    onto: str | None = None
    margin: float = 0.2


@dataclass(frozen=True)
class Trace:
    """Trajectories, their plane, and facts to report about them.

    Args:
        trajectories: the path of each training.
        plane: the directions, and ranges that contain the paths.
        origin: the checkpoint at the plane's origin.
        network: the network's name.
        parameters: number of entries of a checkpoint that are projected.
        distances: distances of all checkpoints from the centre, of shape (n,).
    """

    trajectories: tuple[Trajectory, ...]
    plane: Plane
    origin: CheckpointPath
    network: str
    parameters: int
    distances: NDArray[np.float64]

    @property
    def labels(self) -> tuple[str, ...]:
        """The checkpoints' labels, with the training's name if there are several."""
        return tuple(
            f"{path.name}: {label}" if path.name else label
            for path in self.trajectories
            for label in path.labels
        )

    @property
    def residuals(self) -> NDArray[np.float64]:
        """The distances of all checkpoints from the plane, of shape (n,)."""
        return np.concatenate([path.residuals for path in self.trajectories])


def trace(
    config: RunConfig,
    trainings: Sequence[Training],
    options: Options,
    show: Callable[[int], Progress],
    room: int | None = None,
    splits: Sequence[str] = (),
) -> Trace:
    """Fit a plane to the checkpoints of trainings, and project them onto it.

    Args:
        config: names the network, and the checkpoint at the plane's origin; the last of the first
            training if it has none.
        trainings: the trainings, with their checkpoints in order.
        options: the settings.
        show: creates the progress display, given the number of checkpoints to read.
        room: number of checkpoints to keep in memory; as many as fit if None.
        splits: splits that the problem must have.

    Raises:
        LandscapeError: if the problem, a checkpoint, the log or the directions are invalid.
    """
    logs = [None if one.log is None else learning_rates.read_rates(one.log) for one in trainings]
    paths = [path for one in trainings for path in one.paths]
    problem = load_problem(config.problem, config.problem_args)
    for split in splits:
        if split not in problem.splits:
            raise UsageError(
                f"--split {split}: the problem has no such split; it has "
                f"{', '.join(problem.splits)}"
            )
    prepare_model(problem)
    buffers = moved_buffers(problem.model, config.perturb, config.batch_norm)
    owners = moved_tensors(problem.model, buffers).owners
    tensors = {name: as_real(tensor.detach().cpu()) for name, tensor in owners.items()}
    if not tensors:
        raise UsageError("problem: its model has no floating-point or complex parameters")
    origin = config.checkpoint or trainings[0].paths[-1]
    centre, _ = read_weights(origin, problem.model, tensors)
    from_file = None if options.onto is None else _read_directions(options.onto, problem, tensors)
    reader = Reader(paths, problem.model, tensors)
    differences = Differences(reader, len(paths), centre, room or room_for_checkpoints(centre))
    spans = _spans(trainings)
    with show(_reads(differences, from_file is not None)) as progress:
        reader.after = progress.update
        directions, explained = (
            (from_file, None) if from_file is not None else _components(differences, options)
        )
        coordinates, residuals = project(differences, directions)
        lengths = [path_lengths(differences, span) for span in spans]
    trajectories = []
    for one, span, log, measured in zip(trainings, spans, logs, lengths, strict=True):
        epochs = checkpoint_names.epochs(one.paths, [reader.stored[number] for number in span])
        path = Trajectory(
            coordinates=coordinates[span.start : span.stop],
            residuals=residuals[span.start : span.stop],
            labels=labels(one.paths),
            epochs=epochs,
            learning_rates=learning_rates.of_checkpoints(one.paths, epochs, log),
            explained=explained,
            name=one.name,
            lengths=measured,
        )
        trajectories.append(path)
    return Trace(
        tuple(trajectories),
        _plane(options, origin, directions, tensors, coordinates, trainings),
        origin,
        problem.name or type(problem.model).__name__,
        sum(tensor.numel() for tensor in tensors.values()),
        _distances(coordinates, residuals, directions),
    )


def _spans(trainings: Sequence[Training]) -> list[range]:
    """Return the numbers of each training's checkpoints among all."""
    ends = np.cumsum([len(one.paths) for one in trainings]).tolist()
    return [range(end - len(one.paths), end) for one, end in zip(trainings, ends, strict=True)]


def _reads(differences: Differences, onto: bool) -> int:
    """Return the number of reads of checkpoints, about one more for each training."""
    if differences.fits:
        return differences.count
    return (0 if onto else differences.reads - differences.count) + 2 * differences.count


def grid_range(
    coordinates: NDArray[np.float64], margin: float, least: float
) -> tuple[float, float]:
    """Choose a range with round ends that contains the origin and coordinates, with a margin.

    Args:
        coordinates: of shape (n,).
        margin: the margin on each side, as a fraction of their width.
        least: the width to assume if all are 0.
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


def _read_directions(path: str, problem: Problem, tensors: Mapping[str, Tensor]) -> Directions:
    """Read the two directions of a file, keeping only the tensors that are projected."""
    own = dict(problem.model.named_parameters(remove_duplicate=False))
    parameters = {name: own[name] for name in tensors if name in own}
    states = problem.model.state_dict()
    directions = []
    for axis in AXES:
        entries = [(name, torch.from_numpy(array)) for name, array in read_direction(path, axis)]
        try:
            matched = match(entries, parameters, states)
        except UsageError as error:
            raise UsageError(f"--onto {path}: {axis}: {error}") from None
        directions.append({name: matched[name] for name in tensors if name in matched})
    return directions


def _components(
    differences: Differences, options: Options
) -> tuple[Directions, tuple[float, float]]:
    """Compute the first two principal components, and the fraction that each explains."""
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
    origin: CheckpointPath,
    directions: Directions,
    tensors: Mapping[str, Tensor],
    coordinates: NDArray[np.float64],
    trainings: Sequence[Training],
) -> Plane:
    spans = np.ptp(coordinates, axis=0)
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
            for axis, column in zip(AXES, coordinates.T, strict=True)
        },
        checkpoint=str(origin.at(str(Path(origin).absolute()))),
        sha256=str(identity({**vars(origin), "sha256": file_hash(origin)})),
        settings=_settings(options, trainings),
    )


def _settings(options: Options, trainings: Sequence[Training]) -> dict[str, Any]:
    several = {one.name: one.log for one in trainings}
    return {
        "center": "mean" if options.mean else "final",
        "ignore": "biasbn" if options.ignore else "none",
        "onto": None if options.onto is None else str(Path(options.onto).absolute()),
        "log": trainings[0].log if len(trainings) == 1 else several,
    }


def _distances(
    coordinates: NDArray[np.float64], residuals: NDArray[np.float64], directions: Directions
) -> NDArray[np.float64]:
    """Combine the checkpoints' distances from the centre in the plane and off it (Pythagoras)."""
    first, second = directions
    mixed = sum(float((first[n].double() * second[n].double()).sum()) for n in first if n in second)
    squares = [
        sum(float(tensor.double().square().sum()) for tensor in direction.values())
        for direction in directions
    ]
    x, y = coordinates.T
    inside = squares[0] * x**2 + squares[1] * y**2 + 2 * mixed * x * y
    distances: NDArray[np.float64] = np.sqrt(inside + residuals**2)
    return distances
