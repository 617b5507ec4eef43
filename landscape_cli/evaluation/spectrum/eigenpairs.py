"""The largest and smallest eigenvalues with their eigenvectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.evaluation.spectrum.krylov import Krylov
from landscape_cli.evaluation.spectrum.lanczos import ROUNDING
from landscape_cli.evaluation.spectrum.operator import TOGETHER, Operator, product
from landscape_cli.evaluation.spectrum.start_vectors import Draws
from landscape_cli.records.spectra.clusters import touch

Numbers = NDArray[np.float64]

LEAST = 60
"""Smallest number of products unless another is given."""

SPARE = 4
"""Vectors that a restarted basis needs besides those that are wanted."""


@dataclass(frozen=True)
class Eigenpairs:
    """Some eigenvalues at both ends of a spectrum of P, with unit eigenvectors.

    Args:
        values: largest first, of shape (n,).
        vectors: of shape (n, P), float64; the entry of largest magnitude is positive.
        residuals: the norms |Hv - lambda v|, each at least the distance to some eigenvalue.
        rounding: how far rounding may have moved the values.
        products: number of products taken.
        krylov: the subspace that they come from.
        cut: True if a further eigenvalue can't be told from the last of the largest ones, or from
            the first of the smallest.
    """

    values: Numbers
    vectors: Tensor
    residuals: Numbers
    rounding: float
    products: int
    krylov: Krylov
    cut: tuple[bool, bool]


def products_for(size: int, wanted: int) -> int:
    """Return the number of products that find some eigenpairs of a matrix of this many rows."""
    return min(size, max(2 * wanted + 20, LEAST))


def eigenpairs(
    operator: Operator,
    draws: Draws,
    top: int,
    bottom: int = 0,
    steps: int | None = None,
    capacity: int | None = None,
) -> Eigenpairs:
    """Find the eigenpairs at the ends of a spectrum, with a fixed number of products.

    Args:
        operator: the matrix.
        draws: independent random vectors.
        top: number of largest eigenvalues.
        bottom: number of smallest ones; together at most P.
        steps: number of steps, of one product each; ``products_for`` if None.
        capacity: the largest number of vectors in memory; all if None.

    Raises:
        NotFiniteError: if a product is not finite.
    """
    krylov = krylov_space(operator, draws, top, bottom, steps, capacity)
    return eigenpairs_of(operator, krylov, top, bottom)


def krylov_space(
    operator: Operator,
    draws: Draws,
    top: int,
    bottom: int = 0,
    steps: int | None = None,
    capacity: int | None = None,
) -> Krylov:
    """Find the subspace from which ``eigenpairs`` takes its pairs.

    If the basis has room for fewer vectors than there are steps, it is restarted from the best
    approximations so far (thick restart).
    """
    wanted = top + bottom
    least = min(wanted, operator.size)
    steps = products_for(operator.size, wanted) if steps is None else max(steps, least)
    capacity = min(steps, operator.size, max(capacity or steps, wanted + SPARE))
    krylov = Krylov(operator, draws, capacity)
    while krylov.products < steps:
        if krylov.full:
            if krylov.basis.count == operator.size:
                break
            krylov.restart(*_kept(top, bottom, capacity))
        krylov.expand()
    return krylov


def _kept(top: int, bottom: int, capacity: int) -> tuple[int, int]:
    """Return how many Ritz vectors to keep at each end: half of the room besides the wanted."""
    spare = (capacity - top - bottom) // 2
    more = spare * top // (top + bottom)
    return top + more, bottom + spare - more


def eigenpairs_of(operator: Operator, krylov: Krylov, top: int, bottom: int) -> Eigenpairs:
    """Return the pairs that a subspace approximates.

    Values and residuals are computed with the operator, by one product for each pair.
    """
    ritz, weights, bounds = krylov.eigenpairs()
    chosen = [*range(top), *range(len(ritz) - bottom, len(ritz))]
    vectors = krylov.combine(weights[:, chosen])
    values, residuals = np.empty(len(chosen)), np.empty(len(chosen))
    for first in range(0, len(chosen), TOGETHER):
        group = vectors[first : first + TOGETHER]
        for vector in group:
            vector.div_(_signed_norm(vector))
        for number, image in enumerate(product(operator, group), start=first):
            values[number] = float(vectors[number] @ image)
            residuals[number] = float((image - values[number] * vectors[number]).norm())
    rounding = ROUNDING * torch.finfo(operator.dtype).eps * float(np.abs(ritz).max())
    order = np.argsort(-values, kind="stable")
    cut = (
        touch(ritz, bounds, top - 1, top, rounding) if top else False,
        touch(ritz, bounds, len(ritz) - bottom - 1, len(ritz) - bottom, rounding)
        if bottom
        else False,
    )
    return Eigenpairs(
        values[order],
        vectors[torch.from_numpy(order.copy())],
        residuals[order],
        rounding,
        krylov.products + len(chosen),
        krylov,
        cut,
    )


def _signed_norm(vector: Tensor) -> float:
    """Return the norm with the sign of the entry of largest magnitude, the first one if equal."""
    entries = vector.cpu().numpy()
    largest = entries[int(np.abs(entries).argmax())]
    return float(np.copysign(float(vector.norm()), largest))
