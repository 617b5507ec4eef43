"""A subspace that grows by products and can be restarted: Lanczos with thick restart.

K. Wu and H. Simon, *Thick-restart Lanczos method for large symmetric eigenvalue problems*, SIAM J.
Matrix Anal. Appl. 22 (2000). All entries of the projected matrix are inner products with the
basis, so that restarts, and new random vectors where a subspace is invariant, need no other rule.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.evaluation.spectrum.basis import Basis
from landscape_cli.evaluation.spectrum.lanczos import BREAKDOWN
from landscape_cli.evaluation.spectrum.operator import Operator, product
from landscape_cli.evaluation.spectrum.start_vectors import Draws

Numbers = NDArray[np.float64]


class Krylov:
    """An orthonormal basis Q of a subspace, and the operator projected onto it.

    Args:
        operator: the matrix H.
        draws: independent random vectors of shape (P,); the first one is the start.
        capacity: the largest number of vectors, at most P.

    Attributes:
        basis: the vectors Q.
        residual: the norm of the next vector, before it is scaled to length 1.
        products: number of products so far.
    """

    def __init__(self, operator: Operator, draws: Draws, capacity: int) -> None:
        self._operator = operator
        self._draws = draws
        self._drawn = 0
        capacity = min(capacity, operator.size)
        self.basis = Basis(capacity, operator.size, operator.dtype, operator.device)
        self._projected = np.zeros((capacity, capacity))
        self._next = self._draw()
        self.residual = 0.0
        self.products = 0

    @property
    def full(self) -> bool:
        """True if the basis has no room for another vector."""
        return self.basis.count == self.basis.capacity

    @property
    def projected(self) -> Numbers:
        """The projected matrix, shape (count, count), symmetric."""
        count = self.basis.count
        return self._projected[:count, :count]

    def expand(self) -> None:
        """Add the next vector to the basis, with one product.

        Raises:
            NotFiniteError: if the product is not finite.
        """
        image = product(self._operator, self.basis.append(self._next))
        self.products += 1
        coefficients, norm = self.basis.orthogonalize(image)
        last = self.basis.count - 1
        self._projected[last, : last + 1] = coefficients.numpy()
        self._projected[: last + 1, last] = coefficients.numpy()
        if norm > BREAKDOWN * float(np.abs(self.projected).max()):
            self.residual, self._next = norm, image.div_(norm)
        else:
            self.residual = 0.0
            if self.basis.count < self.basis.size:
                self._next = self._draw()

    def eigenpairs(self) -> tuple[Numbers, Numbers, Numbers]:
        """Return Ritz values, largest first, their vectors as columns, and their residuals."""
        values, vectors = np.linalg.eigh(self.projected)
        values, vectors = values[::-1], vectors[:, ::-1]
        return values, vectors, np.abs(self.residual * vectors[-1])

    def restart(self, top: int, bottom: int) -> None:
        """Keep only the Ritz vectors of the largest and smallest Ritz values."""
        values, vectors, _ = self.eigenpairs()
        kept = [*range(top), *range(len(values) - bottom, len(values))]
        self.basis.rotate(torch.from_numpy(vectors[:, kept].T.copy()))
        self._projected[:] = 0
        self._projected[range(len(kept)), range(len(kept))] = values[kept]

    def combine(self, weights: Numbers) -> Tensor:
        """Return combinations of the basis, shape (k, P), for weights of shape (count, k)."""
        return self.basis.combine(torch.from_numpy(weights.T.copy()))

    def _draw(self) -> Tensor:
        """Return the next random unit vector, orthogonal to the basis."""
        vector = self._draws(self._drawn).to(self._operator.device, torch.float64, copy=True)
        self._drawn += 1
        norm = self.basis.orthogonalize(vector)[1] if self.basis.count else float(vector.norm())
        return vector.div_(norm)
