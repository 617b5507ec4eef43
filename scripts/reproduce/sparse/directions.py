"""Directions that leave pruned weights at zero."""

from __future__ import annotations

from torch import Tensor

EPSILON = 1e-10
"""Added to the norm of a direction's filter, as in the package's own normalization."""


def kept_filters(direction: Tensor, weights: Tensor) -> Tensor:
    """Normalize a direction filter by filter over the weights that are not zero; the rest is 0.

    For weights without zeros this is the package's ``normalize: filter``.

    Args:
        direction: (filters, ...).
        weights: of the same shape; a pruned one is 0.
    """
    moved = direction * (weights != 0)
    rows, targets = moved.flatten(1).norm(dim=1), weights.flatten(1).norm(dim=1)
    scale = targets / (rows + EPSILON)
    return moved * scale.reshape(-1, *[1] * (weights.dim() - 1))
