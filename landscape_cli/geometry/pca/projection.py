"""Where checkpoints lie in a plane, and how far from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.geometry.pca.differences import Differences, Parameters

PARALLEL = 1e-10
"""The smallest eigenvalue of the cosines between directions that counts as more than rounding."""


def project(
    differences: Differences, directions: Sequence[Parameters]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project checkpoints onto the plane through the centre along some directions.

    The coordinates are those of the plane's nearest point, by the normal equations: the directions
    need be neither orthogonal nor of unit norm. The residual is the norm of what then remains.

    Args:
        differences: n checkpoints, from the centre.
        directions: k of them; a tensor that one lacks is zero.

    Returns:
        Coordinates in units of the directions, float64 of shape (n, k), and residuals, the
        Euclidean distances from the plane, of shape (n,), over all of the centre's tensors.

    Raises:
        UsageError: if a direction is zero, or they are parallel.
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
                sum(float((one[n].double() * other[n].double()).sum()) for n in one if n in other)
                for other in directions
            ]
            for one in directions
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
    """Inner products of a checkpoint's difference with each direction, of shape (k,)."""
    found = np.zeros(len(directions))
    for name, centre in differences.centre.items():
        one = checkpoint[name].double() - centre.double()
        for place, direction in enumerate(directions):
            if name in direction:
                found[place] += float((one * direction[name].double()).sum())
    return found


def _remainder(
    differences: Differences,
    checkpoint: Parameters,
    directions: Sequence[Parameters],
    coordinates: NDArray[np.float64],
) -> float:
    """The norm of what is left of a difference without its part in the plane."""
    squares = 0.0
    for name, centre in differences.centre.items():
        rest = checkpoint[name].double() - centre.double()
        for coordinate, direction in zip(coordinates.tolist(), directions, strict=True):
            if name in direction:
                rest.sub_(direction[name].double(), alpha=coordinate)
        squares += float(torch.sum(rest * rest))
    return float(np.sqrt(squares))
