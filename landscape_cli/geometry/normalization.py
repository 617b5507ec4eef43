"""Scaling a direction to the size of the weights it perturbs, tensor by tensor and in place.

The rules are those of Li et al. 2018, *Visualizing the Loss Landscape of Neural Nets*, section 4,
and of the code published with it: a filter is a slice of a tensor along its dimension 0. A rule
first measures a tensor, and then scales it block by block, so that it need not be in memory.
``model`` and ``dmodel`` measure all tensors together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError, UsageError, cause
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


def zeroed(block: Tensor, start: int) -> Tensor:
    """Set a block to zero."""
    return block.zero_()


NORMALIZATIONS: dict[str, Rule] = {
    "filter": filter_scale,
    "layer": layer_scale,
    "weight": weight_scale,
    "dfilter": filter_unit,
    "dlayer": layer_unit,
    "none": unchanged,
}


WHOLE = ("model", "dmodel")
"""Rules for the whole vector: give it the norm of the weights it moves, or unit norm."""

Own = Callable[[Tensor, Tensor], Tensor]
"""(direction, weights), of the same shape, on the CPU: the direction as it is to be."""


def check_rule(name: str) -> None:
    """Refuse a name that is no rule and no import path of one.

    Raises:
        ValueError: listing the rules.
    """
    if name not in (*NORMALIZATIONS, *WHOLE) and ":" not in name:
        known = ", ".join((*NORMALIZATIONS, *WHOLE))
        raise ValueError(f"expected one of {known}, or module:callable")


def register(name: str, function: Own) -> None:
    """Make a function on whole tensors a rule, for tensors of at least 2 dimensions.

    Args:
        name: what configurations call it, such as ``my_module:my_rule``.
        function: ``(direction, weights) -> direction``.
    """

    def rule(direction: Blocks, weights: Tensor) -> Scaling:
        return by_tensor(direction, lambda whole: _own(name, function, whole, weights.cpu()))

    NORMALIZATIONS[name] = rule


def by_tensor(direction: Blocks, change: Callable[[Tensor], Tensor]) -> Scaling:
    """The scaling that a function on whole tensors is; it keeps a tensor while that is scaled."""
    whole = torch.empty(0)

    def scale(block: Tensor, start: int) -> Tensor:
        nonlocal whole
        if start == 0:
            whole = change(_gathered(direction, block.dtype)).reshape(-1)
        block.copy_(whole[start : start + len(block)])
        if start + len(block) == direction.entries:
            whole = torch.empty(0)
        return block

    return scale


def measure_whole(
    drawn: Callable[[str], Blocks],
    weights: Mapping[str, Tensor],
    rule: str,
    moved: Iterable[str],
) -> dict[str, Scaling]:
    """How to scale a direction by one number: d <- d |w| / |d|, or d / |d| for ``dmodel``.

    Args:
        drawn: a parameter's raw entries by its name.
        weights: the parameters.
        rule: a name in ``WHOLE``.
        moved: the parameters that the direction moves; the norms are over these, and the other
            ones' entries become zero.
    """
    names = dict.fromkeys(moved)
    size = _whole_norm(drawn(name) for name in names)
    wanted = 1.0 if rule == "dmodel" else _whole_norm(Blocks.of(weights[name]) for name in names)
    scaling = _by_number(wanted / size if size > 0 else 0.0)
    return {name: scaling if name in names else zeroed for name in weights}


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


def _whole_norm(tensors: Iterable[Blocks]) -> float:
    return math.sqrt(math.fsum(_norm(blocks) ** 2 for blocks in tensors))


def _gathered(blocks: Blocks, dtype: torch.dtype) -> Tensor:
    """A tensor of its blocks."""
    whole = torch.empty(blocks.shape, dtype=dtype)
    divided = list(spans(blocks.entries))
    for (start, stop), block in zip(divided, blocks.read(divided), strict=True):
        whole.view(-1)[start:stop] = block
    return whole


def _own(name: str, function: Own, direction: Tensor, weights: Tensor) -> Tensor:
    """A user's rule, checked."""
    try:
        found = function(direction, weights)
    except Exception as error:
        raise ProblemError(f"normalize: {name} failed: {cause(error)}") from error
    if not isinstance(found, Tensor) or found.shape != direction.shape:
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise UsageError(
            f"normalize: {name} returned {got}, expected a tensor of shape {tuple(weights.shape)}"
        )
    return found


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
