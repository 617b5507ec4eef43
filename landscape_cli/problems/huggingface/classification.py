"""Cross-entropy of classifiers of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landscape_cli.errors import ProblemError
from landscape_cli.problems.objectives import class_predictions, cross_entropy
from landscape_cli.problems.predictions import Predictions, with_predictions


def _arguments(model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Any, Any]:
    """Return what ``cross_entropy`` takes: a function of inputs, and (inputs, labels)."""
    inputs = {name: part for name, part in batch.items() if name != "labels"}
    return (lambda named: model(**named).logits), (inputs, batch["labels"])


def predictions(model: nn.Module, batch: Mapping[str, Tensor]) -> Predictions:
    """Return the log-probabilities of classes, for ``text_cross_entropy``."""
    return class_predictions(*_arguments(model, batch))


@with_predictions(predictions)
def text_cross_entropy(model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Cross-entropy in nats and accuracy of each text.

    Args:
        model: returns logits (n, classes) as ``logits``.
        batch: ``labels`` (n,) and the model's named arguments.
    """
    return cross_entropy(*_arguments(model, batch))


def class_numbers(labels: list[str], config: Any, source: str) -> list[int]:
    """Return the classes of labels, which are names in the model's configuration, or numbers.

    Raises:
        ProblemError: if the model has no such class.
    """
    names = dict(getattr(config, "label2id", None) or {})
    known = {str(number): number for number in range(config.num_labels)} | names
    for label in labels:
        if label not in known:
            raise ProblemError(
                f"data: {source!r} has the label {label!r}; the model's classes are "
                f"{', '.join(map(str, names)) or f'0 to {config.num_labels - 1}'}"
            )
    return [known[label] for label in labels]
