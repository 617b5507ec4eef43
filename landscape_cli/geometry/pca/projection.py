"""Projection of checkpoints onto a plane, and their distances from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.geometry.pca.differences import Differences, Parameters

PARALLEL = 1e-10
"""Smallest eigenvalue of the directions' cosine matrix that does not count as rounding."""


def project(
    differences: Differences, directions: Sequence[Parameters]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project checkpoints onto the plane through the centre that directions span.

    The coordinates are those of the nearest point in the plane, from the normal equations: the
    directions need be neither orthogonal nor of unit norm.

    Args:
        differences: of n checkpoints from the centre.
        directions: k directions; tensors missing from one are zero in it.

    Returns:
        Coordinates in units of the directions, float64 of shape (n, k), and residuals of shape
        (n,), the Euclidean distances from the plane over all of the centre's tensors.

    Raises:
        UsageError: if a direction is zero or not finite, or the directions are parallel.
    """
    matrix = _products(directions)
    _check(matrix)
    coordinates = np.zeros((differences.count, len(directions)))
    residuals = np.zeros(differences.count)
    for row, checkpoint in enumerate(differences.checkpoints()):
        along = _along(differences, checkpoint, directions)
        coordinates[row] = np.linalg.solve(matrix, along)
        residuals[row] = _remainder(differences, checkpoint, directions, coordinates[row])
    return coordinates, residuals


def _products(directions: Sequence[Parameters]) -> NDArray[np.float64]:
    return np.array(
        [
            [
                sum(float((a[name].double() * b[name].double()).sum()) for name in a if name in b)
                for b in directions
            ]
            for a in directions
        ]
    )


def _check(matrix: NDArray[np.float64]) -> None:
    norms = np.sqrt(matrix.diagonal())
    if not np.isfinite(norms).all():
        raise UsageError("directions: a direction has entries that are not finite")
    if not norms.all():
        raise UsageError("directions: a direction is zero in every tensor that is projected")
    if np.linalg.eigvalsh(matrix / np.outer(norms, norms))[0] < PARALLEL:
        raise UsageError("directions: the directions are parallel, so that they span no plane")


def _along(
    differences: Differences, checkpoint: Parameters, directions: Sequence[Parameters]
) -> NDArray[np.float64]:
    """Return the products of a checkpoint's difference with each direction, of shape (k,)."""
    products = np.zeros(len(directions))
    for name, centre in differences.centre.items():
        difference = checkpoint[name].double() - centre.double()
        for number, direction in enumerate(directions):
            if name in direction:
                products[number] += float((difference * direction[name].double()).sum())
    return products


def _remainder(
    differences: Differences,
    checkpoint: Parameters,
    directions: Sequence[Parameters],
    coordinates: NDArray[np.float64],
) -> float:
    """Return the norm of a difference minus its projection onto the plane."""
    squares = 0.0
    for name, centre in differences.centre.items():
        rest = checkpoint[name].double() - centre.double()
        for coordinate, direction in zip(coordinates.tolist(), directions, strict=True):
            if name in direction:
                rest.sub_(direction[name].double(), alpha=coordinate)
        squares += float(torch.sum(rest * rest))
    return float(np.sqrt(squares))
