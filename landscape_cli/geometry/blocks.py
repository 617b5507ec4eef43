"""Tensors block by block: for what is too large to be in memory twice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 1 << 20
"""The most entries of a block; a multiple of ``flat.ALIGNMENT``."""

SERIAL = 1 << 15
"""So few entries PyTorch does not divide among threads; a multiple of ``flat.ALIGNMENT``."""

Span = tuple[int, int]
"""(start, stop): a range of a tensor's entries, in the order in which they lie in memory."""

Index = tuple["int | slice", ...]


@dataclass(frozen=True)
class Blocks:
    """A tensor that can be read from its first entry to its last, any number of times.

    Args:
        shape: the tensor's shape.
        read: gives the entries of consecutive spans, the first of which starts at 0, as flat
            tensors on the CPU. A block is the reader's until the next one comes.
    """

    shape: tuple[int, ...]
    read: Callable[[Iterable[Span]], Iterator[Tensor]]

    @classmethod
    def of(cls, tensor: Tensor) -> Blocks:
        """The blocks of a tensor that is in memory."""
        flat = tensor.reshape(-1)
        return cls(
            tuple(tensor.shape), lambda spans: (flat[start:stop].cpu() for start, stop in spans)
        )

    @property
    def entries(self) -> int:
        """How many there are."""
        return math.prod(self.shape)


def spans(entries: int, width: int | None = None) -> Iterator[Span]:
    """Divide a tensor's entries into blocks; without entries there is one without any.

    Args:
        entries: how many the tensor has.
        width: entries of a filter, if blocks should be of whole filters, or parts of one.
    """
    width = max(1, entries if width is None else width)
    step = CHUNK // width * width
    for row in range(0, max(1, entries), step or width):
        end = min(row + (step or width), entries)
        yield from ((start, min(start + CHUNK, end)) for start in range(row, max(1, end), CHUNK))


def parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """Flat views of a contiguous tensor's blocks."""
    return torch.split(tensor.view(-1), CHUNK)


def pieces(shape: Sequence[int]) -> Iterator[Index]:
    """Indices of consecutive blocks that are contiguous and rectangular; at least one."""
    rest = math.prod(shape[1:])
    if not shape:
        yield ()
    elif rest <= CHUNK:
        step = max(1, CHUNK // max(1, rest))
        for start in range(0, max(1, shape[0]), step):
            yield (slice(start, min(start + step, shape[0])),)
    else:
        for row in range(shape[0]):
            yield from ((row, *index) for index in pieces(shape[1:]))


def scratch(entries: int, device: torch.device | str = "cpu") -> Tensor:
    """Room for a block in float64, to be used for one block after the other.

    Taking it anew for each would leave gaps in memory that no other block fits into.

    Args:
        entries: how many the largest tensor has.
        device: where the blocks are.
    """
    return torch.empty(min(entries, CHUNK), dtype=torch.float64, device=device)
