"""The problem of a run and its trained weights, equal on every rank."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import nn

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.batch_norm import moved_buffers
from landscape_cli.evaluation.devices import placed_devices
from landscape_cli.evaluation.model_preparation import prepare_model
from landscape_cli.evaluation.passes import Passes
from landscape_cli.geometry.parameters import Digest, FlatParameters, digest, flatten, moved_tensors
from landscape_cli.geometry.shards import ShardedParameters
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.run.groups.division import divide_problem, passes_of
from landscape_cli.run.groups.filling import fill_problem, is_empty, whole_tensors
from landscape_cli.run.groups.refusals import refuse_network
from landscape_cli.run.setup.placement import place_model, place_ranks
from landscape_cli.run.setup.rank_consistency import share_objects, share_weights
from landscape_cli.run.setup.records import NetworkFacts, RankPlacement
from landscape_cli.util.allocator import keep_freed_memory


@dataclass(frozen=True)
class PreparedProblem:
    """A problem whose model has the trained weights, on this rank's device.

    Args:
        problem: the user's problem.
        network: identity of the network.
        parameters: tensors of the model that a slice moves.
        device: device of this rank, to which batches go; the first one of a model that is spread.
        placements: placement of each rank.
        passes: makes the forward passes on a group's leader; None where the objective does.
    """

    problem: Problem
    network: NetworkFacts
    parameters: FlatParameters
    device: torch.device
    placements: tuple[RankPlacement, ...]
    passes: Passes | None = None


def prepare_problem(
    config: RunConfig, executor: Executor, problem: Problem | None = None
) -> PreparedProblem:
    """Import the problem and load the weights; called by every rank.

    Args:
        config: the run.
        executor: the ranks.
        problem: the user's object, in place of the one that the configuration names.

    Raises:
        LandscapeError: if the problem or the checkpoint is invalid on any rank.
    """
    loaded = executor.together(lambda: _load(config, problem))
    devices = place_model(executor, loaded.model, config.device)
    if devices[0].type == "cpu":
        keep_freed_memory()
    placements = place_ranks(executor, devices, config.threads)
    if executor.group is not None:
        executor.together(lambda: refuse_network(loaded.model, devices, config))
        divided, network, own = _divide(loaded, config.checkpoint, executor, devices[0])
        passes = passes_of(divided, executor, devices[0])
        return PreparedProblem(divided, network, own, devices[0], placements, passes)
    network = _share_network(loaded, config.checkpoint, executor)
    buffers = moved_buffers(loaded.model, config.perturb, config.batch_norm)
    target = None if placed_devices(loaded.model) else devices[0]
    parameters = FlatParameters.of_model(loaded.model, target, buffers)
    return PreparedProblem(loaded, network, parameters, devices[0], placements)


def _load(config: RunConfig, problem: Problem | None) -> Problem:
    if problem is None:
        problem = load_problem(config.problem, config.problem_args)
    elif config.ranks_per_model > 1:  # the caller's own model stays whole
        problem = replace(problem, model=copy.deepcopy(problem.model))
    for split in config.splits or ():
        if split not in problem.splits:
            raise UsageError(
                f"splits: the problem has no split {split!r}; it has {', '.join(problem.splits)}"
            )
    prepare_model(problem, empty=config.ranks_per_model > 1 and config.checkpoint is not None)
    return problem


def _divide(
    problem: Problem, checkpoint: CheckpointPath | None, executor: Executor, device: torch.device
) -> tuple[Problem, NetworkFacts, ShardedParameters]:
    """Divide the model among the ranks of each group, with the weights of the checkpoint."""
    if checkpoint is None or not is_empty(problem.model):
        network = _share_network(problem, checkpoint, executor)
        divided, own = divide_problem(problem, executor, device)
        return divided, network, own
    network_name = problem.name or type(problem.model).__name__  # before its class changes
    divided, own = fill_problem(problem, checkpoint, executor, device)
    state = Digest()
    for name, tensor in whole_tensors(divided.model, own):
        state.begin(name, tensor)
        state.add(tensor)
    return divided, NetworkFacts(network_name, own.count, state.text()), own


def _share_network(
    problem: Problem, checkpoint: CheckpointPath | None, executor: Executor
) -> NetworkFacts:
    """Copy the weights of rank 0 to every rank, and identify the network."""
    model: nn.Module = problem.model
    if checkpoint is not None:
        executor.lead(lambda: load_weights(model, checkpoint))
        share_objects(model, executor)
    moved = executor.together(lambda: moved_tensors(model)).owners.values()
    share_weights(model, executor)
    return NetworkFacts(
        name=problem.name or type(model).__name__,
        parameters=sum(parameter.numel() for parameter in moved),
        sha256=digest(flatten(model.state_dict())),
    )
