"""Setting up a rank: the same problem, weights, slice and data on every one of them."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from landscape_cli.config import RunConfig
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.agreement import precision_errors
from landscape_cli.evaluation.batch_norm import batch_norms, moved_buffers
from landscape_cli.evaluation.devices import (
    choose_device,
    default_micro_batch,
    own_cores,
    set_threads,
)
from landscape_cli.evaluation.settings import Settings
from landscape_cli.execution.base import Executor
from landscape_cli.geometry.directions import direction_from
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.flat import FlatParameters, digest
from landscape_cli.geometry.repeats import recipes_of
from landscape_cli.geometry.slices import Slice
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.problem import Problem
from landscape_cli.problems.resolving import load_problem
from landscape_cli.records import Grid
from landscape_cli.repeats import key_of
from landscape_cli.runner.agreement import agree_on_versions
from landscape_cli.runner.assembly import evaluator_of
from landscape_cli.runner.forward import choose_forward
from landscape_cli.runner.given import refuse_zero, supply
from landscape_cli.runner.keeping import keep_directions, make_slice
from landscape_cli.runner.loading import load_data, room_of
from landscape_cli.runner.marking import marked, path_through
from landscape_cli.runner.sampling import choose_samples, chosen
from landscape_cli.runner.start import Start


@dataclass(frozen=True)
class Setup:
    """A rank that is ready to evaluate tiles, and what a file should say about it.

    Args:
        evaluator: evaluates tiles.
        facts: network, splits, directions and so on for the file's provenance; equal on all ranks.
        places: host, device and threads of each rank, and where it keeps directions and data.
    """

    evaluator: Evaluator
    facts: dict[str, Any]
    places: list[dict[str, Any]]


def set_up(start: Start, executor: Executor) -> Setup:
    """Prepare this rank; called by all of them.

    Raises:
        LandscapeError: if the problem, the checkpoint or the data are not as they should be, on
            any rank, or not the same on all.
    """
    config = start.config
    agree_on_versions(executor)
    problem = executor.together(lambda: _load_problem(start))
    device = executor.together(lambda: choose_device(config.device, executor.local_rank))
    places = share_node(executor, device, config.threads)
    settings = executor.lead(lambda: _first_settings(start, device))
    if config.checkpoint is not None:
        path = config.checkpoint
        executor.lead(lambda: load_weights(problem.model, path))
    _share_weights(problem.model, executor)
    weights = digest(problem.model.state_dict())
    buffers = moved_buffers(problem.model, config.perturb, config.batch_norm)
    parameters = FlatParameters.of_model(problem.model, device, buffers)
    recipes = {
        axis: direction_from(section, f"directions.{axis}")
        for axis, section in config.directions.items()
    }
    recipes = supply(recipes, config, problem.model, parameters, executor)
    repeats = recipes_of(recipes, config.repeats)
    axes = len(repeats) * len(recipes)
    places = keep_directions(config.keep_directions, parameters, axes, places, executor)
    kept = places[executor.rank]["directions"]
    slice_ = executor.together(
        lambda: make_slice(kept, parameters.clone(), repeats, config.orthogonal)
    )
    norms = slice_.norms()
    executor.together(lambda: refuse_zero(norms))
    marks = executor.lead(lambda: _marks(start, recipes, slice_, problem.model))
    room = room_of(config.cache, executor, device, places)
    sources = {name: problem.splits[name] for name in config.splits or problem.splits}
    evaluator_on = partial(
        evaluator_of, problem, parameters, slice_, settings, executor.rank, config
    )
    sampling = start.sampling
    if config.target_stderr is not None and sampling is None:
        sampling = executor.lead(
            lambda: choose_samples(evaluator_on, sources, corners(config), config, room)
        )
    evaluator = executor.together(lambda: evaluator_on(chosen(sources, config.samples, sampling)))
    samples, places = load_data(evaluator, executor, places, room, config.allow_random)
    facts = {
        "network": {
            "name": problem.name or type(problem.model).__name__,
            "parameters": sum(
                p.numel() for p in problem.model.parameters() if p.is_floating_point()
            ),
            "sha256": weights,
        },
        "splits": {
            name: {"samples": samples[name], "fingerprint": split.fingerprint}
            for name, split in evaluator.splits.items()
        },
        "directions": _describe(slice_, repeats),
    }
    if batch_norms(problem.model):
        facts["batch_norm"] = config.batch_norm
    _agree(executor, {k: v for k, v in facts.items() if k != "splits" or not config.allow_random})
    facts |= choose_forward(evaluator, config, executor, start.settings is None)
    settings = evaluator.settings
    facts |= {
        "cosines": slice_.cosines(),
        "norms": norms,
        **marks,
        "settings": settings.as_dict(),
        "micro_batch": settings.micro_batch,
        "precision": settings.precision,
        "dtypes": [str(dtype).removeprefix("torch.") for dtype in parameters.buffers],
    }
    if sampling is not None:
        facts["sampling"] = sampling
    if settings.precision != "fp32":
        points = corners(config)
        facts["precision_errors"] = executor.lead(lambda: precision_errors(evaluator, points))
    return Setup(evaluator, facts, places)


def _describe(slice_: Slice, repeats: Sequence[Mapping[str, Direction]]) -> dict[str, Any]:
    """Each direction's settings, label and SHA-256, by its name."""
    hashes = slice_.hashes()
    named = {
        key_of(number, axis): recipe
        for number, recipes in enumerate(repeats)
        for axis, recipe in recipes.items()
    }
    return {
        name: {
            **recipe.model_dump(mode="json", exclude_none=True),
            "label": recipe.label(),
            "sha256": hashes[name],
        }
        for name, recipe in named.items()
    }


def _marks(
    start: Start, recipes: Mapping[str, Direction], slice_: Slice, model: nn.Module
) -> dict[str, Any]:
    """Checkpoints and a path on the slice, where there are some."""
    found = {
        "checkpoints": marked(start.config, recipes, slice_, model),
        "trajectory": path_through(start.config, recipes, (start.checkpoint or {}).get("sha256")),
    }
    return {key: value for key, value in found.items() if value}


def _first_settings(start: Start, device: torch.device) -> Settings:
    """The settings of the file that is continued, or those to begin with."""
    if start.settings is not None:
        return Settings.from_dict(start.settings)
    micro_batch = start.config.batch_size or default_micro_batch(device)
    return Settings(micro_batch, precision=start.config.precision)


def corners(config: RunConfig) -> list[tuple[float, ...]]:
    """The centre, and then every corner of the grid, in every repeat."""
    grid = Grid(config.grid, config.repeats)
    return [grid.origin, *grid.corners()]


def _load_problem(start: Start) -> Problem:
    problem = load_problem(start.config.problem, start.config.problem_args)
    for split in start.config.splits or ():
        if split not in problem.splits:
            raise UsageError(
                f"splits: the problem has no split {split!r}; it has {', '.join(problem.splits)}"
            )
    if not any(parameter.is_floating_point() for parameter in problem.model.parameters()):
        raise ProblemError("Problem.model: it has no floating-point parameters to perturb")
    return problem


def share_node(
    executor: Executor, device: torch.device, threads: int | None
) -> list[dict[str, Any]]:
    """Give this rank its share of the node's cores, and learn where all ranks are."""
    host = socket.gethostname()
    cores = [c for name, c in executor.gather((host, own_cores())) if name == host]
    threads = set_threads(threads, len(frozenset().union(*cores)), len(cores))
    return executor.gather({"host": host, "device": str(device), "threads": threads})


def _share_weights(model: nn.Module, executor: Executor) -> None:
    """Give every rank the parameters and buffers of rank 0, tensor by tensor."""
    tensors = [*model.parameters(), *model.buffers()]
    shapes = [(tuple(tensor.shape), str(tensor.dtype)) for tensor in tensors]
    _agree(executor, {"tensors": shapes})
    for tensor in tensors:
        copy = tensor.detach().cpu().contiguous()
        executor.share(copy.view(-1).view(torch.uint8).numpy())
        if executor.rank:
            with torch.no_grad():
                tensor.copy_(copy)


def _agree(executor: Executor, facts: dict[str, Any]) -> None:
    """Refuse ranks that see another network, other directions or other data than rank 0."""
    everywhere = executor.gather(facts)

    def compare() -> None:
        for rank, others in enumerate(everywhere):
            for key, value in facts.items():
                if others[key] != value:
                    raise ProblemError(
                        f"problem: rank {rank} has other {key} than rank 0; does the problem load "
                        "the same on every node, and in the same order each time?"
                    )

    executor.lead(compare)
