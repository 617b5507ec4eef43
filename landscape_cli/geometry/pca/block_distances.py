"""Squared distances between blocks of checkpoints, in float64."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

WIDTH = 1024
"""Number of entries of each checkpoint that are multiplied at a time: what fits a core's cache."""

RESOLVED = 64 * float(np.finfo(np.float64).eps)
"""Squared distances below this fraction of both squared norms' sum are rounding, and become 0."""


def row_dtype(tensors: Iterable[Tensor]) -> torch.dtype:
    """Return the narrowest of float32 and float64 that holds all tensors exactly."""
    wide = any(tensor.dtype == torch.float64 for tensor in tensors)
    return torch.float64 if wide else torch.float32


def fill_row(row: Tensor, tensors: Mapping[str, Tensor]) -> None:
    """Write the entries of tensors into a row, in the order of the mapping."""
    start = 0
    for tensor in tensors.values():
        row[start : start + tensor.numel()].copy_(tensor.reshape(-1))
        start += tensor.numel()


def block_distances2(first: Tensor, second: Tensor) -> Floats:
    """Return the squared distances between the checkpoints of two blocks.

    ``|a - b|^2 = |a|^2 + |b|^2 - 2 a.b`` for differences a, b from the first block's middle
    checkpoint, each product in float64, in parts of ``WIDTH`` entries. The error is a few float64
    roundings of ``|a|^2 + |b|^2``: about a checkpoint beside them, weights that hardly move do not
    cancel. Distances that the error may exceed are 0.

    Args:
        first: b checkpoints, one a row, float32 or float64, of shape (b, P).
        second: c checkpoints; the same object for a block with itself.

    Returns:
        Squared distances of shape (b, c), symmetric with a diagonal of zeros for a block with
        itself.
    """
    origin = first[len(first) // 2].double()
    products = torch.zeros(len(first), len(second), dtype=torch.float64)
    squares = [torch.zeros(len(rows), dtype=torch.float64) for rows in (first, second)]
    for start in range(0, first.shape[1], WIDTH):
        one = _differences(first, origin, start)
        other = one if second is first else _differences(second, origin, start)
        products.addmm_(one, other.T)
        for total, rows in zip(squares, (one, other), strict=True):
            total += rows.square().sum(dim=1)
    sums = (squares[0][:, None] + squares[1]).numpy()
    found: Floats = sums - 2 * products.numpy()
    found[found < RESOLVED * sums] = 0.0
    if second is first:
        found = np.triu(found, 1)
        found += found.T
    return found


def _differences(rows: Tensor, origin: Tensor, start: int) -> Tensor:
    """Return a span of rows minus the origin's.

    Args:
        rows: of shape (b, P).
        origin: float64, of shape (P,).
        start: where the span begins.
    """
    span = slice(start, start + WIDTH)
    return rows[:, span].to(torch.float64, copy=True).sub_(origin[span])
