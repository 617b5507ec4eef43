"""Predictions that an objective can expose besides its values, for averages over networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor, nn

from landscape_cli.errors import ProblemError
from landscape_cli.problems.problem import Objective


@dataclass(frozen=True)
class Predictions:
    """Predicted probabilities of classes for a batch's n samples, and the true classes.

    Further dimensions, such as the positions of a sequence or the pixels of an image, are several
    predictions of one sample.

    Args:
        log_probabilities: natural logarithms of probabilities, of shape (n, classes, ...).
        targets: class indices of an integer type, of shape (n, ...).
        ignore_index: predictions with this target do not count; None if all do.
    """

    log_probabilities: Tensor
    targets: Tensor
    ignore_index: int | None = None


Predict = Callable[[nn.Module, Any], Predictions]
"""``(model, batch) -> Predictions``, from one forward pass."""

AnyObjective = TypeVar("AnyObjective", bound=Objective)

ATTRIBUTE = "predictions"
"""The attribute of an objective that holds its ``Predict``."""


def with_predictions(predict: Predict) -> Callable[[AnyObjective], AnyObjective]:
    """Let an objective expose predictions; for use as a decorator.

    Example:
        >>> import torch
        >>> def predict(model, batch):
        ...     inputs, labels = batch
        ...     return Predictions(model(inputs).log_softmax(dim=1), labels)
        >>> @with_predictions(predict)
        ... def objective(model, batch):
        ...     found = predict(model, batch)
        ...     rows = torch.arange(len(found.targets))
        ...     return {"loss": -found.log_probabilities[rows, found.targets]}
    """

    def attach(objective: AnyObjective) -> AnyObjective:
        setattr(objective, ATTRIBUTE, predict)
        return objective

    return attach


def predictions_of(objective: Objective) -> Predict:
    """Return the function with which an objective exposes predictions.

    Raises:
        ProblemError: if it exposes none.
    """
    predict: Predict | None = getattr(objective, ATTRIBUTE, None)
    if not callable(predict):
        name = getattr(objective, "__name__", type(objective).__name__)
        raise ProblemError(
            f"objective: {name} exposes no predictions to average; set objective.predictions to a "
            "function (model, batch) -> Predictions (landscape_cli.problems), or to "
            "cross_entropy.predictions if the outputs are logits"
        )
    return predict
