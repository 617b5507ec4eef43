"""Means and their standard errors in float64, from sums of many batches at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.util.accelerators import has_float64, wide_device

ENTRIES, BATCHES = 1 << 16, 64
"""Upper bounds on the numbers and on the batches that are kept before they are summed."""

ALIGNMENT = 8
"""Numbers to a multiple of which a row is padded, so that all rows are summed by the same steps."""

LENGTHS = 8
"""Upper bound on the different lengths of batches that are kept at a time."""

MOMENTS = 1 << 16
"""Upper bound on the batches whose sums are kept before they are merged."""


class PlainSums:
    """Sums of values over samples, and of their squared deviations, for each of several points.

    Values of a batch are copied into a table, as an objective may overwrite them. A full table is
    summed by a few operations, whatever the number of its batches. Batches of a point are merged in
    their order (Chan, Golub & LeVeque 1983), which avoids cancellation. A batch's sums, and so a
    point's, do not depend on which others share the table.

    Args:
        points: the number k of points.
        quantities: the number m of quantities.
    """

    def __init__(self, points: int, quantities: int) -> None:
        self._quantities = quantities
        self._counts = np.zeros(points, dtype=np.int64)
        self._sums = np.zeros((points, quantities))
        self._squares = np.zeros((points, quantities))
        self._tables: dict[int, _Table] = {}
        self._owners: list[tuple[int, int]] = []
        self._numbers: list[int] = []
        self._moments: list[Tensor] = []

    def add(self, point: int, values: Sequence[Tensor]) -> None:
        """Add a batch's values at one point.

        Args:
            point: the index of the point, below k.
            values: m tensors of shape (n,).
        """
        length = values[0].shape[0]
        if not length:
            return
        table = self._tables.get(length)
        if table is None:
            if len(self._tables) == LENGTHS:
                self._sum_tables()
                self._tables.clear()
            shape = (self._quantities, length)
            table = self._tables[length] = _Table(shape, wide_device(values[0].device))
        table.add(len(self._owners), values)
        self._owners.append((point, length))
        if table.full:
            self._sum(table)
            if len(self._numbers) >= MOMENTS:
                self._merge()

    def means(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute the means and their standard errors, each of shape (k, m).

        The standard error of a single sample is NaN.
        """
        self._merge()
        counts = self._counts[:, None].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._sums / counts, np.sqrt(self._squares / (counts - 1) / counts)

    def _sum(self, table: _Table) -> None:
        if table.numbers:
            self._numbers += table.numbers
            self._moments.append(table.moments())

    def _sum_tables(self) -> None:
        for table in self._tables.values():
            self._sum(table)

    def _merge(self) -> None:
        """Merge the sums of all batches into those of their points."""
        self._sum_tables()
        if not self._moments:
            return
        device = self._moments[0].device
        moments = torch.cat([each.to(device) for each in self._moments], dim=1).cpu().numpy()
        moments = moments[:, np.argsort(self._numbers)]
        points, lengths = np.array(self._owners).T
        with np.errstate(all="ignore"):
            for turn in _turns(points):
                self._merge_one_each(points[turn], lengths[turn], moments[:, turn])
        self._owners, self._numbers, self._moments = [], [], []

    def _merge_one_each(
        self, points: NDArray[Any], lengths: NDArray[Any], moments: NDArray[np.float64]
    ) -> None:
        """Merge one batch into each of several points."""
        before, length = self._counts[points][:, None], lengths[:, None]
        sums, (total, squares) = self._sums[points], moments
        shift = np.where(before > 0, total / length - sums / before, 0)
        squares = squares + shift * shift * (before * length / (before + length))
        self._sums[points] = sums + total
        self._squares[points] += squares
        self._counts[points] += lengths


class _Table:
    """The values of a few batches of one length, in float64."""

    def __init__(self, shape: tuple[int, int], device: torch.device) -> None:
        quantities, length = shape
        padded = -(-length // ALIGNMENT) * ALIGNMENT
        # Of two batches at least, since PyTorch sums a single long row in another order.
        batches = min(BATCHES, max(2, ENTRIES // (quantities * padded)))
        whole = torch.zeros((batches, quantities, padded), dtype=torch.float64, device=device)
        self._values = whole[..., :length]
        self.numbers: list[int] = []

    @property
    def full(self) -> bool:
        """True if there is no room for another batch."""
        return len(self.numbers) == len(self._values)

    def add(self, number: int, values: Sequence[Tensor]) -> None:
        """Copy a batch's values, and remember the batch's number."""
        for row, value in zip(self._values[len(self.numbers)].unbind(), values, strict=True):
            detached = value.detach()
            row.copy_(detached if has_float64(value.device) else detached.cpu())
        self.numbers.append(number)

    def moments(self) -> Tensor:
        """Return the sums and the sums of squared deviations, shape (2, batches, m); clear it.

        An accelerator's steps depend on the number of rows, so it always sums all of them.
        """
        batches, whole = len(self.numbers), self._values.device.type != "cpu"
        values = self._values if whole else self._values[: max(2, batches)]
        totals = values.sum(dim=2)
        values -= (totals / values.shape[2])[:, :, None]
        squares = values.mul_(values).sum(dim=2)
        self.numbers = []
        return torch.stack([totals[:batches], squares[:batches]])


def _turns(points: NDArray[Any]) -> list[NDArray[Any]]:
    """Divide positions into turns: each point's first position, then each second one, and so on."""
    order = np.argsort(points, kind="stable")
    ranked = points[order]
    first = np.searchsorted(ranked, ranked)
    occurrence = np.empty_like(order)
    occurrence[order] = np.arange(len(points)) - first
    by_turn = np.argsort(occurrence, kind="stable")
    return np.split(by_turn, np.cumsum(np.bincount(occurrence))[:-1])
