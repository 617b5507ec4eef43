"""Checks that the ranks of a job have the same software, weights and problem."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.parallel.executor import Executor
from landscape_cli.util.versions import versions

SAME = ("landscape-cli", "python", "torch", "numpy")
"""Packages whose versions decide the numbers."""


def agree_on_versions(executor: Executor) -> None:
    """Refuse ranks with other versions than rank 0; called by every rank.

    Raises:
        UsageError: naming the first such rank, its host, and both versions.
    """
    everywhere = executor.gather((socket.gethostname(), versions()))

    def compare() -> None:
        if found := other_versions(everywhere):
            raise UsageError(found)

    executor.lead(compare)


def other_versions(everywhere: list[tuple[str, dict[str, str]]]) -> str | None:
    """Return the first difference and the remedy, or None if all have the same versions.

    Args:
        everywhere: each rank's host and versions.
    """
    first, wanted = everywhere[0]
    for rank, (host, found) in enumerate(everywhere):
        for name in SAME:
            if found.get(name) != wanted.get(name):
                return (
                    f"rank {rank} on {host} has {name} {found.get(name)}, but rank 0 on {first} "
                    f"has {wanted.get(name)}; start every rank in the same environment"
                )
    return None


def share_weights(model: nn.Module, executor: Executor) -> None:
    """Give every rank the parameters and buffers of rank 0, tensor by tensor."""
    tensors = [*model.parameters(), *model.buffers()]
    shapes = [(tuple(tensor.shape), str(tensor.dtype)) for tensor in tensors]
    agree(executor, {"tensors": shapes})
    share_tensors(tensors, executor)


def share_tensors(tensors: Iterable[Tensor], executor: Executor) -> None:
    """Give every rank the tensors of rank 0, in place."""
    for tensor in tensors:
        copy = tensor.detach().cpu().contiguous()
        executor.share(copy.view(-1).view(torch.uint8).numpy())
        if executor.rank:
            with torch.no_grad():
                tensor.copy_(copy)


def agree(executor: Executor, facts: Mapping[str, object]) -> None:
    """Refuse ranks that see another network, other directions or other data than rank 0.

    Raises:
        ProblemError: naming the first such rank, and what it has.
    """
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
