"""Gradients of an objective's mean over a split, summed in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.derivatives.mean_loss import chosen
from landscape_cli.evaluation.derivatives.strided_convolutions import backward
from landscape_cli.geometry.inner_products import dot
from landscape_cli.problems.problem import Objective, Values
from landscape_cli.util.accelerators import wide, wide_device
from landscape_cli.util.tensors import as_real


@dataclass(frozen=True)
class MeanGradient:
    """The gradient of a mean over n samples.

    Args:
        entries: float64 tensors by parameter name, in the shapes of their ``as_real``.
        samples: the number of samples n.
        batches: the number of batches.
        gross: the sum over batches of the norms of their contributions; at least the gradient's
            norm, and much more near a minimum, where batches cancel.
    """

    entries: Mapping[str, Tensor]
    samples: int
    batches: int
    gross: float


def mean_gradient(
    model: nn.Module,
    objective: Objective,
    batches: Iterable[Any],
    names: Iterable[str],
    quantity: str | None = None,
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> MeanGradient:
    """Differentiate the mean of an objective's value with respect to parameters.

    Batches are differentiated one after the other in the parameters' own precision, and their
    gradients are added in float64 and in order, so that the result has the same bits each time on a
    CPU. Parameters without effect have a gradient of zero, and frozen ones their true gradient:
    ``requires_grad`` is set for the duration of the call.

    The gradient of a weighted mean R = S / W is (grad S - R grad W) / W, with the sums S of values
    and W of weights over all batches. It is NaN if W is 0.

    Args:
        model: in the mode in which it is evaluated.
        objective: ``(model, batch) -> {name: Tensor[n]}``.
        batches: the batches that the mean is over; read twice if weights depend on parameters.
        names: of the parameters.
        quantity: the value to differentiate; the first one if None.
        aliases: other names by name; gradients of parameters that share one memory are added.

    Raises:
        ProblemError: if the value is missing or can't be differentiated.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.fill_(2.0)
        >>> def squared(model, batch):
        ...     return {"loss": model(batch).square().sum(1)}
        >>> batches = [torch.ones(2, 1), torch.zeros(2, 1)]
        >>> mean_gradient(model, squared, batches, ["weight"]).entries["weight"].item()
        2.0
    """
    own = dict(model.named_parameters(remove_duplicate=False))
    every = {name: (name, *(aliases or {}).get(name, ())) for name in names}
    tied = {n: list({id(own[one]): own[one] for one in each}.values()) for n, each in every.items()}
    parameters = [one for each in tied.values() for one in each]
    sums = {
        name: torch.zeros_like(
            as_real(one.detach()), dtype=torch.float64, device=wide_device(one.device)
        )
        for name, (one, *_) in tied.items()
    }
    samples, count, gross = 0, 0, 0.0
    ratio: float | None = None
    total = 0.0
    with _leaves(parameters), torch.enable_grad():
        for batch in batches:
            values, weights = _chosen(objective(model, batch), quantity)
            if weights is not None and weights.requires_grad:
                ratio = _ratio(model, objective, batches, quantity) if ratio is None else ratio
                values = values - ratio * weights
            backward(values.sum(), parameters)
            samples, count = samples + len(values), count + 1
            total += len(values) if weights is None else float(wide(weights.detach()).sum())
            gross += _collect(tied, sums)
    divisor = total or math.nan
    entries = {name: one / divisor for name, one in sums.items()}
    return MeanGradient(entries, samples, count, gross / divisor)


def _collect(tied: Mapping[str, Sequence[nn.Parameter]], sums: Mapping[str, Tensor]) -> float:
    """Add the gradients of a batch to the sums, remove them, and return their norm."""
    square = 0.0
    for name, parameters in tied.items():
        parts = [_taken(one) for one in parameters if one.grad is not None]
        if parts:
            part = parts[0] if len(parts) == 1 else torch.stack(parts).sum(0)
            sums[name].add_(part)
            square += dot({name: part}, {name: part})
    return math.sqrt(square)


def _taken(parameter: nn.Parameter) -> Tensor:
    """Take a parameter's gradient: dense, in float64, and real.

    That of a complex parameter is the derivative by its real part plus i times that by its
    imaginary part.
    """
    gradient, parameter.grad = parameter.grad, None
    assert gradient is not None
    return wide(as_real(gradient.to_dense() if gradient.is_sparse else gradient))


@contextmanager
def _leaves(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """Let parameters take gradients, and leave them as they were."""
    before = [(one, one.requires_grad, one.grad) for one in parameters]
    for one, _, _ in before:
        one.requires_grad_(True)
        one.grad = None
    try:
        yield
    finally:
        for one, required, gradient in before:
            one.grad = None
            one.requires_grad_(required)
            one.grad = gradient


def _chosen(values: Mapping[str, Values], quantity: str | None) -> tuple[Tensor, Tensor | None]:
    """Return the per-sample values to differentiate, and their weights if they have any.

    Raises:
        ProblemError: if there are none of this name, or they depend on no parameter.
    """
    found, weights = chosen(values, quantity)
    if not found.requires_grad:
        name = next(iter(values)) if quantity is None else quantity
        raise ProblemError(
            f"objective: its {name!r} can't be differentiated; does it detach tensors, or compute "
            "under torch.no_grad()?"
        )
    return found, weights


def _ratio(
    model: nn.Module, objective: Objective, batches: Iterable[Any], quantity: str | None
) -> float:
    """Return the weighted mean of a quantity over all batches."""
    sums = weights = 0.0
    for batch in batches:
        values = _chosen(objective(model, batch), quantity)
        sums, weights = (
            total + float(wide(part.detach()).sum())
            for total, part in zip((sums, weights), values, strict=True)
            if part is not None
        )
    return sums / weights if weights else math.nan
