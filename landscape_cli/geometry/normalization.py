"""Scaling a direction to the size of the weights it perturbs, tensor by tensor and in place.

The rules are those of Li et al. 2018, *Visualizing the Loss Landscape of Neural Nets*, section 4,
and of the code published with it: a filter is a slice of a tensor along its dimension 0. A rule
first measures a tensor, and then scales it block by block, so that it need not be in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import torch
from torch import Tensor

from landscape_cli.geometry.blocks import Blocks, scratch, spans

EPSILON = 1e-10

Scaling = Callable[[Tensor, int], Tensor]
"""(block, start): scales a direction's flat entries from ``start`` on, in place, on the CPU."""

Rule = Callable[[Blocks, Tensor], Scaling]
"""(direction, weights), both with at least 2 dimensions: how to scale the direction."""


class Ignore(str, Enum):
    """Which tensors a direction leaves alone."""

    BIASBN = "biasbn"
    NONE = "none"


def filter_scale(direction: Blocks, weights: Tensor) -> Scaling:
    """Give each filter the norm of the weights' filter: d <- d |w| / (|d| + 1e-10)."""
    wanted = filter_norms(Blocks.of(weights))
    return _by_filter(wanted / (filter_norms(direction) + EPSILON), direction)


def layer_scale(direction: Blocks, weights: Tensor) -> Scaling:
    """Give the whole tensor the norm of the weights: d <- d |w| / |d|, zero where |d| is."""
    norm = _norm(direction)
    return _by_number(_norm(Blocks.of(weights)) / norm if norm > 0 else 0.0)


def weight_scale(direction: Blocks, weights: Tensor) -> Scaling:
    """Scale each entry by its weight: d <- d w."""
    return lambda block, start: block.mul_(_same_entries(weights, block, start))


def filter_unit(direction: Blocks, weights: Tensor) -> Scaling:
    """Give each filter unit norm: d <- d / (|d| + 1e-10)."""
    return _by_filter(1 / (filter_norms(direction) + EPSILON), direction)


def layer_unit(direction: Blocks, weights: Tensor) -> Scaling:
    """Give the whole tensor unit norm: d <- d / |d|, zero where |d| is."""
    norm = _norm(direction)
    return _by_number(1 / norm if norm > 0 else 0.0)


def unchanged(direction: Blocks, weights: Tensor) -> Scaling:
    """Leave the direction as it was drawn."""
    return lambda block, start: block


NORMALIZATIONS: dict[str, Rule] = {
    "filter": filter_scale,
    "layer": layer_scale,
    "weight": weight_scale,
    "dfilter": filter_unit,
    "dlayer": layer_unit,
    "none": unchanged,
}


def measure(direction: Blocks, weights: Tensor, rule: str, ignore: Ignore) -> Scaling:
    """How to normalize one tensor of a direction against the weights it perturbs.

    Tensors of one dimension or none (biases, batch norm's scales) are set to zero under
    ``Ignore.BIASBN`` and to the weights themselves under ``Ignore.NONE``, whatever the rule.

    Args:
        direction: entries as drawn, any shape, float32 or float64.
        weights: the network's tensor, of the same shape, contiguous; it is read again for each
            block where the scaling is by weights.
        rule: a name in ``NORMALIZATIONS``.
        ignore: what happens to tensors of at most one dimension.
    """
    if len(direction.shape) > 1:
        return NORMALIZATIONS[rule](direction, weights)
    if ignore is Ignore.BIASBN:
        return lambda block, start: block.zero_()
    return lambda block, start: block.copy_(_same_entries(weights, block, start))


def normalize(direction: Tensor, weights: Tensor, rule: str, ignore: Ignore) -> None:
    """Normalize one tensor of a direction, in place; see ``measure``.

    Args:
        direction: entries as drawn, contiguous, float32 or float64, on the CPU.
        weights: the network's tensor, of the same shape, on the CPU.
        rule: a name in ``NORMALIZATIONS``.
        ignore: what happens to tensors of at most one dimension.
    """
    scale = measure(Blocks.of(direction), weights, rule, ignore)
    flat = direction.view(-1)
    for start, stop in spans(len(flat)):
        scale(flat[start:stop], start)


def filter_norms(blocks: Blocks) -> Tensor:
    """Euclidean norm of each slice along dimension 0, float64 of shape (blocks.shape[0],)."""
    return _norms(blocks, blocks.shape[0])


def _norm(blocks: Blocks) -> float:
    return float(_norms(blocks, 1)[0])


def _norms(blocks: Blocks, count: int) -> Tensor:
    """Euclidean norms of ``count`` equal parts, one after the other."""
    width = max(1, blocks.entries // max(1, count))
    squares = torch.zeros(count, dtype=torch.float64)
    room = scratch(blocks.entries)
    divided = list(spans(blocks.entries, width))
    for (start, _), block in zip(divided, blocks.read(divided), strict=True):
        rows = room[: len(block)].copy_(block).square_().view(max(1, len(block) // width), -1)
        first = start // width
        squares[first : first + len(rows)] += rows.sum(dim=1)
    return squares.sqrt()


def _by_number(factor: float) -> Scaling:
    return lambda block, start: block.mul_(factor)


def _by_filter(factors: Tensor, direction: Blocks) -> Scaling:
    """Multiply each filter by its factor; a block may begin and end within one."""
    width = max(1, direction.entries // max(1, len(factors)))

    def scale(block: Tensor, start: int) -> Tensor:
        first, end = start // width, -(-(start + len(block)) // width)
        each = factors[first:end].to(block.dtype)
        if len(each) > 1:
            each = each.repeat_interleave(width)[start - first * width :][: len(block)]
        return block.mul_(each)

    return scale


def _same_entries(weights: Tensor, block: Tensor, start: int) -> Tensor:
    return weights.reshape(-1)[start : start + len(block)].cpu()
