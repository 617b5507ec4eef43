"""The plane in which checkpoints of one training differ most, from inner products alone.

Li et al. 2018, *Visualizing the Loss Landscape of Neural Nets*, section 7: the principal components
of the rows theta_i - theta_n, the differences of n checkpoints from the last. The matrix of all
parameters is never formed: from the eigenvectors u_k and eigenvalues l_k of the rows' Gram matrix,
the components are v_k = sum_i u_ik (theta_i - theta_n) / sqrt(l_k).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.util.tensors import wide_dtype

COMPONENTS = 2
"""Number of principal components that are computed."""

FEWEST = 3
"""Smallest number of checkpoints, including the centre, that span a plane."""

SLIVER = 1e-9
"""Coordinates below this fraction of the largest count as zero when signs are chosen."""


@dataclass(frozen=True)
class Components:
    """The first two principal components, as linear combinations of differences.

    Args:
        weights: coefficient of each difference in each component, of shape (n, 2).
        explained: fraction of the sum of squares that each component explains, of shape (2,).
    """

    weights: NDArray[np.float64]
    explained: NDArray[np.float64]


def principal_directions(
    differences: Differences, names: Sequence[str], mean: bool = False
) -> tuple[list[dict[str, Tensor]], NDArray[np.float64]]:
    """Return the two directions in which checkpoints differ most.

    Args:
        differences: of the checkpoints from the centre.
        names: tensors to include; the directions are zero in all others.
        mean: subtract the differences' mean first, as scikit-learn's PCA does; otherwise the sum
            of squares is about the centre itself.

    Returns:
        Two orthonormal directions, in float32 or the parameters' dtype if that is wider, and the
        fraction of the sum of squares that each explains, of shape (2,). Signs are such that the
        first checkpoint off the centre along a direction has a positive coordinate.

    Raises:
        UsageError: for fewer than 3 checkpoints, or if they span no plane.
    """
    if differences.count < FEWEST:
        raise UsageError(
            f"checkpoints: got {differences.count}; the principal components of a plane need at "
            f"least {FEWEST}, or name directions with --onto"
        )
    products = differences.products(names)
    if not np.isfinite(products).all():
        place = int((~np.isfinite(products.diagonal())).argmax())
        raise UsageError(
            f"checkpoints: number {place + 1} of {len(products)} is so far from the centre that "
            "the square of its distance overflows; has the training diverged? Leave it out"
        )
    components = principal_components(products, _rounding(differences, names, products), mean)
    return _combine(differences, names, components.weights), components.explained


def principal_components(
    products: NDArray[np.float64], rounding: float = 0.0, mean: bool = False
) -> Components:
    """Return the first two principal components of rows with known inner products.

    Args:
        products: the Gram matrix, of shape (n, n), n at least 2.
        rounding: largest sum of squares that a component may have from rounding alone.
        mean: subtract the rows' mean first.

    Raises:
        UsageError: if the rows span no plane.
    """
    from scipy.linalg import eigh

    count = len(products)
    centring = np.eye(count) - 1 / count if mean else np.eye(count)
    centred = centring @ products @ centring
    total = float(np.trace(centred))
    values, vectors = eigh(centred, subset_by_index=[count - COMPONENTS, count - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    _check(values, max(rounding, count * np.finfo(np.float64).eps * total), count)
    weights = centring @ vectors / np.sqrt(values)
    return Components(weights * _signs(products @ weights), values / total)


def _check(values: NDArray[np.float64], least: float, count: int) -> None:
    """Refuse checkpoints that are identical or collinear."""
    if values[0] <= least:
        raise UsageError(
            f"checkpoints: all {count} hold the same weights up to rounding; there is no path"
        )
    if values[1] <= least:
        raise UsageError(
            f"checkpoints: all {count} lie on one line up to rounding (the second principal "
            "component is zero); plot the line through two of them: directions.x.kind checkpoint"
        )


def _signs(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each column, the sign of the first entry that is not nearly zero."""
    sizes = np.abs(coordinates)
    first = (sizes > SLIVER * sizes.max(axis=0)).argmax(axis=0)
    signs: NDArray[np.float64] = np.sign(coordinates[first, range(len(first))])
    return signs


def _rounding(
    differences: Differences, names: Sequence[str], products: NDArray[np.float64]
) -> float:
    """Bound the sum of squares of all differences that rounding alone can cause.

    A weight w is rounded by at most eps |w| / 2, and no checkpoint's norm exceeds that of the
    centre plus the largest difference.
    """
    tensors = [differences.centre[name] for name in names]
    squares = sum(float(tensor.double().square().sum()) for tensor in tensors)
    longest = math.sqrt(squares) + math.sqrt(products.diagonal().max())
    eps = max((torch.finfo(tensor.dtype).eps for tensor in tensors), default=0.0)
    return len(products) * (eps / 2 * longest) ** 2


def _combine(
    differences: Differences, names: Sequence[str], weights: NDArray[np.float64]
) -> list[dict[str, Tensor]]:
    """Return a linear combination of differences per column of weights (n, k), orthonormalized."""
    sums = [
        {name: torch.zeros(differences.centre[name].shape, dtype=torch.float64) for name in names}
        for _ in weights.T
    ]
    for row, checkpoint in zip(weights.tolist(), differences.checkpoints(), strict=True):
        for name in names:
            difference = checkpoint[name].double() - differences.centre[name].double()
            for weight, total in zip(row, sums, strict=True):
                total[name].add_(difference, alpha=weight)
    for number, direction in enumerate(sums):
        for earlier in sums[:number]:
            _add(direction, earlier, -_product(direction, earlier))
        _add(direction, direction, 1 / math.sqrt(_product(direction, direction)) - 1)
    return [
        {
            name: direction[name].to(wide_dtype(tensor))
            if name in direction
            else torch.zeros_like(tensor)
            for name, tensor in differences.centre.items()
        }
        for direction in sums
    ]


def _product(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    return sum(float((first[name] * second[name]).sum()) for name in first)


def _add(direction: dict[str, Tensor], other: dict[str, Tensor], factor: float) -> None:
    for name in direction:
        direction[name].add_(other[name], alpha=factor)
