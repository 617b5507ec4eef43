"""The diffusion map of points that are known by their distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.diffusion.eigenpairs import largest_eigenpairs

Floats = NDArray[np.float64]

SLIVER = 1e-9
"""Entries below this fraction of the largest count as zero when signs are chosen."""


@dataclass(frozen=True)
class DiffusionMap:
    """Eigenvalues and eigenfunctions of a random walk on points (Coifman and Lafon 2006).

    The walk steps from i to j with probability P_ij = K'_ij / sum_j K'_ij, where
    K_ij = exp(-distance^2 / epsilon), q_i = sum_j K_ij and K'_ij = K_ij / (q_i q_j)^alpha.

    Args:
        epsilon: the bandwidth.
        alpha: exponent of the density normalization: 0 none, 1/2 Fokker-Planck, 1 Laplace-Beltrami.
        eigenvalues: of P, descending, of shape (k + 1,); the first is the trivial 1.
        functions: right eigenvectors psi_1, ..., psi_k of P, of shape (n, k), orthonormal under the
            walk's stationary distribution, under which psi_0 is 1.
        density: q, of shape (n,).
    """

    epsilon: float
    alpha: float
    eigenvalues: Floats
    functions: Floats
    density: Floats

    def coordinates(self, time: float) -> Floats:
        """Return lambda^time psi, of shape (n, k)."""
        return self.functions * self.eigenvalues[1:] ** time

    def extended(self, distances2: Floats, time: float) -> tuple[Floats, Floats]:
        """Return the coordinates of further points, by the Nyström extension.

        psi(x) = sum_j p(x, j) psi_j / lambda, with the same density normalization. The map's own
        points get their own coordinates.

        Args:
            distances2: squared distances from the map's points, of shape (m, n).
            time: the power of the eigenvalues.

        Returns:
            The coordinates, of shape (m, k), NaN where the kernel reaches no point or an eigenvalue
            is 0, and the kernel's largest value at each point, of shape (m,).
        """
        kernel = np.exp(-distances2 / self.epsilon)
        reach = kernel.max(axis=1)
        weights = kernel / self.density**self.alpha  # the new point's own density cancels
        with np.errstate(divide="ignore", invalid="ignore"):
            weights /= weights.sum(axis=1, keepdims=True)
            powers = self.eigenvalues[1:] ** (time - 1)
            found = (weights @ self.functions) * np.where(np.isfinite(powers), powers, np.nan)
        return found, reach


def diffusion_map(
    distances2: Floats, epsilon: float, alpha: float, components: int
) -> DiffusionMap:
    """Compute a diffusion map.

    Args:
        distances2: squared distances, of shape (n, n).
        epsilon: the bandwidth, above 0.
        alpha: exponent of the density normalization.
        components: k, the number of eigenfunctions, below n.

    Returns:
        The map; eigenvalues are between 0 and 1. The sign of each eigenfunction is such that the
        first point where it is not nearly zero has a positive value.
    """
    kernel = np.exp(-distances2 / epsilon)
    density: Floats = kernel.sum(axis=1)
    scale = density**-alpha
    kernel *= scale[:, None]
    kernel *= scale
    degrees = kernel.sum(axis=1)
    roots = np.sqrt(degrees)
    kernel /= roots[:, None]
    kernel /= roots
    trivial = roots / np.sqrt(degrees.sum())
    # The trivial pair is known: without it, equal eigenvalues can't mix with it.
    kernel -= 2 * np.outer(trivial, trivial)
    values, vectors = largest_eigenpairs(kernel, components)
    functions = vectors / trivial[:, None]
    eigenvalues = np.concatenate([[1.0], np.clip(values, 0.0, 1.0)])
    return DiffusionMap(epsilon, alpha, eigenvalues, functions * _signs(functions), density)


def _signs(columns: Floats) -> Floats:
    sizes = np.abs(columns)
    first = (sizes > SLIVER * sizes.max(axis=0)).argmax(axis=0)
    signs: Floats = np.sign(columns[first, range(columns.shape[1])])
    return np.where(signs == 0, 1.0, signs)
