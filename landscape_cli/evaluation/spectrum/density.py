"""The spectral density by stochastic Lanczos quadrature.

Ubaru, Chen and Saad 2017 (SIAM J. Matrix Anal. Appl. 38), Ghorbani, Krishnan and Xiao 2019 (arXiv
1901.10159, algorithm 1): for a random unit vector v, the eigenvalues of the tridiagonal matrix and
the squares of the first entries of its eigenvectors are nodes and weights of a quadrature for the
measure sum_i (v.u_i)^2 delta(t - lambda_i), whose mean over v is the spectral density.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.evaluation.spectrum.lanczos import Tridiagonal, lanczos
from landscape_cli.evaluation.spectrum.operator import Operator

Numbers = NDArray[np.float64]


def quadrature(
    operator: Operator, start: Tensor, steps: int, keep: bool = True
) -> tuple[Numbers, Numbers]:
    """Return nodes and weights of one draw, each of shape (steps,).

    Weights sum to 1. If the Krylov space is smaller, the remaining nodes repeat the last one, with
    weight 0.

    Args:
        operator: the matrix.
        start: a random unit vector of shape (P,).
        steps: number of Lanczos steps, of one product each.
        keep: whether to keep all vectors; without them, nodes repeat and share a weight.

    Raises:
        NotFiniteError: if a product is not finite.
    """
    return quadrature_of(lanczos(operator, start, steps, keep), steps)


def quadrature_of(run: Tridiagonal, steps: int) -> tuple[Numbers, Numbers]:
    """Return nodes and weights from a run that is done."""
    values, vectors = run.eigenpairs()
    nodes, weights = np.full(steps, values[-1]), np.zeros(steps)
    nodes[: run.steps], weights[: run.steps] = values, vectors[0] ** 2
    return nodes, weights
