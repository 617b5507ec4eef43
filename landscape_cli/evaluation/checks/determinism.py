"""Refusal of objectives and data that are random."""

from __future__ import annotations

import numpy as np

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.accumulator import Accumulator
from landscape_cli.evaluation.data.split import SplitData

RANDOM_TOLERANCE = 1e-5
"""Largest difference between two evaluations of one point, as a fraction of the values' spread.
Summing in another order changes values by less, a random objective by much more."""


def refuse_other_order(split: SplitData) -> None:
    """Refuse a split whose samples come in another order each time.

    Its mean would differ by rounding between points and ranks, and a run could not be continued.

    Raises:
        ProblemError: if the samples were others, or in another order, when read again.
    """
    if not split.repeats:
        raise ProblemError(
            f"split {split.name!r} yields its samples in another order, or other samples, each "
            "time it is read; does its loader shuffle in its own way? Give one that repeats, or "
            "pass --allow-random"
        )


def refuse_random(first: Accumulator, again: Accumulator) -> None:
    """Refuse an objective if two evaluations of one point differ by more than rounding.

    Args:
        first: the sums of the first evaluation.
        again: the sums of the second evaluation.

    Raises:
        ProblemError: if they differ.
    """
    remedy = (
        "is dropout on (a module that switches itself to training mode), does a sampler shuffle "
        "with drop_last, or does the dataset augment at random? Switch that off, or pass "
        "--allow-random"
    )
    if first.samples != again.samples:
        raise ProblemError(
            f"split {first.split!r} is random, or a stream that goes on where it ended: it yielded "
            f"{first.samples} samples, then {again.samples}; {remedy}"
        )
    for name, a, b in differences(first, again):
        raise ProblemError(
            f"objective: {name!r} on split {first.split!r} is random: at the centre it was "
            f"{a:.9g}, then {b:.9g}; {remedy}"
        )


def differences(first: Accumulator, again: Accumulator) -> list[tuple[str, float, float]]:
    """List the means of one point that differ between two evaluations by more than rounding.

    Returns:
        Name, first and second mean of each.
    """
    (means, errors), (means_again, _) = first.means(), again.means()
    with np.errstate(over="ignore"):
        spread = np.nan_to_num(errors) * np.sqrt(first.samples) + np.abs(np.nan_to_num(means))
        slack = RANDOM_TOLERANCE * spread
    same = np.isclose(means, means_again, rtol=0, atol=slack, equal_nan=True)
    rows = zip(first.names, means[0].tolist(), means_again[0].tolist(), same[0], strict=True)
    return [(name, a, b) for name, a, b, equal in rows if not equal]
