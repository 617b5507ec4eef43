"""The slice of a run, built around the trained weights on every rank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.checkpoint_gradient import checkpoint_gradient
from landscape_cli.evaluation.devices import room_for_checkpoints
from landscape_cli.geometry.directions import directions_from
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices import slice_from
from landscape_cli.geometry.slices.base import (
    Slice,
    SliceContext,
    SliceFacts,
    SlicePoints,
    SliceRecipe,
)
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoints import read_weights
from landscape_cli.problems.weights import VerifiedReader
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.run.resume import Start
from landscape_cli.run.setup.direction_entries import RunSource, load_directions
from landscape_cli.run.setup.direction_storage import store_directions
from landscape_cli.run.setup.markers import find_paths, mark_checkpoints
from landscape_cli.run.setup.placement import count_sharing
from landscape_cli.run.setup.problem_setup import PreparedProblem
from landscape_cli.run.setup.rank_consistency import share_tensors
from landscape_cli.run.setup.records import Json, RankPlacement
from landscape_cli.util.logs import warn
from landscape_cli.util.tensors import wide_dtype, widened


@dataclass(frozen=True)
class PreparedSlice:
    """A slice, and the facts that a file records about it.

    Args:
        slice_: the slice around the model's weights.
        facts: facts of the slice.
        marks: provenance entries on checkpoints and a training's path on the slice.
        placements: placement of each rank, with the storage of its directions.
    """

    slice_: Slice
    facts: SliceFacts
    marks: Json
    placements: tuple[RankPlacement, ...]


def prepare_slice(start: Start, prepared: PreparedProblem, executor: Executor) -> PreparedSlice:
    """Build the slice of a run; called by every rank.

    Args:
        start: the run's configuration and state.
        prepared: the network, with the weights at the centre.
        executor: the ranks.

    Raises:
        LandscapeError: if the slice can't be built for this network.
    """
    config, model, parameters = start.config, prepared.problem.model, prepared.parameters
    recipe = slice_from(config.slice)
    directions = directions_from(config.directions) if recipe.uses_directions else {}
    complete = load_directions(
        directions,
        tuple(config.checkpoints or ()),
        model,
        parameters,
        executor,
        partial(_gradient, config, prepared),
    )
    placements = prepared.placements
    if recipe.uses_directions:
        count = config.repeats * len(directions)
        placements = store_directions(
            config.keep_directions, parameters, count, placements, executor
        )
    context = SliceContext(
        parameters=parameters,
        axes=tuple(config.grid),
        directions=complete,
        repeats=config.repeats,
        orthogonal=config.orthogonal,
        streamed=placements[executor.rank].directions == "streamed",
        weights=_share_points(recipe, prepared, executor),
        loaded=_share_loaded(recipe, prepared, executor),
        read=VerifiedReader(prepared.problem.model, parameters.views),
        room=room_for_checkpoints(parameters.views) // count_sharing(placements, executor.rank)[1],
    )
    _refuse_overflow(config, parameters)
    slice_ = executor.together(lambda: recipe.build(context))
    executor.lead(lambda: _warn_of_small_steps(config, slice_, parameters))
    marks = executor.lead(lambda: _marks(start, recipe, complete, slice_, prepared))
    facts = executor.together(slice_.facts)
    return PreparedSlice(slice_, facts, marks, placements)


def _gradient(
    config: RunConfig,
    prepared: PreparedProblem,
    key: str,
    path: CheckpointPath | None,
    split: str | None,
    samples: int | None,
    quantity: str | None,
) -> dict[str, Tensor]:
    """Differentiate the mean loss at a checkpoint, on this rank."""
    own = split or (config.splits[0] if config.splits else None)
    return checkpoint_gradient(
        prepared.problem,
        prepared.parameters,
        key,
        path,
        own,
        samples,
        quantity,
        config.batch_size,
    )


def _refuse_overflow(config: RunConfig, parameters: FlatParameters) -> None:
    """Refuse coordinates that the parameters' dtypes can't represent."""
    most = min((torch.finfo(widened(dtype)).max for dtype in parameters.dtypes), default=math.inf)
    for axis, ends in config.grid.items():
        if max(abs(ends.low), abs(ends.high)) > most:
            raise UsageError(
                f"grid.{axis}: {ends.low:g} to {ends.high:g} is beyond what the parameters' dtype "
                f"can represent ({most:.3g}); choose a smaller range"
            )


def _warn_of_small_steps(config: RunConfig, slice_: Slice, parameters: FlatParameters) -> None:
    """Warn of grid steps that vanish when weights are rounded to bfloat16 or float16."""
    narrow = [dtype for dtype in parameters.dtypes if dtype.itemsize < 4]
    if not narrow:
        return
    eps = max(torch.finfo(dtype).eps for dtype in narrow)
    names = ", ".join(str(dtype).removeprefix("torch.") for dtype in narrow)
    for name, axis in config.grid.items():
        unit = slice_.unit(name)
        step = abs(axis.high - axis.low) / max(1, axis.points - 1)
        if unit is not None and step / unit < eps:
            warn(
                f"grid.{name}: a step changes weights by {step / unit:.2g} of their size, and "
                f"{names} weights resolve {eps:.2g}: neighbouring points may coincide; take fewer "
                "points, a wider range or float32 weights"
            )


def _share_points(
    recipe: SliceRecipe, prepared: PreparedProblem, executor: Executor
) -> dict[CheckpointPath, Mapping[str, Tensor]]:
    """Share the weights of the checkpoints on the slice with every rank."""
    return {path: _share_weights(path, prepared, executor) for path in recipe.points}


def _share_loaded(
    recipe: SliceRecipe, prepared: PreparedProblem, executor: Executor
) -> SlicePoints | None:
    """Load on rank 0 what the slice needs from a file, and share it with every rank."""
    views = prepared.parameters.views
    found: list[Mapping[str, Tensor]] = []

    def load() -> tuple[Mapping[str, object], int] | None:
        centre = {name: view.cpu() for name, view in views.items()}
        points = recipe.load(RunSource(prepared.problem.model, centre))
        if points is None:
            return None
        found.extend(points.tensors)
        return points.facts, len(points.tensors)

    facts = executor.lead(load)
    if facts is None:
        return None
    tensors = [
        dict(found[number])
        if found
        else {name: torch.zeros(view.shape, dtype=wide_dtype(view)) for name, view in views.items()}
        for number in range(facts[1])
    ]
    for point in tensors:
        share_tensors(point.values(), executor)
    return SlicePoints(facts[0], tensors)


def _share_weights(
    path: CheckpointPath, prepared: PreparedProblem, executor: Executor
) -> Mapping[str, Tensor]:
    """Read a checkpoint on rank 0, and share it with every rank."""
    model, views = prepared.problem.model, prepared.parameters.views
    weights = {name: torch.empty(view.shape, dtype=view.dtype) for name, view in views.items()}

    def read() -> None:
        for name, tensor in read_weights(path, model, views)[0].items():
            weights[name].copy_(tensor)

    executor.lead(read)
    share_tensors(weights.values(), executor)
    return weights


def _marks(
    start: Start,
    recipe: SliceRecipe,
    directions: Mapping[str, Direction],
    slice_: Slice,
    prepared: PreparedProblem,
) -> Json:
    """Locate checkpoints and a training's path on the slice, if there are any."""
    sha256 = identity(None if start.checkpoint is None else start.checkpoint.as_mapping())
    marks: dict[str, object] = {
        "checkpoints": mark_checkpoints(
            start.config,
            recipe,
            directions,
            slice_,
            prepared.problem.model,
            prepared.parameters.views,
        ),
        **find_paths(start.config, directions, sha256),
    }
    return {key: value for key, value in marks.items() if value}
