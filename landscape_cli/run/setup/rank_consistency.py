"""Consistency of ranks: the same software, weights and problem on each."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, ProblemError, UsageError, cause, some
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoints import objects_of, put_objects
from landscape_cli.util.tensors import bytes_of
from landscape_cli.util.versions import versions

SAME = ("landscape-cli", "python", "torch", "numpy")
"""Packages whose versions affect the numbers."""


def agree_on_versions(executor: Executor) -> None:
    """Refuse ranks whose versions differ from rank 0's; called by every rank.

    Raises:
        UsageError: naming the first such rank, its host, and both versions.
    """
    everywhere = executor.gather((socket.gethostname(), versions()))

    def compare() -> None:
        if difference := other_versions(everywhere):
            raise UsageError(difference)

    executor.lead(compare)


def other_versions(everywhere: list[tuple[str, dict[str, str]]]) -> str | None:
    """Return the first difference and the remedy, or None if all have the same versions.

    Args:
        everywhere: host and versions of each rank.
    """
    first_host, expected = everywhere[0]
    for rank, (host, got) in enumerate(everywhere):
        for name in SAME:
            if got.get(name) != expected.get(name):
                return (
                    f"rank {rank} on {host} has {name} {got.get(name)}, but rank 0 on {first_host} "
                    f"has {expected.get(name)}; start every rank in the same environment"
                )
    return None


def share_weights(model: nn.Module, executor: Executor) -> None:
    """Copy the parameters and buffers of rank 0 to every rank, tensor by tensor."""
    tensors = [
        tensor
        for tensor in (*model.parameters(), *model.buffers())
        if tensor.layout is torch.strided and not tensor.is_quantized
    ]
    shapes = [(tuple(tensor.shape), str(tensor.dtype)) for tensor in tensors]
    agree(executor, {"tensors": shapes})
    share_tensors(tensors, executor)


def share_objects(model: nn.Module, executor: Executor) -> None:
    """Copy what rank 0's model holds besides tensors, such as extra state, to every rank.

    Raises:
        CheckpointError: if it can't be pickled.
    """
    if executor.size == 1:
        return
    packed = executor.lead(lambda: _pickled(objects_of(model)))
    executor.together(lambda: put_objects(model, pickle.loads(packed)) if executor.rank else None)


def _pickled(objects: Mapping[str, Any]) -> bytes:
    try:
        return pickle.dumps(objects)
    except Exception as error:  # whatever an object's own way of pickling raises
        raise CheckpointError(
            f"checkpoint: {some(list(objects))} can't be sent to the other ranks: {cause(error)}; "
            "run on one rank"
        ) from None


def share_tensors(tensors: Iterable[Tensor], executor: Executor) -> None:
    """Copy the tensors of rank 0 to every rank, in place."""
    for tensor in tensors:
        copy = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
        executor.share(bytes_of(copy))
        if executor.rank:
            with torch.no_grad():
                tensor.copy_(copy)


def agree(executor: Executor, facts: Mapping[str, object]) -> None:
    """Refuse ranks whose network, directions or data differ from rank 0's.

    Raises:
        ProblemError: naming the first such rank and the difference.
    """
    everywhere = executor.gather(facts)

    def compare() -> None:
        for rank, others in enumerate(everywhere):
            for key, value in facts.items():
                if others[key] != value:
                    raise ProblemError(
                        f"problem: rank {rank} has different {key} from rank 0; does the problem "
                        "load the same on every node, in the same order each time?"
                    )

    executor.lead(compare)
