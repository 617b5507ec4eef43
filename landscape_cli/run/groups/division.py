"""The division of a prepared problem among the ranks of a group, and its members' part of a run."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError, cause
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.data.batches import first_samples, tensors_in
from landscape_cli.evaluation.data.sources import batches_of
from landscape_cli.evaluation.devices import default_micro_batch
from landscape_cli.evaluation.groups.passes import (
    GroupPasses,
    Member,
    on_device,
    on_host,
)
from landscape_cli.evaluation.groups.process_group import mesh_of
from landscape_cli.evaluation.groups.sharding import divide_model, members_of, sharded_parameters
from landscape_cli.evaluation.passes import Passes
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.shards import Names, ShardedParameters
from landscape_cli.geometry.slices.base import Slice
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.group import Group
from landscape_cli.problems.problem import Problem

COMPARED = 2
"""Number of samples on which a divided model is compared with the whole one."""

TOLERANCE = {"cpu": 1e-5, "cuda": 1e-2, "xpu": 1e-2}
"""Largest relative difference between values of the divided model and of the whole one, which is
evaluated on the CPU: other devices round otherwise."""


def divide_problem(
    problem: Problem, executor: Executor, device: torch.device
) -> tuple[Problem, ShardedParameters]:
    """Divide a problem's model among the ranks of this rank's group; called by all of them.

    Args:
        problem: whose model is whole on every rank.
        executor: the ranks, in groups.
        device: the device of this rank.

    Returns:
        The problem with the divided model, and this rank's part of the parameters.

    Raises:
        LandscapeError: if the model can't be divided, or has other values then.
    """
    group = executor.group
    assert group is not None
    mesh = executor.together(lambda: mesh_of(group, device))
    batch = executor.together(lambda: first_batch(problem, group))
    whole, called = executor.together(lambda: try_whole(problem, batch))
    names = Names.of(problem.model)
    model = executor.together(lambda: divide_model(problem, mesh, called)).to(device)
    divided = replace(problem, model=model)
    if whole is not None:
        executor.together(lambda: _refuse_other_values(whole, divided, batch, device))
    return divided, executor.together(lambda: sharded_parameters(model, names, group))


def passes_of(problem: Problem, executor: Executor, device: torch.device) -> Passes | None:
    """Return how the leader of a group has passes made; None where each rank has its own model."""
    group = executor.group
    if group is None or not group.leads:
        return None
    place = _place(executor, device)
    return GroupPasses(problem.objective, problem.model, group, device, place, executor.stop)


def enlist(
    problem: Problem,
    parameters: FlatParameters,
    slice_: Slice,
    executor: Executor,
    device: torch.device,
) -> None:
    """Make this rank carry out its leader's orders, if it is a member of a group."""
    group = executor.group
    if group is None or group.leads:
        return
    assert isinstance(parameters, ShardedParameters)
    place = _place(executor, device)
    group.answer = Member(
        problem.objective,
        problem.model,
        parameters,
        slice_,
        device,
        place,
        executor.stop,
        executor.activity,
    ).answer


def _place(executor: Executor, device: torch.device) -> str:
    """Return this rank's number, host and device, for messages."""
    return f"rank {executor.rank} on {executor.hosts[executor.rank]} ({device})"


def divide_batches(evaluator: Evaluator, problem: Problem, keep_going: bool) -> bool:
    """Let each rank of the group evaluate its own batches from now on, where that is safe.

    It is if the model was sharded by FSDP, each batch takes as many forward passes as any other,
    and no forward pass changes the model. With ``keep_going`` it is not: a batch that fails on one
    rank would leave the others in the middle of theirs.

    Args:
        evaluator: which has evaluated the centre.
        problem: the problem.
        keep_going: whether the run goes on after a point has failed.

    Returns:
        True if batches are divided.
    """
    passes = evaluator.objective
    if isinstance(passes, GroupPasses):
        unchanged = not evaluator.state.changed
        passes.divided = (
            problem.parallelize is None and passes.steady and unchanged and not keep_going
        )
        return passes.divided
    return False


def first_batch(problem: Problem, group: Group) -> Any:
    """Return a few samples of the first split, the same on all ranks of a group."""
    name, split = next(iter(problem.splits.items()))
    size = default_micro_batch(torch.device("cpu"))
    batch = first_samples(next(iter(batches_of(name, split, size))), COMPARED)
    return group.share(on_host(batch))


def try_whole(problem: Problem, batch: Any) -> tuple[dict[str, Tensor] | None, list[nn.Module]]:
    """Evaluate a model before it is divided, for as far as that goes.

    Args:
        problem: the problem; its model may be on the meta device.
        batch: a few samples.

    Returns:
        The objective's values, None if it fails or there are none; and the modules that it calls,
        or may have called after it failed.
    """
    model = problem.model
    called: list[nn.Module] = []
    hooks = [
        module.register_forward_pre_hook(lambda one, inputs: called.append(one))
        for module in model.modules()
    ]
    device = next(model.parameters()).device
    try:
        values = _values(problem, batch, device)
    except Exception:  # an objective may not accept such a small batch, nor tensors without values
        values = None
        called += members_of(model)
    finally:
        for hook in hooks:
            hook.remove()
    return None if device.type == "meta" else values, called


@torch.no_grad()
def _values(problem: Problem, batch: Any, device: torch.device) -> dict[str, Tensor]:
    model = problem.model
    model.eval()
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        found = problem.objective(model, on_device(copy.deepcopy(batch), device))
        return {
            f"{name} {number}": tensor.double().cpu()
            for name, value in found.items()
            for number, tensor in enumerate(tensors_in(value))
        }
    finally:
        for name, buffer in model.named_buffers():
            if name in buffers and not buffer.is_meta:
                buffer.copy_(buffers[name])


def _refuse_other_values(
    whole: Mapping[str, Tensor], divided: Problem, batch: Any, device: torch.device
) -> None:
    """Refuse a divided model that fails, or whose values are not those of the whole one."""
    how = "Problem.parallelize" if divided.parallelize else "FSDP"
    try:
        found = _values(divided, batch, device)
    except Exception as error:  # whatever a model raises whose parameters are not gathered
        raise ProblemError(
            f"Problem.model: it does not run when {how} has divided it among ranks "
            f"({cause(error)}); give Problem.parallelize a function (model, mesh) -> model that "
            "divides it otherwise, or use one rank for each model"
        ) from error
    for name, before in whole.items():
        after = found[name]
        scale = float(before.abs().nan_to_num().max()) if before.numel() else 0.0
        off = float((after - before).abs().nan_to_num().max()) if before.numel() else 0.0
        if after.shape != before.shape or off > TOLERANCE[device.type] * scale:
            raise ProblemError(
                f"Problem.model: when {how} has divided it among ranks, {name.split()[0]!r} of the "
                f"first samples changes by {off:.3g}, beside values of up to {scale:.3g}; give "
                "Problem.parallelize another plan, or use one rank for each model"
            )
