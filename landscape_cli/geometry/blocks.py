"""Block-wise access to tensors, for those too large to be in memory twice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_cli.util.accelerators import wide_device

CHUNK = 1 << 20
"""Largest number of entries in a block; a multiple of ``parameters.ALIGNMENT``."""

SERIAL = 1 << 15
"""Number of entries up to which PyTorch's CPU kernels use one thread; a multiple of
``parameters.ALIGNMENT``."""

Span = tuple[int, int]
"""(start, stop): a range of a tensor's entries, in memory order."""

Index = tuple["int | slice", ...]
"""Index of a rectangular block of a tensor."""


@dataclass(frozen=True)
class Blocks:
    """A tensor that can be read block by block, from first entry to last, any number of times.

    Args:
        shape: the tensor's shape.
        read: yields the entries of consecutive spans, the first of which starts at 0, as flat CPU
            tensors. Each block is valid until the next one is requested.
        columns: whether filters are columns (:, j) of a matrix, instead of slices along dimension
            0.
    """

    shape: tuple[int, ...]
    read: Callable[[Iterable[Span]], Iterator[Tensor]]
    columns: bool = False

    @classmethod
    def of(cls, tensor: Tensor, columns: bool = False) -> Blocks:
        """Return the blocks of a tensor in memory."""
        flat = tensor.reshape(-1)
        shape = tuple(tensor.shape)
        return cls(shape, lambda spans: (flat[start:stop].cpu() for start, stop in spans), columns)

    @property
    def entries(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


def spans(entries: int, width: int | None = None) -> Iterator[Span]:
    """Divide a tensor's entries into spans, one per block; an empty tensor has one empty span.

    Args:
        entries: number of entries in the tensor.
        width: entries per filter; if given, each block holds whole filters or a part of one.
    """
    width = max(1, entries if width is None else width)
    step = CHUNK // width * width
    for row in range(0, max(1, entries), step or width):
        end = min(row + (step or width), entries)
        yield from ((start, min(start + CHUNK, end)) for start in range(row, max(1, end), CHUNK))


def parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """Split a contiguous tensor into flat views of its blocks."""
    return torch.split(tensor.view(-1), CHUNK)


def pieces(shape: Sequence[int]) -> Iterator[Index]:
    """Yield indices of consecutive blocks that are contiguous and rectangular; at least one."""
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


class Scratch:
    """A float64 block on each device, reused for one block after another.

    Allocating a new one each time would fragment memory.

    Args:
        entries: number of entries in the largest tensor.
    """

    def __init__(self, entries: int) -> None:
        self._entries = min(entries, CHUNK)
        self._blocks: dict[torch.device, Tensor] = {}

    def on(self, device: torch.device) -> Tensor:
        """Return the block for numbers on a device; the host's if that has no float64."""
        place = wide_device(device)
        if place not in self._blocks:
            self._blocks[place] = torch.empty(self._entries, dtype=torch.float64, device=place)
        return self._blocks[place]
