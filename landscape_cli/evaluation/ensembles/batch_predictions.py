"""The predictions that an objective returned for a batch, checked, in float64 on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.batches import batch_length
from landscape_cli.problems.predictions import Predictions
from landscape_cli.util.accelerators import wide

TOLERANCE = 1e-3
"""Largest difference from 1 of a sum of probabilities, whose rounding depends on the precision."""


@dataclass(frozen=True)
class BatchPredictions:
    """The predictions for a batch's n samples, m for each.

    Args:
        log_probabilities: float64 on the host, shape (n, classes, m).
        targets: int64 on the host, shape (n, m); 0 where a prediction does not count.
        counts: a mask of those that count, shape (n, m).
    """

    log_probabilities: Tensor
    targets: Tensor
    counts: Tensor


def checked_predictions(split: str, found: Any, batch: Any) -> BatchPredictions:
    """Check what an objective's ``predictions`` returned for a batch.

    Args:
        split: the split's name, for messages.
        found: the result.
        batch: the batch, whose length the predictions must have.

    Raises:
        ProblemError: if it is no ``Predictions``, shapes do not fit together, a target is no class,
            or the probabilities of some prediction do not sum to 1.
    """
    where = f"objective.predictions: on split {split!r}"
    if not isinstance(found, Predictions):
        raise ProblemError(
            f"{where} it returned a {type(found).__name__}, expected landscape_cli.problems."
            "Predictions(log_probabilities, targets)"
        )
    scores, targets = found.log_probabilities, found.targets
    _check_tensors(where, scores, targets, batch_length(batch))
    table = wide(scores.detach()).cpu().reshape(len(scores), scores.shape[1], -1)
    classes = targets.detach().cpu().long().reshape(len(table), -1)
    counts = torch.ones_like(classes, dtype=torch.bool)
    if found.ignore_index is not None:
        counts = classes != found.ignore_index
    _check_targets(where, classes[counts], table.shape[1])
    _check_sums(where, table, counts)
    return BatchPredictions(table, torch.where(counts, classes, 0), counts)


def _check_tensors(where: str, scores: Any, targets: Any, length: int | None) -> None:
    if not isinstance(scores, Tensor) or not isinstance(targets, Tensor):
        raise ProblemError(f"{where} it returned Predictions without tensors; give it two tensors")
    if targets.is_floating_point() or targets.is_complex():
        raise ProblemError(
            f"{where} targets are {targets.dtype}; class indices are of an integer type, convert "
            "them with .long()"
        )
    if scores.dim() < 2 or scores.shape[:1] + scores.shape[2:] != targets.shape:
        raise ProblemError(
            f"{where} log-probabilities {tuple(scores.shape)} do not fit targets "
            f"{tuple(targets.shape)}; expected (n, classes, ...) and (n, ...)"
        )
    if length is not None and len(scores) != length:
        raise ProblemError(
            f"{where} it returned predictions for {len(scores)} of the batch's {length} samples; "
            "expected one for each"
        )


def _check_targets(where: str, targets: Tensor, classes: int) -> None:
    wrong = targets[(targets < 0) | (targets >= classes)]
    if len(wrong):
        raise ProblemError(
            f"{where} a target is {int(wrong[0])}, expected 0 to {classes - 1}; predictions that "
            "do not count are left out with Predictions(..., ignore_index=...)"
        )


def _check_sums(where: str, table: Tensor, counts: Tensor) -> None:
    """Refuse probabilities that do not sum to 1; those that are not numbers are results."""
    off = (table.logsumexp(dim=1).exp() - 1).abs()[counts]
    wrong = off[off > TOLERANCE]
    if len(wrong):
        raise ProblemError(
            f"{where} the probabilities of a prediction sum to 1 ± {float(wrong.max()):.3g}; "
            "return log-probabilities, such as logits.log_softmax(dim=1)"
        )
