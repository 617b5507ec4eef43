"""Division of a model among the ranks of a group: by FSDP, or by the problem's own plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError, UsageError, cause
from landscape_cli.geometry.shards import Names, Place, Shard, ShardedParameters, local_part
from landscape_cli.parallel.group import Group
from landscape_cli.problems.problem import Problem
from landscape_cli.util.tensors import bytes_of, movable

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

CONTAINERS = (nn.ModuleList, nn.Sequential)
"""Modules whose children are gathered one after the other, such as the blocks of a transformer."""

LARGE = (nn.Embedding, nn.Linear)
"""Modules outside of blocks that are gathered on their own."""


def divide_model(
    problem: Problem, mesh: DeviceMesh, called: Collection[nn.Module] | None = None
) -> nn.Module:
    """Divide a problem's model among the ranks of a mesh; called by all of them.

    Args:
        problem: with a model that is whole on this rank, or on the meta device.
        mesh: the ranks.
        called: modules that a forward pass calls; all of them if None.

    Returns:
        The model, whose parameters are distributed tensors.

    Raises:
        ProblemError: if it can't be divided.
        UsageError: if this PyTorch can't.
    """
    model = problem.model
    divide = problem.parallelize or partial(shard_fully, called=called)
    try:
        divided = divide(model, mesh)
    except ImportError as error:
        raise UsageError(
            f"ranks_per_model: {mesh.size()} needs PyTorch 2.6 or later ({error})"
        ) from None
    except Exception as error:  # whatever the plan raises
        how = "Problem.parallelize" if problem.parallelize else "FSDP"
        raise ProblemError(
            f"Problem.model: {how} can't divide it among {mesh.size()} ranks ({cause(error)}); "
            "give Problem.parallelize a function (model, mesh) -> model that can, or use one rank "
            "for each model"
        ) from error
    if not isinstance(divided, nn.Module):
        raise ProblemError(
            f"Problem.parallelize: expected the divided model, got a {type(divided).__name__}"
        )
    if not any(hasattr(one, "to_local") for one in divided.parameters()):
        raise ProblemError(
            "Problem.parallelize: it leaves every parameter whole on each rank; divide some of "
            "them, or use one rank for each model"
        )
    return divided


def shard_fully(
    model: nn.Module, mesh: DeviceMesh, called: Collection[nn.Module] | None = None
) -> nn.Module:
    """Shard a model by FSDP: each block is gathered for its own forward pass only."""
    from torch.distributed.fsdp import fully_shard

    for unit in [*units_of(model, called), model]:
        fully_shard(unit, mesh=mesh, reshard_after_forward=True)
    return model


def units_of(model: nn.Module, called: Collection[nn.Module] | None = None) -> list[nn.Module]:
    """Return the parts of a model that are gathered one at a time.

    These are the outermost members of lists and sequences of modules, and embeddings and linear
    maps outside of them. One that shares a parameter with the rest of the model stays with it, and
    so does one that is not called, whose weights the model may use itself.

    Args:
        model: the model, before it is divided.
        called: modules that a forward pass calls; all of them if None.
    """
    known = None if called is None else {id(module) for module in called}
    holders: dict[int, set[int]] = defaultdict(set)
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            holders[id(parameter)].add(id(module))

    def apart(unit: nn.Module) -> bool:
        own = {id(module) for module in unit.modules()}
        parameters = list(unit.parameters())
        if known is not None and id(unit) not in known:
            return False
        return bool(parameters) and all(holders[id(each)] <= own for each in parameters)

    def find(module: nn.Module) -> Iterator[nn.Module]:
        for child in module.children():
            member = isinstance(module, CONTAINERS) or type(child) in LARGE
            if member and apart(child):
                yield child
            else:
                yield from find(child)

    return list({id(unit): unit for unit in find(model)}.values())


def members_of(model: nn.Module) -> list[nn.Module]:
    """Return the members of lists and sequences of modules, which are hardly used but by calls."""
    lists = (module for module in model.modules() if isinstance(module, CONTAINERS))
    return [member for each in lists for member in each.children()]


def sharded_parameters(model: nn.Module, names: Names, group: Group) -> ShardedParameters:
    """Return the parts of a divided model's parameters that this rank holds.

    Args:
        model: the divided model.
        names: names in the model before it was divided.
        group: the ranks that hold it.

    Raises:
        ProblemError: if a part is not a rectangle of the whole tensor.
    """
    present = {name: each for name, each in model.named_parameters() if movable(each)}
    shards = {name: shard_of(name, each) for name, each in present.items()}
    return ShardedParameters(shards, Gathering(group), names)


def shard_of(name: str, parameter: Tensor) -> Shard:
    """Return the part of a tensor that this rank holds, which may be all of it.

    Raises:
        ProblemError: if it is not a rectangle of the whole tensor.
    """
    local = local_part(parameter).detach()
    shape = tuple(parameter.shape)
    place = _place(name, parameter)
    if tuple(part.stop - part.start for part in place) != tuple(local.shape):
        raise ProblemError(
            f"Problem.parallelize: {name} of shape {shape} is divided in a way that is not a "
            "rectangle on each rank; shard it along a dimension, or replicate it"
        )
    return Shard(shape, place, local)


def _place(name: str, parameter: Any) -> Place:
    """Return the place of a distributed tensor's local part in it."""
    if not hasattr(parameter, "to_local"):
        return tuple(slice(0, size) for size in parameter.shape)
    from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

    if any(each.is_partial() for each in parameter.placements):
        raise ProblemError(
            f"Problem.parallelize: {name} is a partial sum on each rank; shard or replicate it"
        )
    sizes, offsets = compute_local_shape_and_global_offset(
        parameter.shape, parameter.device_mesh, parameter.placements
    )
    return tuple(slice(offset, offset + size) for size, offset in zip(sizes, offsets, strict=True))


class Gathering:
    """Gathers whole tensors on the ranks of a group, which call it together.

    Args:
        group: the ranks.
    """

    def __init__(self, group: Group) -> None:
        self._group = group

    def __call__(self, shard: Shard, local: Tensor) -> Tensor:
        """Return a whole tensor on the CPU, from the parts of all ranks."""
        whole = torch.empty(shard.shape, dtype=local.dtype)
        for member, place in enumerate(self._group.gather(shard.place)):
            part = whole[place]
            sent = part if part.is_contiguous() else torch.empty(part.shape, dtype=part.dtype)
            if member == self._group.member:
                sent.copy_(local.detach())
            self._group.spread(bytes_of(sent), member)
            if sent is not part:
                part.copy_(sent)
        return whole
