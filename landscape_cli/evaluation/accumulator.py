"""Means and their standard errors, accumulated in float64 without synchronizing the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.objective_values import BatchValues, checked_values
from landscape_cli.evaluation.plain_sums import PlainSums
from landscape_cli.evaluation.weighted_sums import WeightedSums

Columns = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Means and standard errors, each of shape (points, names)."""


class Accumulator:
    """Sums of named per-sample values over a split, for each of several points.

    Values with weights (``WeightedSums``) and without (``PlainSums``) are summed apart.

    Args:
        split: the split's name, for messages.
        points: the number k of points.
    """

    def __init__(self, split: str, points: int) -> None:
        self.split = split
        self.names: tuple[str, ...] = ()
        self.weighted: tuple[str, ...] = ()
        self._counts = [0] * points
        self._plain: PlainSums | None = None
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
        pairs, plain = found.pairs, found.plain
        if pairs is not None:
            if self._pairs is None:
                self._pairs = WeightedSums(len(self._counts), len(self.weighted), pairs.device)
            self._pairs.add(point, *pairs)
        if plain:
            if self._plain is None:
                self._plain = PlainSums(len(self._counts), len(plain))
            self._plain.add(point, plain)
        self._counts[point] += found.samples

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
        parts = [self._plain.means()] if self._plain is not None else []
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
