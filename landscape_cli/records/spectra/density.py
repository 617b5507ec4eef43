"""The density of a spectrum, smoothed from the nodes and weights of a quadrature."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def smoothing_width(nodes: Numbers) -> float:
    """Return the standard deviation of the Gaussian that replaces each node.

    It falls to a third halfway between nodes that are spread evenly (Papyan 2020, *Traces of
    class/cross-class structure pervade deep learning spectra*, JMLR 21, appendix D.2).

    Args:
        nodes: of shape (draws, steps).

    Returns:
        The width; 0 if all nodes are the same.
    """
    steps = nodes.shape[-1]
    spread = float(np.ptp(nodes))
    return float(spread / max(1, steps - 1) / math.sqrt(8 * math.log(3)))


def smoothed_density(
    nodes: Numbers, weights: Numbers, at: Numbers, width: float, size: int
) -> tuple[Numbers, Numbers]:
    """Return the density at some values, and its standard error over random vectors.

    The vectors are distributed uniformly on the sphere, so the variance of a draw is known: for the
    Gaussian f around a value, 2 / (P + 2) times the variance of f over the spectrum. That is
    estimated from all draws, with one eigenvalue more at the nearest node, since few draws may
    underrate a single one.

    Args:
        nodes: of shape (draws, steps).
        weights: likewise; those of a draw sum to 1.
        at: eigenvalues, of shape (n,).
        width: standard deviation of the Gaussians; positive.
        size: the number of eigenvalues P.

    Returns:
        Density and standard error, each of shape (n,).
    """
    mean, square = np.empty(len(at)), np.empty(len(at))
    for place, value in enumerate(at):
        heights = np.exp(-0.5 * ((nodes - value) / width) ** 2) / (width * math.sqrt(2 * math.pi))
        mean[place] = np.sum(weights * heights) / len(nodes)
        square[place] = np.sum(weights * heights**2) / len(nodes) + heights.max() ** 2 / size
    variance = np.maximum(square - mean**2, 0.0) * 2 / (size + 2)
    return mean, np.sqrt(variance / len(nodes))
