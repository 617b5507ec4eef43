"""Means and their standard errors, accumulated in float64 without synchronizing the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.batches import batch_length
from landscape_cli.util.accelerators import wide


class Accumulator:
    """Sums of named per-sample values over a split, for each of several points.

    The sum of squared deviations is updated batch by batch (Chan, Golub & LeVeque 1983), which
    avoids cancellation in the standard error.

    Args:
        split: the split's name, for messages.
        points: the number k of points.
    """

    def __init__(self, split: str, points: int) -> None:
        self.split = split
        self.names: tuple[str, ...] = ()
        self._counts = [0] * points
        self._sums: Tensor | None = None
        self._squares: Tensor | None = None

    def add(self, point: int, values: Mapping[str, Tensor], batch: Any) -> None:
        """Add a batch's values at one point.

        Args:
            point: the index of the point, below k.
            values: the objective's result for the batch.
            batch: the batch, whose length the values must have.

        Raises:
            ProblemError: if the objective did not return ``{name: Tensor[n]}``.
        """
        table = self._table(values, batch)
        length = table.shape[1]
        if self._sums is None or self._squares is None:
            shape = (len(self._counts), len(self.names))
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
        self._counts[point] = before + length

    @property
    def samples(self) -> int:
        """Number of samples added at the first point."""
        return self._counts[0]

    def means(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute the means and their standard errors, each of shape (k, names).

        The standard error of a single sample is NaN.
        """
        assert self._sums is not None
        assert self._squares is not None
        counts = np.array(self._counts, dtype=np.float64)[:, None]
        sums, squares = torch.stack([self._sums, self._squares]).cpu().numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            return sums / counts, np.sqrt(squares / (counts - 1) / counts)

    def _table(self, values: Any, batch: Any) -> Tensor:
        """Check the values and stack them in float64, shape (names, n)."""
        where = f"objective: on split {self.split!r} it returned"
        if not isinstance(values, Mapping) or not values:
            raise ProblemError(
                f"{where} a {type(values).__name__}, expected {{name: Tensor[n]}} with a value for "
                "each of the batch's n samples"
            )
        names = tuple(values)
        for name in names:
            if not isinstance(name, str) or not name or "/" in name:
                raise ProblemError(f"{where} the name {name!r}; use a word without '/'")
        if self.names and names != self.names:
            raise ProblemError(f"{where} {names} for one batch and {self.names} for another")
        expected = batch_length(batch)
        for name, value in values.items():
            _check(f"{where} {name!r} as", value, expected)
            expected = value.shape[0]
        self.names = names
        return torch.stack([wide(value.detach()) for value in values.values()])


def _check(where: str, value: Any, expected: int | None) -> None:
    if not isinstance(value, Tensor):
        raise ProblemError(f"{where} a {type(value).__name__}, expected a tensor of shape (n,)")
    if value.dim() == 0:
        raise ProblemError(
            f"{where} a scalar, expected one value for each of the batch's n samples: do not "
            "average, use reduction='none'"
        )
    if value.dim() != 1 or (expected is not None and value.shape[0] != expected):
        length = "n" if expected is None else expected
        raise ProblemError(
            f"{where} a tensor of shape {tuple(value.shape)}, expected ({length},): one value for "
            "each of the batch's samples"
        )
