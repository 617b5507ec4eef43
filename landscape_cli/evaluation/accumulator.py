"""Means and their standard errors, accumulated in float64 without synchronizing the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.objective_values import BatchValues, checked_values
from landscape_cli.evaluation.weighted_sums import WeightedSums

Columns = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Means and standard errors, each of shape (points, names)."""


class Accumulator:
    """Sums of named per-sample values over a split, for each of several points.

    The sum of squared deviations is updated batch by batch (Chan, Golub & LeVeque 1983), which
    avoids cancellation in the standard error. Values with weights are summed apart
    (``WeightedSums``).

    Args:
        split: the split's name, for messages.
        points: the number k of points.
    """

    def __init__(self, split: str, points: int) -> None:
        self.split = split
        self.names: tuple[str, ...] = ()
        self.weighted: tuple[str, ...] = ()
        self._counts = [0] * points
        self._sums: Tensor | None = None
        self._squares: Tensor | None = None
        self._pairs: WeightedSums | None = None

    def add(self, point: int, values: Mapping[str, Any], batch: Any) -> None:
        """Add a batch's values at one point.

        Args:
            point: the index of the point, below k.
            values: the objective's result for the batch.
            batch: the batch, whose length the values must have.

        Raises:
            ProblemError: if the objective did not return ``{name: Tensor[n]}``.
        """
        found = checked_values(self.split, values, batch)
        self._check_names(found)
        if found.pairs is not None:
            if self._pairs is None:
                self._pairs = WeightedSums(
                    len(self._counts), len(self.weighted), found.pairs.device
                )
            self._pairs.add(point, *found.pairs)
        if found.plain is not None:
            self._add(point, found.plain)
        first = found.pairs[0] if found.plain is None and found.pairs is not None else found.plain
        assert first is not None
        self._counts[point] += first.shape[1]

    def _add(self, point: int, table: Tensor) -> None:
        """Add values without weights, shape (names, n)."""
        length = table.shape[1]
        if self._sums is None or self._squares is None:
            shape = (len(self._counts), len(table))
            self._sums = torch.zeros(shape, dtype=torch.float64, device=table.device)
            self._squares = torch.zeros_like(self._sums)
        total = table.sum(dim=1)
        deviations = table - (total / length)[:, None]
        squares = (deviations * deviations).sum(dim=1)
        before = self._counts[point]
        if before:
            shift = total / length - self._sums[point] / before
            squares += shift * shift * (before * length / (before + length))
        self._sums[point] += total
        self._squares[point] += squares

    @property
    def samples(self) -> int:
        """Number of samples added at the first point."""
        return self._counts[0]

    def means(self) -> Columns:
        """Compute the means and their standard errors, each of shape (k, names).

        The standard error of a single sample is NaN, and so is a mean without any weight.

        Raises:
            ProblemError: if a weight is negative.
        """
        plain = [name for name in self.names if name not in self.weighted]
        columns = [[*plain, *self.weighted].index(name) for name in self.names]
        parts = [self._plain_means()] if plain else []
        parts += [self._weighted_means()] if self._pairs is not None else []
        means, errors = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        return means[:, columns], errors[:, columns]

    def refuse_no_weight(self) -> None:
        """Refuse values whose weights are all 0.

        Raises:
            ProblemError: naming the first such value.
        """
        weights = [] if self._pairs is None else self._pairs.weights()[0]
        for name, weight in zip(self.weighted, weights, strict=True):
            if weight == 0:
                raise ProblemError(
                    f"objective: the weights of {name!r} on split {self.split!r} sum to 0, so it "
                    "has no mean; leave it out, or give some sample a weight"
                )

    def _plain_means(self) -> Columns:
        assert self._sums is not None
        assert self._squares is not None
        counts = np.array(self._counts, dtype=np.float64)[:, None]
        sums, squares = torch.stack([self._sums, self._squares]).cpu().numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            return sums / counts, np.sqrt(squares / (counts - 1) / counts)

    def _weighted_means(self) -> Columns:
        assert self._pairs is not None
        if self._pairs.negative:
            raise ProblemError(
                f"objective: on split {self.split!r} it returned a negative weight for one of "
                f"{', '.join(self.weighted)}; weights are 0 or more"
            )
        return self._pairs.means()

    def _check_names(self, found: BatchValues) -> None:
        """Refuse a batch with other names than the ones before it."""
        for what, before, now in (
            ("", self.names, found.names),
            ("weights with ", self.weighted, found.weighted),
        ):
            if self.names and before != now:
                raise ProblemError(
                    f"objective: on split {self.split!r} it returned {what}{now} for one batch "
                    f"and {what}{before} for another"
                )
        self.names, self.weighted = found.names, found.weighted
