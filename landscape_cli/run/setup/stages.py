"""Setting up a rank: the same problem, weights, slice and data on every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.batch_norm import batch_norms, moved_buffers
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.devices import choose_device, default_micro_batch
from landscape_cli.evaluation.forward.equivalence import precision_errors
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.geometry.parameters import FlatParameters, digest
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.problem import Problem
from landscape_cli.records.grid import Grid
from landscape_cli.run.resume import Start
from landscape_cli.run.setup.assembly import evaluator_of
from landscape_cli.run.setup.data_loading import load_data, room_of
from landscape_cli.run.setup.forward_choice import choose_forward
from landscape_cli.run.setup.placement import share_node
from landscape_cli.run.setup.rank_consistency import agree, agree_on_versions, share_weights
from landscape_cli.run.setup.sample_choice import Sources, choose_samples, chosen
from landscape_cli.run.setup.slice_setup import lay_slice


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
    network = _share_network(problem, config.checkpoint, executor)
    buffers = moved_buffers(problem.model, config.perturb, config.batch_norm)
    parameters = FlatParameters.of_model(problem.model, device, buffers)
    laid = lay_slice(start, problem.model, parameters, places, executor)
    room = room_of(config.cache, executor, device, laid.places)
    evaluator_on = partial(
        evaluator_of, problem, parameters, laid.slice_, settings, executor.rank, config
    )
    sources = {name: problem.splits[name] for name in config.splits or problem.splits}
    sampling = _sampling(start, evaluator_on, sources, room, executor)
    evaluator = executor.together(lambda: evaluator_on(chosen(sources, config.samples, sampling)))
    samples, places = load_data(evaluator, executor, laid.places, room, config.allow_random)
    facts: dict[str, Any] = {"network": network, "directions": laid.directions}
    facts["splits"] = {
        name: {"samples": samples[name], "fingerprint": split.fingerprint}
        for name, split in evaluator.splits.items()
    }
    if batch_norms(problem.model):
        facts["batch_norm"] = config.batch_norm
    agree(executor, {k: v for k, v in facts.items() if k != "splits" or not config.allow_random})
    facts |= choose_forward(evaluator, config, executor, start.settings is None)
    facts |= laid.facts | _forward_facts(evaluator)
    if sampling is not None:
        facts["sampling"] = sampling
    if evaluator.settings.precision != "fp32":
        points = corners(config)
        facts["precision_errors"] = executor.lead(lambda: precision_errors(evaluator, points))
    return Setup(evaluator, facts, places)


def _share_network(problem: Problem, checkpoint: str | None, executor: Executor) -> dict[str, Any]:
    """Give every rank the weights that rank 0 has or reads, and say what identifies the network."""
    if checkpoint is not None:
        executor.lead(lambda: load_weights(problem.model, checkpoint))
    share_weights(problem.model, executor)
    floating = (p for p in problem.model.parameters() if p.is_floating_point())
    return {
        "name": problem.name or type(problem.model).__name__,
        "parameters": sum(parameter.numel() for parameter in floating),
        "sha256": digest(problem.model.state_dict()),
    }


def _sampling(
    start: Start,
    evaluator_on: Callable[[Sources], Evaluator],
    sources: Sources,
    room: Room,
    executor: Executor,
) -> dict[str, Any] | None:
    """The samples that a standard error takes, as the file has them or a pilot finds; or None."""
    config = start.config
    if config.target_stderr is None or start.sampling is not None:
        return start.sampling
    return executor.lead(
        lambda: choose_samples(evaluator_on, sources, corners(config), config, room)
    )


def _forward_facts(evaluator: Evaluator) -> dict[str, Any]:
    """How the forward pass is done."""
    settings = evaluator.settings
    return {
        "settings": settings.as_dict(),
        "micro_batch": settings.micro_batch,
        "precision": settings.precision,
        "dtypes": [str(dtype).removeprefix("torch.") for dtype in evaluator.parameters.buffers],
    }


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
