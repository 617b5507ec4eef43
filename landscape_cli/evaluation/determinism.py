"""Objectives that give another value each time."""

from __future__ import annotations

import numpy as np

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.accumulator import Accumulator

RANDOM_TOLERANCE = 1e-5
"""Two evaluations of one point may differ by this part of the values' spread, as sums in another
order do; a random objective differs by much more."""


def refuse_random(first: Accumulator, again: Accumulator) -> None:
    """Refuse an objective whose two evaluations of one point differ by more than rounding."""
    remedy = (
        "is dropout on (a module that switches itself to training), does a sampler shuffle with "
        "drop_last, or does the data set augment at random? Switch that off, or pass "
        "--allow-random"
    )
    if first.samples != again.samples:
        raise ProblemError(
            f"split {first.split!r} is random: it gave {first.samples} samples, then "
            f"{again.samples}; {remedy}"
        )
    (means, errors), (means_again, _) = first.means(), again.means()
    with np.errstate(over="ignore"):
        spread = np.nan_to_num(errors) * np.sqrt(first.samples) + np.abs(np.nan_to_num(means))
        slack = RANDOM_TOLERANCE * spread
    same = np.isclose(means, means_again, rtol=0, atol=slack, equal_nan=True)
    for name, a, b, fine in zip(first.names, means[0], means_again[0], same[0], strict=True):
        if not fine:
            raise ProblemError(
                f"objective: {name!r} on split {first.split!r} is random: the centre gave {a:.9g}, "
                f"then {b:.9g}; {remedy}"
            )
