"""Lanczos's algorithm: an operator as a small tridiagonal matrix (Golub & Van Loan, 10.1).

The number of steps is fixed. Stopping once a residual is small would be wrong: a residual says that
there is some eigenvalue nearby, and after five or six steps that is often one of the many near 0,
far from the end of the spectrum. Steps end early only if the vectors so far span an invariant
subspace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.evaluation.spectrum.basis import Basis
from landscape_cli.evaluation.spectrum.operator import Operator, product

BREAKDOWN = 1e-12
"""A vector whose norm is below this fraction of the matrix's is rounding and nothing else.

Products in float32 leave more rounding than that, and the steps go on along it. That is sound, if
wasteful: the vectors stay orthonormal, so it is as if another random vector had been started from.
"""

ROUNDING = 16.0
"""Rounding errors of eigenvalues are at least this many units of the products' last place."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Tridiagonal:
    """The projection of an operator onto the Krylov space of a vector, after m steps.

    Args:
        alphas: the diagonal, of shape (m,).
        betas: the norms of the vectors that were left after each step, of shape (m,); all but the
            last are the off-diagonal.
        rounding: how far rounding may have moved the eigenvalues.
        invariant: True if the space is invariant, so that its eigenvalues are the operator's.
        kept: True if all vectors were kept, and each made orthogonal to all others.
    """

    alphas: Numbers
    betas: Numbers
    rounding: float
    invariant: bool
    kept: bool

    @property
    def steps(self) -> int:
        """The number of steps, and of products."""
        return len(self.alphas)

    def eigenvalues(self, steps: int | None = None) -> Numbers:
        """Return the eigenvalues after some steps, or all, smallest first."""
        from scipy.linalg import eigh_tridiagonal  # a tenth of a second

        steps = self.steps if steps is None else steps
        values = eigh_tridiagonal(
            self.alphas[:steps], self.betas[: steps - 1], eigvals_only=True, lapack_driver="stev"
        )
        return np.asarray(values)

    def eigenpairs(self) -> tuple[Numbers, Numbers]:
        """Return eigenvalues, smallest first, and eigenvectors as columns."""
        from scipy.linalg import eigh_tridiagonal

        values, vectors = eigh_tridiagonal(self.alphas, self.betas[:-1], lapack_driver="stev")
        return np.asarray(values), np.asarray(vectors)


def lanczos(operator: Operator, start: Tensor, steps: int, keep: bool = True) -> Tridiagonal:
    """Run a fixed number of Lanczos steps, each with one product.

    Args:
        operator: the matrix.
        start: any vector but 0, of shape (P,).
        steps: the number of steps; at most P are done.
        keep: keep all vectors and make each orthogonal to all others, by Gram-Schmidt twice.
            Without them, eigenvalues that have converged appear again; the extreme ones stay right.

    Raises:
        NotFiniteError: if a product is not finite.
    """
    steps = min(steps, operator.size)
    recurrence = _Full(operator, steps) if keep else _ThreeTerms(operator)
    alphas: list[float] = []
    betas: list[float] = []
    scale, invariant = 0.0, False
    vector = start.to(operator.device, torch.float64, copy=True)
    norm = float(vector.norm())
    for step in range(steps):
        rounded = recurrence.append(vector.div_(norm))
        vector = product(operator, rounded)
        alpha, norm = recurrence.step(vector, betas[-1] if betas else 0.0)
        alphas.append(alpha)
        betas.append(norm)
        scale = max(scale, abs(alpha), norm)
        invariant = norm <= BREAKDOWN * scale or (keep and step + 1 == operator.size)
        if invariant:
            break
    floor = ROUNDING * torch.finfo(operator.dtype).eps * scale
    rounding = max(floor, math.sqrt(recurrence.defect))
    return Tridiagonal(np.array(alphas), np.array(betas), rounding, invariant, keep)


class _Recurrence(Protocol):
    """The vectors of a run, and the squares of what should have been 0 in exact arithmetic."""

    defect: float

    def append(self, vector: Tensor) -> Tensor:
        """Take the next unit vector, and return it in the precision of the products."""

    def step(self, image: Tensor, beta: float) -> tuple[float, float]:
        """Orthogonalize the last vector's product in place; return alpha and the norm left."""


class _Full:
    """All vectors, in a basis."""

    def __init__(self, operator: Operator, steps: int) -> None:
        self._basis = Basis(steps, operator.size, operator.dtype, operator.device)
        self.defect = 0.0

    def append(self, vector: Tensor) -> Tensor:
        return self._basis.append(vector)

    def step(self, image: Tensor, beta: float) -> tuple[float, float]:
        coefficients, norm = self._basis.orthogonalize(image)
        *earlier, alpha = coefficients.tolist()
        if earlier:
            earlier[-1] -= beta
        self.defect += math.fsum(one * one for one in earlier)
        return alpha, norm


class _ThreeTerms:
    """The last two vectors."""

    def __init__(self, operator: Operator) -> None:
        self._dtype = operator.dtype
        self._last: list[Tensor] = []
        self.defect = 0.0

    def append(self, vector: Tensor) -> Tensor:
        rounded = vector.to(self._dtype).double()
        self._last = [*self._last[-1:], rounded]
        return rounded

    def step(self, image: Tensor, beta: float) -> tuple[float, float]:
        total = [0.0] * len(self._last)
        for _ in range(2):
            for number, vector in enumerate(self._last):
                coefficient = float(vector @ image)
                image.sub_(vector, alpha=coefficient)
                total[number] += coefficient
        if len(total) > 1:
            self.defect += (total[0] - beta) ** 2
        return total[-1], float(image.norm())
