"""How many samples a standard error takes, from what a pilot of them varies by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.records.tiles import Tile

PILOT = 1024
"""Samples from which variances are estimated; their relative error is then about 5 to 10 %."""

FEWEST = 64
"""At least so many samples are evaluated, whatever the variance."""


@dataclass(frozen=True)
class Target:
    """The samples of a split that a standard error takes.

    Args:
        quantity: the first value that the objective gives, whose mean is meant.
        samples: how many are evaluated.
        total: how many the split has.
        pilot: how many the variances were measured on.
        variances: of a sample's value at each point, None where that is not finite.
        stderr: the largest standard error to be expected at these points; None without any.
    """

    quantity: str
    samples: int
    total: int
    pilot: int
    variances: list[float | None]
    stderr: float | None

    @classmethod
    def of(
        cls, quantity: str, wish: float, total: int, pilot: int, variances: Sequence[float | None]
    ) -> Target:
        """The fewest samples n with variance / n <= wish^2 at all points with a variance.

        The finite population is not corrected for, as standard errors in the file are not. Without
        any variance all samples are taken.

        Args:
            quantity: what varies.
            wish: the standard error of the mean that is wished for, above 0.
            total: the samples of the split.
            pilot: those that were measured.
            variances: of a sample's value at each point, None where it is not known.
        """
        known = [variance for variance in variances if variance is not None]
        if not known:
            return cls(quantity, total, total, pilot, list(variances), None)
        largest = max(known)
        wanted = largest / wish / wish
        samples = total if wanted >= total else max(math.ceil(wanted), min(FEWEST, total))
        stderr = math.sqrt(largest / samples)
        return cls(quantity, samples, total, pilot, list(variances), stderr)


def find_targets(
    pilot: Evaluator,
    points: Sequence[tuple[float, ...]],
    wish: float,
    totals: Mapping[str, int],
) -> dict[str, Target]:
    """The samples of each split with which the first quantity has a standard error of ``wish``.

    Args:
        pilot: an evaluator on some samples of each split.
        points: where to look: the centre and the corners.
        wish: the standard error of the mean that is wished for, above 0.
        totals: how many samples each split has.
    """
    result = pilot.evaluate(Tile(tuple(range(len(points))), tuple(points)))
    first: dict[str, str] = {}
    for split, quantity in result.values:
        first.setdefault(split, quantity)
    found = {}
    for split, quantity in first.items():
        count = pilot.splits[split].samples
        with np.errstate(over="ignore", invalid="ignore"):
            variances = result.stderr[split, quantity] ** 2 * count
        finite = np.isfinite(variances) & np.isfinite(result.values[split, quantity])
        known = [float(v) if fine else None for v, fine in zip(variances, finite, strict=True)]
        found[split] = Target.of(quantity, wish, totals[split], count, known)
    return found
