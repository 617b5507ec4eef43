"""Differences of checkpoints from a centre, without all checkpoints in memory at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Parameters = Mapping[str, Tensor]

Read = Callable[[int], Parameters]
"""Returns a checkpoint by its number, with the centre's names, shapes and dtypes."""

SCRATCH = 1 << 23
"""Approximate number of float64 entries allocated for products (64 MiB)."""


class Differences:
    """Differences of n checkpoints from a centre, with a bounded number of them in memory.

    If all checkpoints fit, each is read once. Otherwise every pass reads them again, and
    ``products`` reads, for each block of checkpoints that fits, that block and all later ones.

    Args:
        read: returns a checkpoint by its number, from 0 to n - 1.
        count: n, the number of checkpoints.
        centre: the parameters to subtract.
        room: largest number of checkpoints to keep in memory, at least 2.
    """

    def __init__(self, read: Read, count: int, centre: Parameters, room: int) -> None:
        if room < 2:
            raise ValueError(f"room: got {room} checkpoints, expected at least 2")
        self.count, self.centre = count, centre
        self._read, self._room = read, room
        self._cache: dict[int, Parameters] = {}

    @property
    def fits(self) -> bool:
        """True if all checkpoints are kept in memory."""
        return self.count <= self._room

    @property
    def reads(self) -> int:
        """Number of reads that ``products`` and two passes over ``checkpoints`` take."""
        if self.fits:
            return self.count
        return 2 * self.count + sum(self.count - block.start for block in self._blocks())

    def checkpoints(self, numbers: Iterable[int] | None = None) -> Iterator[Parameters]:
        """Yield the checkpoints with these numbers, or all in order."""
        for number in range(self.count) if numbers is None else numbers:
            yield self._get(number)

    def products(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Return the Gram matrix of the differences, of shape (n, n), computed in float64.

        Args:
            names: the tensors to include.
        """
        gram = np.zeros((self.count, self.count))
        for numbers in self._blocks():
            block = list(self.checkpoints(numbers))
            gram[np.ix_(numbers, numbers)] = self._multiply(block, block, names)
            for start in range(numbers.stop, self.count, self._streamed):
                others = range(start, min(start + self._streamed, self.count))
                products = self._multiply(block, list(self.checkpoints(others)), names)
                gram[np.ix_(numbers, others)] = products
        upper: NDArray[np.float64] = np.triu(gram)
        return upper + np.triu(gram, 1).T

    @property
    def _streamed(self) -> int:
        """Number of checkpoints in memory besides a block."""
        return max(1, self._room // 8)

    def _blocks(self) -> list[range]:
        size = self.count if self.fits else self._room - self._streamed
        ends = range(0, self.count, max(1, size))
        return [range(start, min(start + size, self.count)) for start in ends]

    def _get(self, number: int) -> Parameters:
        if number in self._cache:
            return self._cache[number]
        checkpoint = self._read(number)
        if self.fits:
            self._cache[number] = checkpoint
        return checkpoint

    def _multiply(
        self, first: Sequence[Parameters], second: Sequence[Parameters], names: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the products of two groups of checkpoints, of shape (len(first), len(second))."""
        total = torch.zeros(len(first), len(second), dtype=torch.float64)
        width = max(1, SCRATCH // (len(first) + len(second)))
        for name in names:
            for start in range(0, self.centre[name].numel(), width):
                span = slice(start, start + width)
                rows = self._stack(first, name, span)
                columns = rows if second is first else self._stack(second, name, span)
                total += rows @ columns.T
        return total.numpy()

    def _stack(self, checkpoints: Sequence[Parameters], name: str, span: slice) -> Tensor:
        """Return a span of one tensor's differences, one row per checkpoint."""
        centre = self.centre[name].reshape(-1)[span].double()
        rows = torch.empty(len(checkpoints), len(centre), dtype=torch.float64)
        for row, checkpoint in zip(rows, checkpoints, strict=True):
            torch.sub(checkpoint[name].reshape(-1)[span].double(), centre, out=row)
        return rows
