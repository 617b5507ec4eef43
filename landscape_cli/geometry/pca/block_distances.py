"""Squared distances between blocks of checkpoints, in float64."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

WIDTH = 1024
"""Number of entries of each checkpoint that are multiplied at a time: what fits a core's cache."""

RESOLVED = 64 * float(np.finfo(np.float64).eps)
"""Squared distances below this fraction of both squared norms' sum are rounding, and become 0."""


@dataclass(frozen=True)
class Block:
    """Checkpoints in memory, one a row.

    Args:
        rows: of shape (b, P), float32 or float64.
        squares: squared distances from the origin, of shape (b,).
    """

    rows: Tensor
    squares: Floats


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


def block_of(rows: Tensor, origin: Tensor) -> Block:
    """Return a block with the squares of its rows' differences from the origin.

    Args:
        rows: of shape (b, P).
        origin: float64, of shape (P,).
    """
    total = torch.zeros(len(rows), dtype=torch.float64)
    for start in range(0, rows.shape[1], WIDTH):
        total += _differences(rows, origin, start).square().sum(dim=1)
    return Block(rows, total.numpy())


def block_distances2(first: Block, second: Block, origin: Tensor) -> Floats:
    """Return the squared distances between the checkpoints of two blocks.

    ``|a - b|^2 = |a|^2 + |b|^2 - 2 a.b`` for differences a, b from the origin, each product in
    float64, in parts of ``WIDTH`` entries. The error is a few float64 roundings of
    ``|a|^2 + |b|^2``, so the origin should be among the checkpoints: about it, weights that hardly
    move do not cancel. Distances that the error may exceed are 0.

    Args:
        first: b checkpoints.
        second: c checkpoints; the same object for a block with itself.
        origin: float64, of shape (P,).

    Returns:
        Squared distances of shape (b, c), symmetric with a diagonal of zeros for a block with
        itself.
    """
    products = torch.zeros(len(first.rows), len(second.rows), dtype=torch.float64)
    for start in range(0, first.rows.shape[1], WIDTH):
        one = _differences(first.rows, origin, start)
        other = one if second is first else _differences(second.rows, origin, start)
        products.addmm_(one, other.T)
    sums = first.squares[:, None] + second.squares
    found: Floats = sums - 2 * products.numpy()
    found[found < RESOLVED * sums] = 0.0
    if second is first:
        found = np.triu(found, 1)
        found += found.T
    return found


def _differences(rows: Tensor, origin: Tensor, start: int) -> Tensor:
    """Return a span of rows minus the origin's, in float64."""
    span = slice(start, start + WIDTH)
    return rows[:, span].to(torch.float64, copy=True).sub_(origin[span])
