"""Parameters that a slice moves without any effect on the values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from landscape_cli.evaluation.derivatives.differentiation import requiring_gradients
from landscape_cli.evaluation.evaluator import Evaluator

NEAR = 0.01
"""Fraction of the way to the corner that is tried if the values there are not finite."""

DROPPED = "WarnNotImplemented"
"""End of the name of autograd's nodes for operators without a derivative, such as those of layers
that are quantized dynamically: gradients end there, as zeros."""

TRIALS = 64
"""Largest number of evaluations spent on telling parameters with effect from those without."""


def without_effect(evaluator: Evaluator, corner: Sequence[float]) -> list[str]:
    """List the parameters that the slice moves without changing any value of the first batch.

    Those from which autograd's graph leads to no value are found by one forward pass. Whether they
    have an effect nevertheless (an argmax, a table kept from weights) is seen by moving them.

    Args:
        evaluator: whose data is loaded; its model is neither folded nor compiled.
        corner: coordinates of a point away from the centre.

    Returns:
        Names in ``evaluator.parameters.views``.
    """
    origin = evaluator.slice.origin
    batches = [next(iter(evaluator.first_split))]
    point = tuple(corner)
    expected = means_of(evaluator, batches, point)
    if not all(map(math.isfinite, expected)):
        # The last coordinate may be the number of a repeat, which is an integer.
        near = (o + NEAR * (c - o) for o, c in zip(origin, corner, strict=True))
        point = tuple(float(round(c)) if abs(c) >= 1 else c for c in near)
        expected = means_of(evaluator, batches, point)
    suspects = unconnected(evaluator, batches[0], point)
    if not suspects:
        return []
    at_point = _copies(evaluator, point, suspects)
    at_origin = _copies(evaluator, origin, suspects)
    moved = [name for name in suspects if not torch.equal(at_point[name], at_origin[name])]
    trials = TRIALS

    def unchanged(names: Sequence[str]) -> bool:
        nonlocal trials
        trials -= 1
        held = {name: at_origin[name] for name in names}
        return equal(expected, means_of(evaluator, batches, point, held))

    def search(names: Sequence[str]) -> list[str]:
        if not names or trials <= 0:
            return []
        if unchanged(names):
            return list(names)
        half = len(names) // 2
        return [*search(names[:half]), *search(names[half:])] if half else []

    return search(moved)


def moved_along(evaluator: Evaluator, point: Sequence[float]) -> set[str]:
    """Return the names of the tensors that differ between the origin and a point."""
    names = list(evaluator.parameters.views)
    start = _copies(evaluator, evaluator.slice.origin, names)
    evaluator.write(point)
    views = evaluator.parameters.views
    return {name for name in names if not torch.equal(views[name], start[name])}


def _copies(
    evaluator: Evaluator, point: Sequence[float], names: Sequence[str]
) -> dict[str, Tensor]:
    evaluator.write(point)
    return {name: evaluator.parameters.views[name].clone() for name in names}


def means_of(
    evaluator: Evaluator,
    batches: Sequence[Any],
    point: Sequence[float],
    held: Mapping[str, Tensor] | None = None,
) -> list[float]:
    """Return the means of all values at a point, with some tensors held at other entries."""
    with evaluator.holding(held or {}):
        means, _ = evaluator.values(point, batches).means()
    return [float(mean) for mean in means[0]]


def equal(first: Sequence[float], second: Sequence[float]) -> bool:
    """Tell whether means are the same numbers; NaN equals NaN."""
    pairs = zip(first, second, strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)


def unconnected(evaluator: Evaluator, batch: Any, point: Sequence[float]) -> list[str]:
    """List the parameters from which no path in autograd's graph leads to a value."""
    own = dict(evaluator.model.named_parameters(remove_duplicate=False))
    parameters = {name: own[name] for name in evaluator.parameters.views if name in own}
    evaluator.write(point)
    try:
        with requiring_gradients(parameters.values()), torch.enable_grad():
            values = evaluator.objective(evaluator.model, batch)
            reached = _reached(values.values())
    except Exception:  # an objective need not be differentiable
        return list(parameters)
    return [name for name, parameter in parameters.items() if id(parameter) not in reached]


def _reached(values: Any) -> set[int]:
    """Return the identities of the leaves to which gradients of values get."""
    todo = [tensor.grad_fn for value in values for tensor in _tensors(value) if tensor.grad_fn]
    leaves = {id(tensor) for value in values for tensor in _tensors(value) if tensor.is_leaf}
    seen = set(todo)
    while todo:
        node = todo.pop()
        if node.name().endswith(DROPPED):
            continue
        if (variable := getattr(node, "variable", None)) is not None:
            leaves.add(id(variable))
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                todo.append(following)
    return leaves


def _tensors(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else [one for one in value if torch.is_tensor(one)]
