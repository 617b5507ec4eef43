"""Models built without values, to whose parts each rank reads its own from the checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, ProblemError, some
from landscape_cli.evaluation.groups.process_group import mesh_of
from landscape_cli.evaluation.groups.sharding import divide_model, shard_of, sharded_parameters
from landscape_cli.geometry.parameters import flatten
from landscape_cli.geometry.shards import Names, ShardedParameters
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoints.parts import stored_tensors
from landscape_cli.problems.checkpoints.parts.base import StoredTensor
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.run.groups.division import first_batch, try_whole


def is_empty(model: nn.Module) -> bool:
    """Tell whether a model has parameters on the meta device, without values."""
    return any(parameter.is_meta for parameter in model.parameters())


def fill_problem(
    problem: Problem, checkpoint: CheckpointPath, executor: Executor, device: torch.device
) -> tuple[Problem, ShardedParameters]:
    """Divide a model without values, and read this rank's parts; called by every rank.

    No rank ever holds more than its parts and one part of a file.

    Args:
        problem: whose model is on the meta device, except for buffers that no checkpoint has.
        checkpoint: safetensors, or a folder of ``torch.distributed.checkpoint``.
        executor: the ranks, in groups.
        device: the device of this rank.

    Returns:
        The problem with the divided model, and this rank's parts of the parameters.

    Raises:
        LandscapeError: if the checkpoint does not fit, or can't be read in parts.
    """
    group = executor.group
    assert group is not None
    stored = executor.together(lambda: stored_tensors(checkpoint, problem.model))
    executor.together(lambda: _refuse_unfilled(problem.model, stored))
    names = Names.of(problem.model)
    batch = executor.together(lambda: first_batch(problem, group))
    _, called = executor.together(lambda: try_whole(problem, batch))
    mesh = executor.together(lambda: mesh_of(group, device))
    model = executor.together(lambda: divide_model(problem, mesh, called))
    model._apply(  # type: ignore[no-untyped-call]
        lambda t: torch.empty_like(t, device=device) if t.is_meta else t.to(device)
    )
    parameters = executor.together(lambda: sharded_parameters(model, names, group))
    executor.together(lambda: _fill(model, stored, checkpoint))
    return replace(problem, model=model), parameters


def _refuse_unfilled(model: nn.Module, stored: Mapping[str, StoredTensor]) -> None:
    """Refuse a buffer without values that the checkpoint does not have."""
    lacking = [name for name, one in model.named_buffers() if one.is_meta and name not in stored]
    if lacking:
        raise ProblemError(
            f"Problem.model: {some(lacking)} is on the meta device, and is not in the checkpoint; "
            "build buffers on a real device"
        )


@torch.no_grad()
def _fill(model: nn.Module, stored: Mapping[str, StoredTensor], checkpoint: CheckpointPath) -> None:
    """Read this rank's part of each tensor."""
    for name, tensor in model.state_dict().items():
        if not isinstance(tensor, Tensor):
            continue
        shard = shard_of(name, tensor)
        entries = stored[name].read(shard.place)
        if entries.is_floating_point() and not bool(torch.isfinite(entries).all()):
            raise CheckpointError(
                f"checkpoint: {str(checkpoint)!r} has numbers in {name} that are not finite"
            )
        shard.local.copy_(entries)


def whole_tensors(model: nn.Module, parameters: ShardedParameters) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a divided model's state dict, each gathered whole.

    All ranks of a group iterate together.
    """
    for name, value in model.state_dict().items():
        if hasattr(value, "to_local"):
            shard = shard_of(name, value)
            yield name, parameters.gather(shard, shard.local)
        else:
            yield from flatten({name: value}).items()
