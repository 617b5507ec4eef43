"""Operations on batches, which are tensors in any nesting of tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def map_tensors(function: Callable[[Tensor], Tensor], batch: Any) -> Any:
    """Apply a function to each tensor in a nesting of dicts, tuples and lists.

    NumPy arrays are converted to tensors first; anything else is kept unchanged.
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
    """List the tensors of a batch, in order."""
    tensors: list[Tensor] = []

    def collect(tensor: Tensor) -> Tensor:
        tensors.append(tensor)
        return tensor

    map_tensors(collect, batch)
    return tensors


def rearrange(batches: list[Any], size: int | None, channels_last: bool) -> list[Any]:
    """Rearrange samples into batches of another size or with another memory format.

    Args:
        batches: at least one batch, all of one structure.
        size: samples in each batch but the last; None keeps the batches.
        channels_last: whether images (n, c, h, w) get the channels-last memory format.
    """
    if size is not None and divisible(batches):
        batches = list(regroup(batches, size))
    return [set_layout(batch, channels_last) for batch in batches]


def set_layout(batch: Any, channels_last: bool) -> Any:
    """Give a batch's images (n, c, h, w) the channels-last or the contiguous memory format."""
    layout = torch.channels_last if channels_last else torch.contiguous_format

    def lay_out(tensor: Tensor) -> Tensor:
        image = tensor.dim() == 4 and tensor.is_floating_point()
        return tensor.contiguous(memory_format=layout) if image else tensor

    return map_tensors(lay_out, batch)


def divisible(batches: list[Any]) -> bool:
    """Tell whether batches can be divided into samples, and so regrouped into other batches."""
    scalars = any(tensor.dim() == 0 for batch in batches for tensor in tensors_in(batch))
    return not scalars and all(batch_length(batch) is not None for batch in batches)


def regroup(batches: Iterable[Any], size: int) -> Iterator[Any]:
    """Regroup samples into batches of another size.

    Each batch has its own memory, as if it came from a loader: no batch is a view that keeps a
    larger tensor alive, and an iterator that releases its batches one by one frees memory for the
    new ones.

    Args:
        batches: ``divisible`` batches of one structure.
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


def pop_batches(batches: list[Any]) -> Iterator[Any]:
    """Yield the batches of a list, removing each from it."""
    batches.reverse()
    while batches:
        yield batches.pop()


def _joined(batch: Any, pieces: list[list[Tensor]]) -> Any:
    """Join the pieces' samples into a nesting like ``batch``, and clear the pieces."""
    columns = [torch.cat(column) for column in zip(*pieces, strict=True)]
    pieces.clear()
    return _refill(batch, iter(columns))


def _refill(batch: Any, tensors: Iterator[Tensor]) -> Any:
    """Copy the nesting of ``batch`` with other tensors."""
    return map_tensors(lambda _: next(tensors), batch)


def batch_length(batch: Any) -> int | None:
    """Number of samples in a batch: the first dimension of its tensors; None if they differ."""
    lengths = {tensor.shape[0] for tensor in tensors_in(batch) if tensor.dim()}
    return lengths.pop() if len(lengths) == 1 else None


def nbytes(batch: Any) -> int:
    """Size of a batch's tensors in bytes."""
    return sum(tensor.nbytes for tensor in tensors_in(batch))
