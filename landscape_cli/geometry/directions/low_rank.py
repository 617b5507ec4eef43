"""Random matrices of low rank, drawn block by block."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.geometry.directions.base import Fill


def product_of_factors(generator: np.random.Generator, shape: tuple[int, ...], rank: int) -> Fill:
    """Return a ``Fill`` that yields the entries of B A, first to last, in float32.

    B, of shape (m, rank), and A, of shape (rank, n), have independent standard normal entries; a
    tensor of shape (m, ...) is the matrix of its slices along dimension 0. Only the factors are in
    memory. Products and sums are rounded one by one, in the order of the rank, so that the bits do
    not depend on how the entries are divided into blocks.

    Args:
        generator: draws B and then A.
        shape: the tensor's shape, of at least 2 dimensions.
        rank: the number of columns of B.
    """
    rows, width = shape[0], math.prod(shape[1:])
    left = generator.standard_normal((rows, rank), dtype=np.float32)
    right = generator.standard_normal((rank, width), dtype=np.float32)
    start = 0

    def fill(out: Tensor) -> None:
        nonlocal start
        entries = np.empty(len(out), dtype=np.float32)
        done = 0
        while done < len(entries):
            row, column = divmod(start + done, width)
            whole = (len(entries) - done) // width if column == 0 else 0
            stop = done + (whole * width or min(width - column, len(entries) - done))
            columns = slice(column, column + (width if whole else stop - done))
            block = entries[done:stop].reshape(max(1, whole), -1)
            _multiply(left[row : row + len(block)], right[:, columns], block)
            done = stop
        out.numpy()[:] = entries
        start += len(out)

    return fill


def _multiply(
    left: NDArray[np.float32], right: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Write a product of matrices, entry by entry in the same way whatever their sizes."""
    np.multiply(left[:, :1], right[0], out=out)
    term = np.empty_like(out)
    for column in range(1, left.shape[1]):
        out += np.multiply(left[:, column : column + 1], right[column], out=term)
