"""Objectives of pairs (inputs, targets) with one prediction, or equally many, for each sample."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from landscape_cli.errors import ProblemError
from landscape_cli.problems.objectives.short_rows import sample_losses
from landscape_cli.problems.predictions import Predictions, with_predictions
from landscape_cli.util.accelerators import wide

REMEDY = "write your own objective (model, batch) -> {name: Tensor[n]}"


def class_predictions(model: nn.Module, batch: Any) -> Predictions:
    """Return the log-probabilities of classes by softmax, for ``cross_entropy``.

    Args:
        model: maps the inputs to logits (n, classes, ...).
        batch: a pair (inputs, targets), as for ``cross_entropy``.

    Raises:
        ProblemError: if the batch is not such a pair, or logits and targets do not fit together.
    """
    scores, targets = _class_scores(model, batch)
    return Predictions(wide(scores).log_softmax(dim=1), targets)


@with_predictions(class_predictions)
def cross_entropy(model: nn.Module, batch: Any) -> dict[str, Tensor]:
    """Cross entropy in nats, and accuracy as a fraction (0 or 1 for a single prediction).

    Dimensions after the classes, such as the pixels of an image, are averaged with equal weights.
    For tokens, which may be padded, there are ``causal_lm``, ``masked_lm`` and ``seq2seq``.

    Args:
        model: maps the inputs to logits (n, classes, ...).
        batch: a pair (inputs, targets); targets are class indices (n, ...) of an integer type.

    Returns:
        ``loss`` and ``accuracy``, each of shape (n,), in the logits' dtype but at least float32.

    Raises:
        ProblemError: if the batch is not such a pair, or logits and targets do not fit together.
    """
    scores, targets = _class_scores(model, batch)
    losses = sample_losses(scores, targets.long())
    correct = (scores.argmax(dim=1) == targets).to(losses.dtype)
    return {"loss": _per_sample(losses), "accuracy": _per_sample(correct)}


def mean_squared_error(model: nn.Module, batch: Any) -> dict[str, Tensor]:
    """Squared error, averaged over all dimensions but the first, in the targets' unit squared.

    Args:
        model: maps the inputs to predictions (n, ...).
        batch: a pair (inputs, targets); the targets have n samples with as many elements as the
            predictions, so (n,) fits predictions (n, 1).

    Returns:
        ``loss`` of shape (n,), in the predictions' dtype but at least float32.

    Raises:
        ProblemError: if the batch is not such a pair, or the shapes do not fit together.
    """
    predictions, targets = _forward("mean_squared_error", model, batch)
    targets = _like(predictions, targets, "mean_squared_error")
    return {"loss": _per_sample((predictions - targets).square())}


def binary_predictions(model: nn.Module, batch: Any) -> Predictions:
    """Return the log-probabilities of classes 0 and 1, for ``binary_cross_entropy``.

    Args:
        model: maps the inputs to logits (n, ...), before any sigmoid.
        batch: a pair (inputs, targets), as for ``binary_cross_entropy``; the targets are 0 or 1.

    Raises:
        ProblemError: if the batch is not such a pair, the shapes do not fit together, or a target
            is neither 0 nor 1.
    """
    logits, targets = _forward("binary_cross_entropy", model, batch)
    targets = _like(logits, targets, "binary_cross_entropy")
    if not bool(((targets == 0) | (targets == 1)).all()):
        raise ProblemError(
            "binary_cross_entropy: it has predictions of classes only for targets that are 0 or 1, "
            "not for probabilities; set objective.predictions to your own function"
        )
    logits = wide(logits)
    both = torch.stack([functional.logsigmoid(-logits), functional.logsigmoid(logits)], dim=1)
    return Predictions(both, targets.long())


@with_predictions(binary_predictions)
def binary_cross_entropy(model: nn.Module, batch: Any) -> dict[str, Tensor]:
    """Binary cross entropy of logits in nats, and accuracy as a fraction.

    Both are averaged over all dimensions but the first. A logit above 0 predicts class 1.

    Args:
        model: maps the inputs to logits (n, ...), before any sigmoid.
        batch: a pair (inputs, targets); the targets lie in [0, 1] and have n samples with as many
            elements as the logits, so (n,) fits logits (n, 1).

    Returns:
        ``loss`` and ``accuracy``, each of shape (n,), in the logits' dtype but at least float32.

    Raises:
        ProblemError: if the batch is not such a pair, or the shapes do not fit together.
    """
    logits, targets = _forward("binary_cross_entropy", model, batch)
    targets = _like(logits, targets, "binary_cross_entropy")
    losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    correct = ((logits > 0) == (targets > 0.5)).to(losses.dtype)
    return {"loss": _per_sample(losses), "accuracy": _per_sample(correct)}


def _class_scores(model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
    """Return the logits of a batch, and its targets, which fit them."""
    scores, targets = _forward("cross_entropy", model, batch)
    if scores.dim() < 2 or scores.shape[:1] + scores.shape[2:] != targets.shape:
        raise ProblemError(
            f"cross_entropy: scores {_shape(scores)} do not fit targets {_shape(targets)}; "
            f"expected (n, classes, ...) and (n, ...); or {REMEDY}"
        )
    if targets.is_floating_point() or targets.is_complex():
        raise ProblemError(
            f"cross_entropy: targets are {targets.dtype}, expected class indices of an integer "
            f"type; convert them with .long(), or {REMEDY}"
        )
    return scores, targets


def _forward(name: str, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
    """Return the model's output for a batch, in at least float32, and the batch's targets."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        size = f" of {len(batch)}" if isinstance(batch, tuple | list | dict) else ""
        raise ProblemError(
            f"{name}: expected a batch (inputs, targets), got a {type(batch).__name__}{size}; "
            f"{REMEDY}"
        )
    inputs, targets = batch
    if not isinstance(targets, Tensor):
        raise ProblemError(
            f"{name}: expected targets in a tensor, got a {type(targets).__name__}; {REMEDY}"
        )
    outputs = model(inputs)
    if not isinstance(outputs, Tensor):
        raise ProblemError(
            f"{name}: expected the model to return a tensor, got a {type(outputs).__name__}; "
            f"{REMEDY}"
        )
    if outputs.dtype in (torch.float16, torch.bfloat16):
        outputs = outputs.float()
    return outputs, targets.to(outputs.device)  # a spread model may end on another device


def _like(outputs: Tensor, targets: Tensor, name: str) -> Tensor:
    """Return the targets in the outputs' shape and dtype; nothing is broadcast."""
    same_samples = outputs.dim() > 0 and outputs.shape[:1] == targets.shape[:1]
    if not same_samples or outputs.numel() != targets.numel():
        raise ProblemError(
            f"{name}: outputs {_shape(outputs)} do not fit targets {_shape(targets)}; "
            f"expected n samples with equally many elements; or {REMEDY}"
        )
    return targets.reshape(outputs.shape).to(outputs.dtype)


def _per_sample(values: Tensor) -> Tensor:
    """Mean over all dimensions but the first."""
    return values.flatten(1).mean(dim=1) if values.dim() > 1 else values


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
