"""Normalization: scale a direction to the weights it perturbs, tensor by tensor and in place.

The rules are those of Li et al. 2018, *Visualizing the Loss Landscape of Neural Nets*, section 4,
and of its published code: a filter is a slice of a tensor along dimension 0, except in weights that
are stored as (in, out), where it is a column. A rule first measures a tensor and then scales it
block by block, so that the whole tensor need not be in memory.
``model`` and ``dmodel`` measure all tensors together.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from enum import Enum

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError, UsageError, cause
from landscape_cli.geometry.blocks import CHUNK, Blocks, spans

EPSILON = 1e-10
"""Added to the norm of a direction's filter before dividing by it, as in the published code."""

_KEPT = threading.local()

Scaling = Callable[[Tensor, int], Tensor]
"""(block, start): scales a direction's flat entries from ``start`` on in place, on the CPU."""

Rule = Callable[[Blocks, Tensor], Scaling]
"""(direction, weights), both with at least 2 dimensions: returns the direction's scaling."""


class Ignore(str, Enum):
    """Tensors that a direction does not perturb."""

    BIASBN = "biasbn"
    NONE = "none"


def filter_scale(direction: Blocks, weights: Tensor) -> Scaling:
    """Scale each filter to the norm of the weights' filter: d <- d |w| / (|d| + 1e-10)."""
    targets = filter_norms(Blocks.of(weights, direction.columns))
    return _by_filter(targets / (filter_norms(direction) + EPSILON), direction)


def layer_scale(direction: Blocks, weights: Tensor) -> Scaling:
    """Scale the whole tensor to the norm of the weights: d <- d |w| / |d|, or 0 if |d| is 0."""
    norm = _norm(direction)
    return _by_number(_norm(Blocks.of(weights)) / norm if norm > 0 else 0.0)


def weight_scale(direction: Blocks, weights: Tensor) -> Scaling:
    """Multiply each entry by its weight: d <- d w."""
    return lambda block, start: block.mul_(_same_entries(weights, block, start))


def filter_unit(direction: Blocks, weights: Tensor) -> Scaling:
    """Scale each filter to unit norm: d <- d / (|d| + 1e-10)."""
    return _by_filter(1 / (filter_norms(direction) + EPSILON), direction)


def layer_unit(direction: Blocks, weights: Tensor) -> Scaling:
    """Scale the whole tensor to unit norm: d <- d / |d|, or 0 if |d| is 0."""
    norm = _norm(direction)
    return _by_number(1 / norm if norm > 0 else 0.0)


def unchanged(direction: Blocks, weights: Tensor) -> Scaling:
    """Leave the direction as drawn."""
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
"""Rules for all tensors together: scale to the norm of the weights they move, or to unit norm."""

CustomRule = Callable[[Tensor, Tensor], Tensor]
"""(direction, weights), of equal shape, on the CPU: returns the normalized direction."""


def check_rule(name: str) -> None:
    """Refuse a name that is neither a rule nor an import path.

    Raises:
        ValueError: listing the rules.
    """
    if name not in (*NORMALIZATIONS, *WHOLE) and ":" not in name:
        known = ", ".join((*NORMALIZATIONS, *WHOLE))
        raise ValueError(f"expected one of {known}, or module:callable")


def register(name: str, function: CustomRule) -> None:
    """Register a function on whole tensors as a rule for tensors of at least 2 dimensions.

    Args:
        name: its name in configurations, such as ``my_module:my_rule``.
        function: ``(direction, weights) -> direction``.
    """

    def rule(direction: Blocks, weights: Tensor) -> Scaling:
        return by_tensor(direction, lambda whole: _apply(name, function, whole, weights.cpu()))

    NORMALIZATIONS[name] = rule


def by_tensor(direction: Blocks, change: Callable[[Tensor], Tensor]) -> Scaling:
    """Return the scaling by a function on whole tensors, each kept only while it is scaled."""
    whole = torch.empty(0)

    def scale(block: Tensor, start: int) -> Tensor:
        nonlocal whole
        if start == 0:
            whole = change(_assemble(direction, block.dtype)).reshape(-1)
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
    """Return scalings of all tensors by one factor: |w| / |d|, or 1 / |d| for ``dmodel``.

    Args:
        drawn: returns a parameter's raw entries by name.
        weights: the parameters.
        rule: a name in ``WHOLE``.
        moved: names of the parameters that the direction moves; the norms are over these, and the
            entries of all others become zero.
    """
    names = dict.fromkeys(moved)
    size = _whole_norm(drawn(name) for name in names)
    target = 1.0 if rule == "dmodel" else _whole_norm(Blocks.of(weights[name]) for name in names)
    scaling = _by_number(target / size if size > 0 else 0.0)
    return {name: scaling if name in names else zeroed for name in weights}


def measure(direction: Blocks, weights: Tensor, rule: str, ignore: Ignore) -> Scaling:
    """Return the scaling that normalizes one tensor of a direction to the weights it perturbs.

    Under any rule, tensors of at most one dimension (biases, batch-norm parameters) become zero
    with ``Ignore.BIASBN`` and the weights themselves with ``Ignore.NONE``.

    Args:
        direction: entries as drawn, any shape, float32 or float64.
        weights: the network's tensor, of the same shape, contiguous; rules that scale by weights
            read it again for each block.
        rule: a name in ``NORMALIZATIONS``.
        ignore: treatment of tensors of at most one dimension.
    """
    if len(direction.shape) > 1:
        return NORMALIZATIONS[rule](direction, weights)
    if ignore is Ignore.BIASBN:
        return lambda block, start: block.zero_()
    return lambda block, start: block.copy_(_same_entries(weights, block, start))


def normalize(direction: Tensor, weights: Tensor, rule: str, ignore: Ignore) -> None:
    """Normalize one tensor of a direction in place; see ``measure``.

    Args:
        direction: entries as drawn, contiguous, float32 or float64, on the CPU.
        weights: the network's tensor, of the same shape, on the CPU.
        rule: a name in ``NORMALIZATIONS``.
        ignore: treatment of tensors of at most one dimension.
    """
    scale = measure(Blocks.of(direction), weights, rule, ignore)
    flat = direction.view(-1)
    for start, stop in spans(len(flat)):
        scale(flat[start:stop], start)


def filter_norms(blocks: Blocks) -> Tensor:
    """Return the norms of the filters, float64 of shape (filters,)."""
    return _column_norms(blocks) if blocks.columns else _norms(blocks, blocks.shape[0])


def _whole_norm(tensors: Iterable[Blocks]) -> float:
    return math.sqrt(math.fsum(_norm(blocks) ** 2 for blocks in tensors))


def _assemble(blocks: Blocks, dtype: torch.dtype) -> Tensor:
    """Assemble a tensor from its blocks."""
    whole = torch.empty(blocks.shape, dtype=dtype)
    divided = list(spans(blocks.entries))
    for (start, stop), block in zip(divided, blocks.read(divided), strict=True):
        whole.view(-1)[start:stop] = block
    return whole


def _apply(name: str, function: CustomRule, direction: Tensor, weights: Tensor) -> Tensor:
    """Apply a user's rule and check its result."""
    try:
        result = function(direction, weights)
    except Exception as error:
        raise ProblemError(f"normalize: {name} failed: {cause(error)}") from error
    if not isinstance(result, Tensor) or result.shape != direction.shape:
        got = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise UsageError(
            f"normalize: {name} returned {got}, expected a tensor of shape {tuple(weights.shape)}"
        )
    return result


def _norm(blocks: Blocks) -> float:
    return float(_norms(blocks, 1)[0])


def _norms(blocks: Blocks, count: int) -> Tensor:
    """Return the Euclidean norms of ``count`` equal consecutive parts."""
    width = max(1, blocks.entries // max(1, count))
    squares = torch.zeros(count, dtype=torch.float64)
    workspace = _workspace()
    divided = list(spans(blocks.entries, width))
    for (start, _), block in zip(divided, blocks.read(divided), strict=True):
        rows = workspace[: len(block)].copy_(block).square_().view(max(1, len(block) // width), -1)
        first = start // width
        squares[first : first + len(rows)] += rows.sum(dim=1)
    return squares.sqrt()


def _workspace() -> Tensor:
    """Return this thread's float64 block for squares.

    One for each tensor would leave gaps in memory between the factors that are kept: 400 MB in all
    for a GPT with 100 million parameters.
    """
    if not hasattr(_KEPT, "block"):
        _KEPT.block = torch.empty(CHUNK, dtype=torch.float64)
    block: Tensor = _KEPT.block
    return block


def _column_norms(blocks: Blocks) -> Tensor:
    """Return the Euclidean norms of a matrix's columns."""
    width = blocks.shape[1]
    squares = torch.zeros(width, dtype=torch.float64)
    workspace = _workspace()
    divided = list(spans(blocks.entries, width))
    for (start, _), block in zip(divided, blocks.read(divided), strict=True):
        entries = workspace[: len(block)].copy_(block).square_()
        if len(block) < width:
            squares[start % width :][: len(block)] += entries
        else:
            squares += entries.view(-1, width).sum(dim=0)
    return squares.sqrt()


def _by_number(factor: float) -> Scaling:
    return lambda block, start: block.mul_(factor)


def _by_filter(factors: Tensor, direction: Blocks) -> Scaling:
    """Multiply each filter by its factor; a block may start or end inside a filter."""
    if direction.columns:
        return _by_column(factors)
    width = max(1, direction.entries // max(1, len(factors)))

    def scale(block: Tensor, start: int) -> Tensor:
        first, end = start // width, -(-(start + len(block)) // width)
        each = factors[first:end].to(block.dtype)
        if len(each) > 1:
            each = each.repeat_interleave(width)[start - first * width :][: len(block)]
        return block.mul_(each)

    return scale


def _by_column(factors: Tensor) -> Scaling:
    """Multiply each column by its factor; a block may start or end inside a row."""
    width = len(factors)

    def scale(block: Tensor, start: int) -> Tensor:
        first = start % width
        rows = -(-(first + len(block)) // width)
        return block.mul_(factors.to(block.dtype).repeat(rows)[first : first + len(block)])

    return scale


def _same_entries(weights: Tensor, block: Tensor, start: int) -> Tensor:
    return weights.reshape(-1)[start : start + len(block)].cpu()
