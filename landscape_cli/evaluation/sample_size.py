"""Sample size for a target standard error, estimated from the variance of a pilot sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.records.tiles import Tile

PILOT = 1024
"""Size of the pilot sample; the variances' relative error is then about 5 to 10 %."""

FEWEST = 64
"""Smallest sample size."""


@dataclass(frozen=True)
class Target:
    """Sample size of a split for a target standard error.

    Args:
        quantity: the objective's first value, whose mean has the standard error.
        samples: the number of samples to evaluate.
        total: the number of samples in the split.
        pilot: the number of samples in the pilot.
        variances: the per-sample variance at each point, None where it is not finite.
        stderr: the largest standard error expected at these points; None without any variance.
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
        """Choose the smallest n with variance / n <= wish^2 at every point with a known variance.

        There is no finite-population correction, as for standard errors in the file. If no variance
        is known, all samples are taken.

        Args:
            quantity: the quantity with these variances.
            wish: the target standard error of the mean, above 0.
            total: the number of samples in the split.
            pilot: the number of samples in the pilot.
            variances: the per-sample variance at each point, None where it is not known.
        """
        known = [variance for variance in variances if variance is not None]
        if not known:
            return cls(quantity, total, total, pilot, list(variances), None)
        largest = max(known)
        needed = largest / wish / wish
        samples = total if needed >= total else max(math.ceil(needed), min(FEWEST, total))
        stderr = math.sqrt(largest / samples)
        return cls(quantity, samples, total, pilot, list(variances), stderr)


def find_targets(
    pilot: Evaluator,
    points: Sequence[tuple[float, ...]],
    wish: float,
    totals: Mapping[str, int],
) -> dict[str, Target]:
    """Find the sample size of each split at which its first quantity has a target standard error.

    Args:
        pilot: an evaluator on the pilot sample of each split.
        points: the coordinates at which to measure variances: the centre and the corners.
        wish: the target standard error of the mean, above 0.
        totals: the number of samples in each split.
    """
    result = pilot.evaluate(Tile(tuple(range(len(points))), tuple(points)))
    first: dict[str, str] = {}
    for split, quantity in result.values:
        first.setdefault(split, quantity)
    targets = {}
    for split, quantity in first.items():
        count = pilot.splits[split].samples
        with np.errstate(over="ignore", invalid="ignore"):
            variances = result.stderr[split, quantity] ** 2 * count
        finite = np.isfinite(variances) & np.isfinite(result.values[split, quantity])
        known = [float(v) if valid else None for v, valid in zip(variances, finite, strict=True)]
        targets[split] = Target.of(quantity, wish, totals[split], count, known)
    return targets
