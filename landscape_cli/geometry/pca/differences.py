"""Checkpoints that need not fit in memory together, as differences from a centre."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Parameters = Mapping[str, Tensor]

Read = Callable[[int], Parameters]
"""Gives a checkpoint by its number, with the centre's names, shapes and dtypes."""

SCRATCH = 1 << 23
"""About how many float64 entries are taken for products, 64 MiB."""


class Differences:
    """What n checkpoints differ by from a centre; a bounded number is in memory at a time.

    If all of them fit, each is read once. Otherwise they are read again for whatever is computed,
    and for their products one more time for each block of them that fits.

    Args:
        read: gives a checkpoint, numbered from 0 on.
        count: n, how many there are.
        centre: the parameters that they are compared with.
        room: the most checkpoints to keep in memory, at least 2.
    """

    def __init__(self, read: Read, count: int, centre: Parameters, room: int) -> None:
        if room < 2:
            raise ValueError(f"room for {room} checkpoints; there must be room for 2")
        self.count, self.centre = count, centre
        self._read, self._room = read, room
        self._held: dict[int, Parameters] = {}

    @property
    def fits(self) -> bool:
        """Whether all of them are kept in memory."""
        return self.count <= self._room

    @property
    def reads(self) -> int:
        """How many are read for all products, and for going through ``checkpoints`` twice."""
        if self.fits:
            return self.count
        return 2 * self.count + sum(self.count - block.start for block in self._blocks())

    def checkpoints(self, numbers: Iterable[int] | None = None) -> Iterator[Parameters]:
        """The checkpoints with these numbers, or all in order, one after the other."""
        for number in range(self.count) if numbers is None else numbers:
            yield self._get(number)

    def products(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Inner products of all pairs of differences, the Gram matrix, of shape (n, n).

        Differences and sums are of float64.

        Args:
            names: the tensors that count.
        """
        found = np.zeros((self.count, self.count))
        for numbers in self._blocks():
            block = list(self.checkpoints(numbers))
            found[np.ix_(numbers, numbers)] = self._multiply(block, block, names)
            for start in range(numbers.stop, self.count, self._streamed):
                others = range(start, min(start + self._streamed, self.count))
                products = self._multiply(block, list(self.checkpoints(others)), names)
                found[np.ix_(numbers, others)] = products
        upper: NDArray[np.float64] = np.triu(found)
        return upper + np.triu(found, 1).T

    @property
    def _streamed(self) -> int:
        """How many checkpoints are in memory beside a block."""
        return max(1, self._room // 8)

    def _blocks(self) -> list[range]:
        size = self.count if self.fits else self._room - self._streamed
        ends = range(0, self.count, max(1, size))
        return [range(start, min(start + size, self.count)) for start in ends]

    def _get(self, number: int) -> Parameters:
        if number in self._held:
            return self._held[number]
        checkpoint = self._read(number)
        if self.fits:
            self._held[number] = checkpoint
        return checkpoint

    def _multiply(
        self, ones: Sequence[Parameters], others: Sequence[Parameters], names: Sequence[str]
    ) -> NDArray[np.float64]:
        """The products of two groups of checkpoints, of shape (len(ones), len(others))."""
        total = torch.zeros(len(ones), len(others), dtype=torch.float64)
        width = max(1, SCRATCH // (len(ones) + len(others)))
        for name in names:
            for start in range(0, self.centre[name].numel(), width):
                span = slice(start, start + width)
                rows = self._stack(ones, name, span)
                columns = rows if others is ones else self._stack(others, name, span)
                total += rows @ columns.T
        return total.numpy()

    def _stack(self, checkpoints: Sequence[Parameters], name: str, span: slice) -> Tensor:
        """A part of one tensor's differences, a row for each checkpoint."""
        centre = self.centre[name].reshape(-1)[span].double()
        rows = torch.empty(len(checkpoints), len(centre), dtype=torch.float64)
        for row, checkpoint in zip(rows, checkpoints, strict=True):
            torch.sub(checkpoint[name].reshape(-1)[span].double(), centre, out=row)
        return rows
