"""Both ends of a spectrum from one run of Lanczos's algorithm."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from landscape_cli.evaluation.spectrum.lanczos import Tridiagonal, lanczos
from landscape_cli.evaluation.spectrum.operator import Operator

STEPS = 40
"""Number of steps unless another is given."""

LAST = 10
"""Number of last steps over which an eigenvalue's change counts as its error."""


@dataclass(frozen=True)
class Extremes:
    """The largest and the smallest eigenvalue.

    Args:
        largest: the largest eigenvalue.
        smallest: the smallest eigenvalue.
        largest_error: its numerical error: the larger of its residual, within which there is an
            eigenvalue, and its change over the last steps; plus what rounding may do.
        smallest_error: likewise.
        products: number of products taken.
        kept: True if all vectors were kept.
    """

    largest: float
    smallest: float
    largest_error: float
    smallest_error: float
    products: int
    kept: bool


def extremes(operator: Operator, start: Tensor, steps: int = STEPS, keep: bool = True) -> Extremes:
    """Return the largest and smallest eigenvalue, with their numerical errors.

    Args:
        operator: the matrix.
        start: any vector but 0, of shape (P,), such as ``start_vectors.gaussian``.
        steps: number of Lanczos steps, of one product each; at most P are done.
        keep: whether to keep all vectors; see ``lanczos``.

    Raises:
        NotFiniteError: if a product is not finite.
    """
    run = lanczos(operator, start, steps, keep)
    return extremes_of(run)


def extremes_of(run: Tridiagonal) -> Extremes:
    """Return both ends of the spectrum from a run that is done."""
    values, vectors = run.eigenpairs()
    before = run.eigenvalues(max(1, run.steps - LAST))

    def error(end: int) -> float:
        if run.invariant:
            return run.rounding
        residual = abs(run.betas[-1] * vectors[-1, end])
        return float(max(residual, abs(values[end] - before[end])) + run.rounding)

    return Extremes(float(values[-1]), float(values[0]), error(-1), error(0), run.steps, run.kept)
