"""Scaling a direction to the size of the weights it perturbs, tensor by tensor.

The rules are those of Li et al. 2018, *Visualizing the Loss Landscape of Neural Nets*, section 4,
and of the code published with it: a filter is a slice of a tensor along its dimension 0.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import torch
from torch import Tensor

EPSILON = 1e-10

Rule = Callable[[Tensor, Tensor], Tensor]
"""(direction, weights), both float64 with at least 2 dimensions, -> the scaled direction."""


class Ignore(str, Enum):
    """Which tensors a direction leaves alone."""

    BIASBN = "biasbn"
    NONE = "none"


def filter_scale(direction: Tensor, weights: Tensor) -> Tensor:
    """Give each filter the norm of the weights' filter: d <- d |w| / (|d| + 1e-10)."""
    return direction * _spread(_norms(weights) / (_norms(direction) + EPSILON), direction)


def layer_scale(direction: Tensor, weights: Tensor) -> Tensor:
    """Give the whole tensor the norm of the weights: d <- d |w| / |d|, zero where |d| is."""
    norm = direction.norm()
    return direction * (weights.norm() / norm) if norm > 0 else torch.zeros_like(direction)


def weight_scale(direction: Tensor, weights: Tensor) -> Tensor:
    """Scale each entry by its weight: d <- d w."""
    return direction * weights


def filter_unit(direction: Tensor, weights: Tensor) -> Tensor:
    """Give each filter unit norm: d <- d / (|d| + 1e-10)."""
    return direction / _spread(_norms(direction) + EPSILON, direction)


def layer_unit(direction: Tensor, weights: Tensor) -> Tensor:
    """Give the whole tensor unit norm: d <- d / |d|, zero where |d| is."""
    norm = direction.norm()
    return direction / norm if norm > 0 else torch.zeros_like(direction)


def unchanged(direction: Tensor, weights: Tensor) -> Tensor:
    """Leave the direction as it was drawn."""
    return direction


NORMALIZATIONS: dict[str, Rule] = {
    "filter": filter_scale,
    "layer": layer_scale,
    "weight": weight_scale,
    "dfilter": filter_unit,
    "dlayer": layer_unit,
    "none": unchanged,
}


def normalize(direction: Tensor, weights: Tensor, rule: str, ignore: Ignore) -> Tensor:
    """Normalize one tensor of a direction against the weights it perturbs.

    Tensors of one dimension or none (biases, batch norm's scales) are set to zero under
    ``Ignore.BIASBN`` and to the weights themselves under ``Ignore.NONE``, whatever the rule.

    Args:
        direction: entries as drawn, any shape.
        weights: the network's tensor, of the same shape.
        rule: a name in ``NORMALIZATIONS``.
        ignore: what happens to tensors of at most one dimension.

    Returns:
        A new float64 tensor of the same shape, on the CPU.
    """
    weights = weights.detach().to("cpu", torch.float64)
    if direction.dim() <= 1:
        return torch.zeros_like(weights) if ignore is Ignore.BIASBN else weights.clone()
    return NORMALIZATIONS[rule](direction.to("cpu", torch.float64), weights)


def _norms(tensor: Tensor) -> Tensor:
    """Euclidean norm of each slice along dimension 0."""
    norms: Tensor = torch.linalg.vector_norm(tensor.flatten(1), dim=1)
    return norms


def _spread(factors: Tensor, like: Tensor) -> Tensor:
    """One factor for each filter, in a shape that multiplies the whole tensor."""
    return factors.view(-1, *[1] * (like.dim() - 1))
