"""The forward passes of a network over batches: one by one, unless a group of ranks shares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import nn

from landscape_cli.evaluation.gradient_mode import keeping_gradient_mode
from landscape_cli.problems.problem import Objective


class Passes:
    """Evaluates an objective, one batch after the other.

    Args:
        objective: ``(model, batch) -> {name: Tensor[n]}``.
    """

    alone = True
    """Whether this rank holds the whole network, and may move it between any two batches."""

    def __init__(self, objective: Objective) -> None:
        self.objective = keeping_gradient_mode(objective)

    def __call__(self, model: nn.Module, batch: Any) -> Any:
        """Return the objective's values for a batch."""
        return self.objective(model, batch)

    def each(self, model: nn.Module, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each batch with the objective's values for it."""
        for batch in batches:
            yield batch, self(model, batch)

    def moved(self, coordinates: Sequence[float]) -> None:
        """Learn that the network's parameters are now those at a point."""
