"""Calls of autograd, and the tensors that it records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.derivatives.strided_convolutions import guarded


def gradients(
    total: Tensor | Sequence[Tensor] | None,
    inputs: Sequence[Tensor],
    weights: Tensor | Sequence[Tensor] | None = None,
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
) -> list[Tensor | None]:
    """Differentiate a tensor by others, never leaving anything in their ``grad``.

    Args:
        total: a scalar, or one or more tensors that are contracted with ``weights``; None, or a
            tensor that depends on nothing, has no derivatives.
        inputs: what to differentiate by.
        weights: shaped like ``total``.
        create_graph: record the operations, for further derivatives.
        retain_graph: keep the graph for another call.

    Returns:
        A derivative for each input; None where ``total`` does not depend on it.

    Raises:
        ProblemError: if PyTorch has no derivative of an operation.
    """
    if total is None or (isinstance(total, Tensor) and not total.requires_grad):
        return [None] * len(inputs)
    try:
        with guarded(inputs):
            found = torch.autograd.grad(
                total,
                inputs,
                weights,
                create_graph=create_graph,
                retain_graph=retain_graph or create_graph,
                allow_unused=True,
            )
    except RuntimeError as error:
        if "is not implemented" not in str(error):
            raise
        raise ProblemError(
            f"objective: PyTorch lacks a derivative that is needed ({error}); compute this part "
            "of the network or the objective by other operations"
        ) from None
    return list(found)


@contextmanager
def requiring_gradients(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Let leaf tensors require gradients within a block, and leave them as they were."""
    before = [(one, one.requires_grad) for one in tensors]
    for one, _ in before:
        one.requires_grad_(True)
    try:
        yield
    finally:
        for one, required in before:
            one.requires_grad_(required)
