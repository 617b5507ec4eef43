"""The trace from products with random signs (Hutchinson 1990), deflated by a known subspace.

    tr H = tr(Q' H Q) + E z' P H P z,   P = I - Q Q',   z random signs

The first part is exact. The second one varies less the more of the spectrum is in Q: this is
Hutch++ (Meyer, Musco, Musco and Woodruff 2021, arXiv 2010.09649, algorithm 1) with a Krylov space
as sketch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.evaluation.spectrum.krylov import Krylov
from landscape_cli.evaluation.spectrum.operator import TOGETHER, Operator, product
from landscape_cli.evaluation.spectrum.start_vectors import Draws

Numbers = NDArray[np.float64]


def exact_part(krylov: Krylov | None) -> float:
    """Return the trace within a subspace; 0 without one."""
    return 0.0 if krylov is None else math.fsum(np.diag(krylov.projected))


def probes(
    operator: Operator, draws: Draws, numbers: Sequence[int], krylov: Krylov | None = None
) -> Iterator[float]:
    """Yield estimates of the trace, one for each random vector.

    Args:
        operator: the matrix.
        draws: vectors of random signs, such as ``start_vectors.rademacher``.
        numbers: of the vectors to use; they are multiplied in groups of ``TOGETHER``.
        krylov: the subspace to deflate; none if None.

    Raises:
        NotFiniteError: if a product is not finite.
    """
    known = exact_part(krylov)
    if krylov is not None and krylov.basis.count == operator.size:
        yield from [known] * len(numbers)
        return
    for first in range(0, len(numbers), TOGETHER):
        vectors = [_deflated(operator, draws(n), krylov) for n in numbers[first:][:TOGETHER]]
        images = product(operator, torch.stack(vectors))
        for vector, image in zip(vectors, images, strict=True):
            yield known + float(vector @ image)


def _deflated(operator: Operator, vector: Tensor, krylov: Krylov | None) -> Tensor:
    vector = vector.to(operator.device, torch.float64, copy=True)
    if krylov is not None:
        krylov.basis.orthogonalize(vector)
    return vector


def mean_and_error(values: Numbers) -> tuple[float, float]:
    """Return the mean of the probes and its standard error; NaN for a single one."""
    if len(values) < 2:
        return float(values.mean()), math.nan
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def half_width(error: float, count: int, confidence: float = 0.95) -> float:
    """Return half of a confidence interval of a mean, by Student's distribution.

    Args:
        error: the standard error.
        count: number of values, at least 2.
        confidence: probability that the interval contains the truth.
    """
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, 0.5 + confidence / 2)) * error
