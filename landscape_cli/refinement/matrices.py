"""Inverses and products of small matrices, with the same last bits on any number of threads.

BLAS and LAPACK are left out: their last bits depend on the processor and on the number of threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

KEPT = 4_000_000
"""Largest number of values that are kept between two calls of ``forget``, 32 MB."""


def invert(matrix: Values) -> Values:
    """Invert a matrix in place by Gauss-Jordan elimination with row pivoting, and return it."""
    swaps = []
    for row in range(len(matrix)):
        pivot = row + int(np.abs(matrix[row:, row]).argmax())
        if pivot != row:
            matrix[[row, pivot]] = matrix[[pivot, row]]
            swaps.append((row, pivot))
        factors, scale = matrix[:, row].copy(), matrix[row, row]
        factors[row] = 0
        matrix[:, row] = 0
        matrix[row, row] = 1
        matrix[row] /= scale
        matrix -= factors[:, None] * matrix[row]
    for row, pivot in reversed(swaps):
        matrix[:, [row, pivot]] = matrix[:, [pivot, row]]
    return matrix


def multiply(left: Values, right: Values) -> Values:
    """Return the product of two matrices, with the same last bits on any number of threads."""
    result: Values = np.einsum("ti,ij->tj", left, right, optimize=False)
    return result


class Memory:
    """Results by the arrays from which they follow, kept as long as they are asked for again."""

    def __init__(self) -> None:
        self._now: dict[bytes, Values] = {}
        self._before: dict[bytes, Values] = {}
        self._size = 0

    def forget(self) -> None:
        """Forget what was not asked for since this was called last."""
        self._before, self._now, self._size = self._now, {}, 0

    def get(self, compute: Callable[[], Values], *arrays: Values) -> Values:
        """Return what a function computes from some arrays; nobody may change the result."""
        digest = hashlib.sha1(usedforsecurity=False)
        for array in arrays:
            digest.update(array.tobytes())
        key = digest.digest()
        if key in self._now:
            return self._now[key]
        found = self._before[key] if key in self._before else compute()
        if self._size + found.size <= KEPT:
            self._now[key] = found
            self._size += found.size
        return found
