"""Batches: tensors in any nesting of tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def map_tensors(function: Callable[[Tensor], Tensor], batch: Any) -> Any:
    """Apply a function to each tensor in a nesting of dicts, tuples and lists.

    NumPy arrays become tensors first; anything else stays as it is.
    """
    if isinstance(batch, np.ndarray) and batch.dtype != object:
        batch = torch.from_numpy(batch)
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        mapped = {key: map_tensors(function, value) for key, value in batch.items()}
        return type(batch)(mapped) if type(batch) is not dict else mapped  # type: ignore[call-arg]
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(map_tensors(function, value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(map_tensors(function, value) for value in batch)
    return batch


def tensors_in(batch: Any) -> list[Tensor]:
    """The tensors of a nesting, in order."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(note, batch)
    return found


def arranged(batches: list[Any], size: int | None, channels_last: bool) -> list[Any]:
    """The same samples in other batches, or lying otherwise in memory.

    Args:
        batches: at least one, of one structure.
        size: samples in each batch but the last; None leaves the batches as they are.
        channels_last: whether images (n, c, h, w) get their channels last in memory.
    """
    if size is not None and divisible(batches):
        batches = list(divided(batches, size))
    return [laid_out(batch, channels_last) for batch in batches]


def laid_out(batch: Any, channels_last: bool) -> Any:
    """The batch with its images' channels last, or first, in memory."""
    layout = torch.channels_last if channels_last else torch.contiguous_format

    def lay_out(tensor: Tensor) -> Tensor:
        image = tensor.dim() == 4 and tensor.is_floating_point()
        return tensor.contiguous(memory_format=layout) if image else tensor

    return map_tensors(lay_out, batch)


def divisible(batches: list[Any]) -> bool:
    """Whether the samples of batches can be told apart, and so put into other batches."""
    scalars = any(tensor.dim() == 0 for batch in batches for tensor in tensors_in(batch))
    return not scalars and all(batch_length(batch) is not None for batch in batches)


def divided(batches: Iterable[Any], size: int) -> Iterator[Any]:
    """The same samples in batches of another size.

    Each batch has memory of its own, as if it were fresh from a loader: none is a view that would
    keep a larger tensor alive, and an iterator that gives up its batches as it goes makes room for
    the new ones.

    Args:
        batches: ``divisible`` ones, of one structure.
        size: samples in each batch but the last.
    """
    pieces: list[list[Tensor]] = []
    for batch in batches:
        tensors = tensors_in(batch)
        start, length = 0, len(tensors[0])
        while start < length:
            missing = size - sum(len(piece[0]) for piece in pieces)
            pieces.append([tensor[start : start + missing] for tensor in tensors])
            start += missing
            if start <= length:
                yield _joined(batch, pieces)
    if pieces:
        yield _joined(batch, pieces)


def consumed(batches: list[Any]) -> Iterator[Any]:
    """The batches of a list, each taken out of it as it is given."""
    batches.reverse()
    while batches:
        yield batches.pop()


def _joined(batch: Any, pieces: list[list[Tensor]]) -> Any:
    """A nesting like ``batch`` of the pieces' samples; the pieces are given up."""
    columns = [torch.cat(column) for column in zip(*pieces, strict=True)]
    pieces.clear()
    return _refill(batch, iter(columns))


def _refill(batch: Any, tensors: Iterator[Tensor]) -> Any:
    """A nesting like ``batch`` that holds other tensors."""
    return map_tensors(lambda _: next(tensors), batch)


def batch_length(batch: Any) -> int | None:
    """The samples in a batch: the first dimension of its tensors, None where they differ."""
    lengths = {tensor.shape[0] for tensor in tensors_in(batch) if tensor.dim()}
    return lengths.pop() if len(lengths) == 1 else None


def nbytes(batch: Any) -> int:
    """The bytes of a batch's tensors."""
    return sum(tensor.nbytes for tensor in tensors_in(batch))
