"""Orthonormal vectors, kept in the precision of an operator's products."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

WIDTH = 1 << 16
"""Number of columns that are converted to float64 at a time."""

PASSES = 5
"""Most passes of Gram-Schmidt; two suffice unless nothing but rounding is left of a vector."""


class Basis:
    """Room for orthonormal vectors; sums over their entries are taken in float64.

    Args:
        capacity: the largest number of vectors.
        size: the length P of a vector.
        dtype: precision in which they are kept.
        device: where they lie.

    Attributes:
        count: number of vectors so far.
    """

    def __init__(self, capacity: int, size: int, dtype: torch.dtype, device: torch.device) -> None:
        self._rows = torch.empty((capacity, size), dtype=dtype, device=device)
        self.count = 0

    @property
    def capacity(self) -> int:
        """The largest number of vectors."""
        return len(self._rows)

    @property
    def size(self) -> int:
        """The length of a vector."""
        return self._rows.shape[1]

    def append(self, vector: Tensor) -> Tensor:
        """Add a unit vector, and return it as rounded to the basis's precision, in float64."""
        self._rows[self.count].copy_(vector)
        self.count += 1
        return self._rows[self.count - 1].double()

    def coefficients(self, vectors: Tensor) -> Tensor:
        """Return the inner products with vectors of shape (P,), as a CPU tensor (count,)."""
        total = torch.zeros(self.count, dtype=torch.float64, device=self._rows.device)
        for columns in self._columns():
            total += self._rows[: self.count, columns].double() @ vectors[columns]
        return total.cpu()

    def combine(self, weights: Tensor) -> Tensor:
        """Return sums of the vectors in float64, of shape (k, P); weights have shape (k, count)."""
        weights = weights.to(self._rows.device)
        result = torch.empty(
            (len(weights), self.size), dtype=torch.float64, device=self._rows.device
        )
        for columns in self._columns():
            result[:, columns] = weights @ self._rows[: self.count, columns].double()
        return result

    def rotate(self, weights: Tensor) -> None:
        """Replace the vectors by k sums of them; the weights have shape (k, count)."""
        weights = weights.to(self._rows.device)
        for columns in self._columns():
            sums = weights @ self._rows[: self.count, columns].double()
            self._rows[: len(weights), columns] = sums.to(self._rows.dtype)
        self.count = len(weights)

    def orthogonalize(self, vector: Tensor) -> tuple[Tensor, float]:
        """Subtract a vector's projection onto the basis in place, by repeated Gram-Schmidt.

        There are at least two passes, and more while a pass removes most of what was left.

        Returns:
            The coefficients that were subtracted, of shape (count,), and the norm that is left.
        """
        coefficients = torch.zeros(self.count, dtype=torch.float64)
        norm = float(vector.norm())
        for number in range(PASSES):
            part = self.coefficients(vector)
            self._subtract(part, vector)
            coefficients += part
            before, norm = norm, float(vector.norm())
            if number and norm > before * math.sqrt(0.5):
                break
        return coefficients, norm

    def _subtract(self, coefficients: Tensor, vector: Tensor) -> None:
        coefficients = coefficients.to(vector.device)
        for columns in self._columns():
            vector[columns] -= coefficients @ self._rows[: self.count, columns].double()

    def _columns(self) -> Iterator[slice]:
        for start in range(0, self.size, WIDTH):
            yield slice(start, min(start + WIDTH, self.size))
