"""Operations on batches: nestings of tuples, lists and mappings, and objects that hold tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from landscape_cli.evaluation.data.nesting import (
    WORDS,
    as_tensor,
    is_container,
    items_of,
    leaves,
    map_parts,
)


def map_tensors(
    function: Callable[[Tensor], Tensor], batch: Any, on_object: Callable[[Any], Any] = lambda x: x
) -> Any:
    """Apply a function to each tensor in a nesting of mappings, tuples and lists.

    NumPy arrays are converted to tensors first.

    Args:
        function: applied to tensors.
        batch: the nesting.
        on_object: applied to everything else, such as objects and words.
    """
    batch = as_tensor(batch)
    if isinstance(batch, Tensor):
        return function(batch)
    if not is_container(batch):
        return on_object(batch)
    return map_parts(lambda part: map_tensors(function, part, on_object), batch)


def tensors_in(batch: Any) -> list[Tensor]:
    """List the tensors of a batch, in order, those among the attributes of objects included."""
    return [leaf for _, leaf, _ in leaves(batch) if isinstance(leaf, Tensor)]


def dense_parts(tensor: Tensor) -> list[Tensor]:
    """List the strided tensors that a tensor consists of, alone if it is strided itself."""
    if tensor.is_nested:
        return list(tensor.unbind())
    if tensor.is_sparse:
        whole = tensor.coalesce()
        return [whole.indices(), whole.values()]
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return [tensor.ccol_indices(), tensor.row_indices(), tensor.values()]
    return [tensor]


def chunks(batches: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of ``size`` batches each; the last may be shorter."""
    iterator = iter(batches)
    while chunk := list(islice(iterator, size)):
        yield chunk


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
    """Give a batch's images (n, c, h, w) the channels-last or the contiguous memory format.

    The tensors of objects are left as they are.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format

    def lay_out(tensor: Tensor) -> Tensor:
        return tensor.contiguous(memory_format=layout) if _is_images(tensor) else tensor

    return map_tensors(lay_out, batch)


def has_images(batch: Any) -> bool:
    """Tell whether the memory format matters to a batch: it holds images (n, c, h, w)."""
    return any(
        plain and isinstance(leaf, Tensor) and _is_images(leaf) for _, leaf, plain in leaves(batch)
    )


def _is_images(tensor: Tensor) -> bool:
    strided = tensor.layout == torch.strided and not tensor.is_nested
    return strided and tensor.dim() == 4 and tensor.is_floating_point()


def divisible(batches: list[Any]) -> bool:
    """Tell whether batches can be divided into samples, and so regrouped into other batches.

    They can if each consists of tensors, and of lists of words, with equal first dimensions; not if
    it holds objects, packed sequences or sparse tensors.
    """
    return all(_divisible(batch) for batch in batches)


def _divisible(batch: Any) -> bool:
    columns = _columns_in(batch)
    if columns is None or any(isinstance(one, Tensor) and one.dim() == 0 for one in columns):
        return False
    return len({len(one) for one in columns}) == 1


def _columns_in(batch: Any) -> list[Any] | None:
    """List the tensors and sequences of words of a batch, None if it holds anything else."""
    batch = as_tensor(batch)
    if isinstance(batch, Tensor):
        return [batch] if batch.layout == torch.strided and not batch.is_nested else None
    if _is_words(batch):
        return [batch]
    if isinstance(batch, PackedSequence) or not isinstance(batch, Mapping | tuple | list):
        return None
    parts = [_columns_in(part) for _, part in items_of(batch)]
    return None if None in parts else list(chain.from_iterable(filter(None, parts)))


def _is_words(value: Any) -> bool:
    return type(value) in (tuple, list) and bool(value) and all(isinstance(x, WORDS) for x in value)


def map_columns(function: Callable[[Any], Any], batch: Any) -> Any:
    """Apply a function to each tensor and each sequence of words of a ``divisible`` batch."""
    batch = as_tensor(batch)
    if isinstance(batch, Tensor) or _is_words(batch):
        return function(batch)
    return map_parts(lambda part: map_columns(function, part), batch)


def first_samples(batch: Any, count: int) -> Any:
    """Return the first samples of a batch; the batch itself if it can't be divided."""
    return map_columns(lambda column: column[:count], batch) if _divisible(batch) else batch


def chosen_samples(batch: Any, numbers: list[int]) -> Any:
    """Return the samples of a ``divisible`` batch with the given numbers, in their order."""

    def choose(column: Any) -> Any:
        if isinstance(column, Tensor):
            return column[torch.tensor(numbers).to(column.device)]
        return type(column)(column[number] for number in numbers)

    return map_columns(choose, batch)


def regroup(batches: Iterable[Any], size: int) -> Iterator[Any]:
    """Regroup samples into batches of another size.

    Each batch has its own memory, as if it came from a loader: no batch is a view that keeps a
    larger tensor alive, and an iterator that releases its batches one by one frees memory for the
    new ones.

    Args:
        batches: ``divisible`` batches of one structure.
        size: samples in each batch but the last.
    """
    pieces: list[list[Any]] = []
    for batch in batches:
        columns = _columns_in(batch)
        assert columns is not None
        start, length = 0, len(columns[0])
        while start < length:
            missing = size - sum(len(piece[0]) for piece in pieces)
            pieces.append([column[start : start + missing] for column in columns])
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


def _joined(batch: Any, pieces: list[list[Any]]) -> Any:
    """Join the pieces' samples into a nesting like ``batch``, and clear the pieces."""
    columns = iter([_concatenated(column) for column in zip(*pieces, strict=True)])
    pieces.clear()
    return map_columns(lambda _: next(columns), batch)


def _concatenated(pieces: tuple[Any, ...]) -> Any:
    if isinstance(pieces[0], Tensor):
        return torch.cat(pieces)
    return type(pieces[0])(chain.from_iterable(pieces))


def batch_length(batch: Any) -> int | None:
    """Number of samples in a batch, as far as its containers tell.

    This is the first dimension of its tensors, or the number of sequences in a packed one. None if
    they differ, or if the batch holds objects, which may have several tensors for one sample.
    """
    lengths: set[int] = set()
    if type(batch) in (tuple, list) and all(type(part) is Tensor for part in batch):
        lengths.update(part.size(0) for part in batch if part.dim())
        return lengths.pop() if len(lengths) == 1 else None
    for _, leaf, plain in leaves(packed_lengths(batch)):
        if isinstance(leaf, Tensor) and leaf.dim():
            lengths.add(leaf.size(0) if plain else -1)
    return lengths.pop() if len(lengths) == 1 and -1 not in lengths else None


def packed_lengths(batch: Any) -> Any:
    """Replace packed sequences by a tensor with as many entries as there are sequences."""
    if isinstance(batch, PackedSequence):
        return torch.empty(int(batch.batch_sizes[0]), 0)
    return map_parts(packed_lengths, batch)


def nbytes(batch: Any) -> int:
    """Size of a batch's tensors and arrays in bytes."""
    return sum(
        sum(part.nbytes for part in dense_parts(leaf)) if isinstance(leaf, Tensor) else leaf.nbytes
        for _, leaf, _ in leaves(batch)
        if isinstance(leaf, Tensor | np.ndarray)
    )
