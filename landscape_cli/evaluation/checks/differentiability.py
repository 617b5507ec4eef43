"""Checks that derivatives are those of the values, at the centre and on the first batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError, some
from landscape_cli.evaluation.checks.effect import equal, means_of, unconnected
from landscape_cli.evaluation.derivatives.gradient import mean_gradient
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.geometry.inner_products import dot
from landscape_cli.util.accelerators import wide

CHANGE = 1e-3
"""Relative change of parameters that shows whether they have an effect, and of the loss that shows
how fast it changes."""

NOISE = 100.0
"""Number of roundoffs of the loss that a change must exceed to say anything."""

APART, TOGETHER = 0.25, 0.1
"""Relative differences: of the gradient's norm from the change that is seen, for a warning; and of
the changes at two step sizes, for the warning to be founded."""

NAMED = 4
"""Number of parameters that are sought to be named."""


def refuse_unreached(evaluator: Evaluator) -> None:
    """Refuse parameters that change the values although autograd leads from no value to them.

    Raises:
        ProblemError: naming some of them.
    """
    batch = next(iter(evaluator.first_split))
    suspects = unconnected(evaluator, batch, evaluator.slice.origin)
    found = _with_effect(evaluator, batch, suspects)
    if found:
        raise ProblemError(
            f"objective: {some(found)} affect its values, but autograd finds no way from these to "
            "them, so that derivatives would be wrong: are tensors detached, rounded to integers, "
            "or weights merged in eval mode, or layers quantized? Make it differentiable, or drop "
            "measures and curvature"
        )


def _with_effect(evaluator: Evaluator, batch: Any, names: Sequence[str]) -> list[str]:
    """Find some of the parameters with an effect by moving ever fewer of them."""
    if not names:
        return []
    origin = evaluator.slice.origin
    expected = means_of(evaluator, [batch], origin)
    views = evaluator.parameters.views
    moved = {name: views[name] * (1 + CHANGE) + CHANGE for name in names}

    def changes(part: Sequence[str]) -> bool:
        held = {name: moved[name] for name in part}
        return not equal(expected, means_of(evaluator, [batch], origin, held))

    def search(part: Sequence[str], wanted: int) -> list[str]:
        if not part or wanted <= 0 or not changes(part):
            return []
        if len(part) == 1:
            return list(part)
        half = len(part) // 2
        first = search(part[:half], wanted)
        return [*first, *search(part[half:], wanted - len(first))] or list(part)

    return search(list(names), NAMED)


def slope_warning(evaluator: Evaluator) -> str:
    """Compare the gradient with how fast the loss changes along it.

    An objective that stops some gradients (``detach``, straight-through rounding) has a gradient,
    but not that of its values.

    Returns:
        A warning; empty if they agree, or rounding leaves no way to tell.
    """
    batch = next(iter(evaluator.first_split))
    origin = evaluator.slice.origin
    with torch.no_grad():
        evaluator.write(origin)
    try:
        gradient = mean_gradient(
            evaluator.model,
            evaluator.objective,
            [batch],
            _parameter_names(evaluator),
            aliases=evaluator.parameters.aliases,
        ).entries
    except ProblemError:
        return ""  # said by those who need it
    norm = math.sqrt(dot(gradient, gradient))
    loss = means_of(evaluator, [batch], origin)[0]
    if not (norm > 0 and math.isfinite(norm) and math.isfinite(loss)):
        return ""
    views = {name: evaluator.parameters.views[name].clone() for name in gradient}
    size = math.sqrt(dot(views, views)) or 1.0
    step = CHANGE * min((abs(loss) or 1.0) / norm, size)
    seen = [_speed(evaluator, batch, views, gradient, norm, h) for h in (step, step / 2)]
    rounding = NOISE * torch.finfo(torch.float32).eps * abs(loss) / step
    spread, off = abs(seen[0] - seen[1]), abs(seen[1] - norm)
    founded = spread <= TOGETHER * max(abs(seen[1]), norm)
    if not founded or off <= max(APART * norm, rounding, spread):
        return ""
    return (
        f"warning: along its gradient the loss changes by {seen[1]:.3g} per unit of length, not by "
        f"the gradient's norm {norm:.3g}: the objective stops gradients somewhere (detach, a "
        "straight-through estimate), so its derivatives are not those of the surface"
    )


def _parameter_names(evaluator: Evaluator) -> list[str]:
    parameters = evaluator.parameters
    return [n for n in parameters.views if n in parameters.trainable | parameters.frozen]


def _speed(
    evaluator: Evaluator,
    batch: Any,
    views: dict[str, Tensor],
    gradient: Any,
    norm: float,
    step: float,
) -> float:
    """Return the central difference of the loss along the gradient."""

    def loss(sign: float) -> float:
        held = {}
        for name, view in views.items():
            start = wide(view)
            moved = start + (sign * step / norm) * gradient[name].to(start.device)
            held[name] = moved.to(view.dtype).to(view.device)
        return means_of(evaluator, [batch], evaluator.slice.origin, held)[0]

    return (loss(1.0) - loss(-1.0)) / (2 * step)
