"""Averages of the predicted probabilities of several networks, summed one after the other."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.ensembles.batch_predictions import BatchPredictions


class AveragedPredictions:
    """The probabilities of some batches, averaged over networks.

    Sums are kept as logarithms, in float64, so that probabilities below its range count too.

    Args:
        split: the split's name, for messages.
        batches: number of batches, of about equal size.
        room: bytes that they may take; 0 if unknown.
    """

    def __init__(self, split: str, batches: int, room: int = 0) -> None:
        self._split, self._batches, self._room = split, batches, room
        self._sums: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._networks: list[int] = []

    def add(self, number: int, found: BatchPredictions) -> None:
        """Add a network's predictions for a batch.

        Args:
            number: of the batch, from 0 and in order for the first network.
            found: its predictions.

        Raises:
            UsageError: if there is not enough memory for all batches.
            ProblemError: if the targets are not those of the first network.
        """
        if number == len(self._sums):
            self._keep(found)
            return
        self._compare(number, found)
        sums = self._sums[number]
        torch.logaddexp(sums, found.log_probabilities, out=sums)
        self._networks[number] += 1

    def mean(self, number: int) -> Tensor:
        """Return the logarithm of a batch's mean probabilities, shape (n, classes, m)."""
        return self._sums[number] - math.log(self._networks[number])

    def mean_with(self, number: int, found: BatchPredictions) -> Tensor:
        """Return what ``mean`` would be with one more network, which is not added."""
        self._compare(number, found)
        joint = torch.logaddexp(self._sums[number], found.log_probabilities)
        return joint - math.log(self._networks[number] + 1)

    def _keep(self, found: BatchPredictions) -> None:
        size = found.log_probabilities.nbytes * self._batches
        if self._room and not self._sums and size > self._room:
            raise UsageError(
                f"--samples: the predictions for split {self._split!r} would take {size / 1e9:.3g} "
                f"GB, more than half of the free memory ({2 * self._room / 1e9:.3g} GB); take "
                "fewer samples, or ranks on more nodes"
            )
        self._sums.append(found.log_probabilities.clone())
        self._targets.append(_marked(found))
        self._networks.append(1)

    def _compare(self, number: int, found: BatchPredictions) -> None:
        same = found.log_probabilities.shape == self._sums[number].shape
        if not same or not torch.equal(self._targets[number], _marked(found)):
            raise ProblemError(
                f"objective.predictions: on split {self._split!r} its classes or targets differ "
                "from network to network; it must return the same for the same batch"
            )


def _marked(found: BatchPredictions) -> Tensor:
    """Return the targets, with -1 where a prediction does not count."""
    return torch.where(found.counts, found.targets, -1)
