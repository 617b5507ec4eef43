"""Inner products from distances, distances from inner products, and principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.diffusion.eigenpairs import largest_eigenpairs

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PrincipalComponents:
    """The first two principal components of points, about their mean.

    Args:
        coordinates: of shape (n, 2).
        explained: fraction of the variance of each, of shape (2,).
        effective: effective number of components, the participation ratio
            (sum of variances)^2 / (sum of their squares).
    """

    coordinates: Floats
    explained: Floats
    effective: float


def squared_distances(products: Floats) -> Floats:
    """Return the squared distances of points with known inner products, of shape (n, n)."""
    squares = products.diagonal()
    found: Floats = squares[:, None] + squares - 2 * products
    np.maximum(found, 0.0, out=found)
    np.fill_diagonal(found, 0.0)
    return found


def centred_products(distances2: Floats) -> Floats:
    """Return the inner products of points about their mean, of shape (n, n) (Torgerson 1952)."""
    means = distances2.mean(axis=1)
    found: Floats = (means[:, None] + means - distances2 - means.mean()) / 2
    return found


def principal_components(distances2: Floats, exact: bool = True) -> PrincipalComponents:
    """Return the first two principal components of points with these squared distances.

    Args:
        distances2: of shape (n, n), n at least 2, not all 0.
        exact: False to find the components of many points by iteration.
    """
    products = centred_products(distances2)
    total = float(np.trace(products))
    products /= total
    values, vectors = largest_eigenpairs(products, 2, exact)
    values = np.maximum(values, 0.0)
    places = vectors * np.sqrt(values * total)
    sizes = np.abs(places)
    first = (sizes > 1e-9 * max(float(sizes.max()), 1e-300)).argmax(axis=0)
    signs = np.where(places[first, [0, 1]] < 0, -1.0, 1.0)
    return PrincipalComponents(places * signs, values, 1 / float(np.vdot(products, products)))


def step_lengths2(distances2: Floats) -> Floats:
    """Return the squared distance of each point from the one before, of shape (n - 1,)."""
    found: Floats = distances2.diagonal(1)
    return found
