"""The largest eigenpairs of a symmetric matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEW = 256
"""Number of rows up to which iterations save nothing."""


def largest_eigenpairs(matrix: Floats, count: int, exact: bool = True) -> tuple[Floats, Floats]:
    """Return the algebraically largest eigenvalues, descending, and their eigenvectors.

    Args:
        matrix: symmetric, of shape (n, n).
        count: k, their number, at most n.
        exact: True to reduce the whole matrix; otherwise the Lanczos method is used for large ones,
            from the same start each time, to the same precision.

    Returns:
        Eigenvalues of shape (k,) and orthonormal eigenvectors of shape (n, k).
    """
    size = len(matrix)
    found = None
    if not exact and size > FEW and 8 * count < size:
        found = _iterated(matrix, count)
    if found is None:
        from scipy.linalg import eigh

        found = eigh(matrix, subset_by_index=[size - count, size - 1], check_finite=False)
        if len(found[0]) < count:  # LAPACK's syevr loses some among many that are nearly equal
            values, vectors = eigh(matrix, driver="evd", check_finite=False)
            found = values[-count:], vectors[:, -count:]
    values, vectors = found
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[:, order]


def _iterated(matrix: Floats, count: int) -> tuple[Floats, Floats] | None:
    """Iterate until the eigenpairs have converged; None if they do not soon."""
    from scipy.sparse.linalg import ArpackError, eigsh

    start = np.random.default_rng(0).standard_normal(len(matrix))
    basis = min(len(matrix), max(4 * count, 32))
    try:
        values, vectors = eigsh(matrix, count, which="LA", v0=start, ncv=basis, maxiter=100)
    except ArpackError:
        return None
    return values, vectors
