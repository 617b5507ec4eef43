"""Scores of the network that the model is, over some of a split's batches, on one rank."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import LandscapeError, ProblemError, cause
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.ensembles.batch_predictions import (
    BatchPredictions,
    checked_predictions,
)
from landscape_cli.evaluation.ensembles.scores import BatchScores, scores_of
from landscape_cli.problems.predictions import Predict

Join = Callable[[int, BatchPredictions], "Tensor | None"]
"""Given a batch's number and the network's predictions for it, returns an average's logarithms to
score as well, or None. Numbers begin with 0 at the first of the rank's batches."""

Scored = tuple[list[BatchScores], list[BatchScores]]
"""Scores of batches by the network, and by the average, empty without one."""


def nothing() -> None:
    """Do nothing at a batch."""


@torch.no_grad()
def local_scores(
    model: nn.Module,
    predict: Predict,
    data: SplitData,
    span: range,
    join: Join,
    before: Callable[[], None] = nothing,
    after: Callable[[], None] = nothing,
) -> Scored:
    """Score the model's predictions for consecutive batches.

    Args:
        model: in eval mode, with its weights.
        predict: of the objective.
        data: the split, loaded.
        span: the numbers of the batches.
        join: adds predictions to an average.
        before: called before each batch, to restore what a forward pass has changed, so that it
            does not matter which batches a rank has.
        after: called after each batch.

    Raises:
        ProblemError: if the objective fails, or its predictions are invalid.
    """
    own: list[BatchScores] = []
    joint: list[BatchScores] = []
    batches = iter(data)
    try:
        for number, batch in enumerate(itertools.islice(batches, span.start, span.stop)):
            before()
            found = checked_predictions(
                data.name, _predicted(model, predict, data, span.start + number, batch), batch
            )
            own.append(scores_of(found.log_probabilities, found))
            average = join(number, found)
            if average is not None:
                joint.append(scores_of(average, found))
            after()
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
    return own, joint


def _predicted(model: nn.Module, predict: Predict, data: SplitData, number: int, batch: Any) -> Any:
    try:
        return predict(model, batch)
    except LandscapeError:
        raise
    except Exception as error:
        raise ProblemError(
            f"objective.predictions: it failed on batch {number} of split {data.name!r}: "
            f"{cause(error)}"
        ) from error
