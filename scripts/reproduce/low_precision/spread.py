"""Spread of the weights in long runs."""

from __future__ import annotations

import torch
from torch import Tensor

DRIFT = 2
"""Degree of the polynomial in time that is taken for a drift, not for wandering."""


def without_drift(iterates: Tensor, drift: int = DRIFT) -> Tensor:
    """Subtract a polynomial in time, fitted to each weight by least squares.

    Args:
        iterates: weights at equal times, shape (networks, n, weights).
        drift: the polynomial's degree; with 0, it is the mean.

    Returns:
        float64 of the same shape.
    """
    values = iterates.double()
    time = torch.linspace(-1, 1, iterates.shape[1], dtype=torch.float64)
    basis, _ = torch.linalg.qr(torch.stack([time**k for k in range(drift + 1)], 1))
    return values - basis @ (basis.T @ values)


def spread(iterates: Tensor, drift: int = DRIFT) -> Tensor:
    """Return the root mean square distance of iterates from their drift, relative to their norm.

    Args:
        iterates: weights at equal times, shape (networks, n, weights).
        drift: degree of the drift; with 0, distances are those from the mean.

    Returns:
        Shape (networks,); the square's mean is over n - drift - 1 degrees of freedom.
    """
    squares = without_drift(iterates, drift).square().sum((1, 2)) / (iterates.shape[1] - drift - 1)
    return (squares / iterates.double().square().sum(2).mean(1)).sqrt()


def moved(iterates: Tensor) -> Tensor:
    """Return the fraction of the weights that are not the same in all iterates, per network."""
    return (iterates != iterates[:, :1]).any(1).double().mean(1)


def power(rates: list[float], values: Tensor) -> Tensor:
    """Return the exponents p of values ~ rate^p by least squares, one for each network.

    Args:
        rates: the learning rates, length k.
        values: positive, shape (k, networks).
    """
    x = torch.tensor(rates, dtype=torch.float64).log()
    x = x - x.mean()
    return (x[:, None] * values.log()).sum(0) / x.square().sum()
