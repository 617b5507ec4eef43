"""The value of an objective whose mean is differentiated, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.objective_values import checked_values, is_pair
from landscape_cli.problems.problem import Objective, Values


@dataclass(frozen=True)
class BatchLoss:
    """The values of a batch's n samples, with the graph that autograd has recorded.

    Args:
        values: what is summed over samples, shape (n,).
        weights: their weights, shape (n,); None if all are 1.
    """

    values: Tensor
    weights: Tensor | None

    def sums(self) -> Tensor:
        """Return the sums of values and of weights, float64, shape (2,), on the host."""
        total = self.values.detach().cpu().double().sum()
        weight = len(self.values) if self.weights is None else self.weights.cpu().double().sum()
        return torch.stack([total, torch.as_tensor(weight, dtype=torch.float64)])


@dataclass(frozen=True)
class MeanLoss:
    """A value of the objective whose mean is differentiated.

    The mean is the sum of values over the sum of weights, which are 1 for plain values.

    Args:
        model: the network.
        objective: ``(model, batch) -> {name: Tensor[n]}``, or pairs (sums, weights).
        quantity: the value's name; the first one if None.
        split: the split's name, for messages.
    """

    model: nn.Module
    objective: Objective
    quantity: str | None = None
    split: str = "train"

    def on(self, batch: Any, model: Any = None) -> BatchLoss:
        """Compute the values of a batch.

        Args:
            batch: the batch.
            model: what the objective gets in place of the model, if not None.

        Raises:
            ProblemError: if the value is missing, or its weights depend on the parameters.
        """
        found = self.objective(self.model if model is None else model, batch)
        checked_values(self.split, found, batch)
        values, weights = chosen(found, self.quantity)
        if weights is not None and weights.requires_grad:
            raise ProblemError(
                "objective: its weights depend on the parameters, so that the mean has further "
                "second derivatives, which are not computed; detach them, or return plain values"
            )
        return BatchLoss(values, weights)


def chosen(values: Mapping[str, Values], quantity: str | None) -> tuple[Tensor, Tensor | None]:
    """Return the per-sample values of a quantity, and their weights if they have any.

    Raises:
        ProblemError: if there are none of this name.
    """
    name = next(iter(values)) if quantity is None else quantity
    if name not in values:
        raise ProblemError(
            f"objective: it returns no {name!r} to differentiate, but {', '.join(values)}"
        )
    value = values[name]
    if is_pair(value):
        return value[0], value[1]
    assert isinstance(value, Tensor)
    return value, None
