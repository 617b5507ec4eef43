"""Refusal of objectives that change the batch they are given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.nesting import leaves

State = tuple[int, list[int]]
"""The number of leaves in a batch's containers, and the version of each tensor."""


@contextmanager
def refuse_changes(split: str, batch: Any) -> Iterator[None]:
    """Refuse a block that changes a batch: kept for all points, it would be another one for each.

    Args:
        split: the split's name, for messages.
        batch: the batch that an objective gets in the block.

    Raises:
        ProblemError: if a tensor was changed in place, or an entry added or removed.
    """
    tensors = [leaf for _, leaf, _ in leaves(batch) if isinstance(leaf, Tensor)]
    before = _state(batch, tensors)
    yield
    if _state(batch, tensors) != before:
        raise ProblemError(
            f"objective: it changes the batch that it is given, on split {split!r}, so each point "
            "would see other data; let it work on a copy, as x = x / 2 instead of x /= 2, or "
            "dict(batch) before pop()"
        )


def _state(batch: Any, tensors: list[Tensor]) -> State:
    """Return what changes with a batch. Objects may add attributes, as cached properties do."""
    entries = sum(1 for _, _, plain in leaves(batch) if plain)
    return entries, [0 if tensor.is_inference() else tensor._version for tensor in tensors]
