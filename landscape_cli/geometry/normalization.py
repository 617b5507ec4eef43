"""Scaling a direction to the size of the weights it perturbs, tensor by tensor and in place.

The rules are those of Li et al. 2018, *Visualizing the Loss Landscape of Neural Nets*, section 4,
and of the code published with it: a filter is a slice of a tensor along its dimension 0.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import torch
from torch import Tensor

EPSILON = 1e-10

CHUNK = 1 << 20
"""Entries that are converted to float64 at a time; a whole copy would double the memory."""

Rule = Callable[[Tensor, Tensor], None]
"""(direction, weights), both with at least 2 dimensions: scales the direction in place."""


class Ignore(str, Enum):
    """Which tensors a direction leaves alone."""

    BIASBN = "biasbn"
    NONE = "none"


def filter_scale(direction: Tensor, weights: Tensor) -> None:
    """Give each filter the norm of the weights' filter: d <- d |w| / (|d| + 1e-10)."""
    _multiply(direction, filter_norms(weights) / (filter_norms(direction) + EPSILON))


def layer_scale(direction: Tensor, weights: Tensor) -> None:
    """Give the whole tensor the norm of the weights: d <- d |w| / |d|, zero where |d| is."""
    norm = _norm(direction)
    direction.mul_(_norm(weights) / norm if norm > 0 else 0.0)


def weight_scale(direction: Tensor, weights: Tensor) -> None:
    """Scale each entry by its weight: d <- d w."""
    direction.mul_(weights)


def filter_unit(direction: Tensor, weights: Tensor) -> None:
    """Give each filter unit norm: d <- d / (|d| + 1e-10)."""
    _multiply(direction, 1 / (filter_norms(direction) + EPSILON))


def layer_unit(direction: Tensor, weights: Tensor) -> None:
    """Give the whole tensor unit norm: d <- d / |d|, zero where |d| is."""
    norm = _norm(direction)
    direction.mul_(1 / norm if norm > 0 else 0.0)


def unchanged(direction: Tensor, weights: Tensor) -> None:
    """Leave the direction as it was drawn."""


NORMALIZATIONS: dict[str, Rule] = {
    "filter": filter_scale,
    "layer": layer_scale,
    "weight": weight_scale,
    "dfilter": filter_unit,
    "dlayer": layer_unit,
    "none": unchanged,
}


def normalize(direction: Tensor, weights: Tensor, rule: str, ignore: Ignore) -> None:
    """Normalize one tensor of a direction, in place, against the weights it perturbs.

    Tensors of one dimension or none (biases, batch norm's scales) are set to zero under
    ``Ignore.BIASBN`` and to the weights themselves under ``Ignore.NONE``, whatever the rule.

    Args:
        direction: entries as drawn, any shape, float32 or float64, on the CPU.
        weights: the network's tensor, of the same shape, on the CPU.
        rule: a name in ``NORMALIZATIONS``.
        ignore: what happens to tensors of at most one dimension.
    """
    if direction.dim() > 1:
        NORMALIZATIONS[rule](direction, weights)
    elif ignore is Ignore.BIASBN:
        direction.zero_()
    else:
        direction.copy_(weights)


def filter_norms(tensor: Tensor) -> Tensor:
    """Euclidean norm of each slice along dimension 0, float64 of shape (tensor.shape[0],)."""
    rows = tensor.flatten(1)
    squares = torch.zeros(len(rows), dtype=torch.float64, device=tensor.device)
    step = max(1, CHUNK // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        for block in torch.split(rows[start : start + step], CHUNK, dim=1):
            squares[start : start + step] += block.double().square().sum(dim=1)
    return squares.sqrt()


def _norm(tensor: Tensor) -> float:
    return float(filter_norms(tensor.reshape(1, -1))[0])


def _multiply(direction: Tensor, factors: Tensor) -> None:
    """Multiply each filter by its factor."""
    direction.mul_(factors.to(direction.dtype).view(-1, *[1] * (direction.dim() - 1)))
