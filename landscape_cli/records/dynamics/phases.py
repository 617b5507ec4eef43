"""Phases of a training between drops of its learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

DROP_RATIO = 2 / 3
"""A step of the learning rate is a drop if the new rate is at most this fraction of the old."""

MAX_DROPS = 6
"""With more drops than this the schedule is taken to be smooth, and there is one phase."""


@dataclass(frozen=True)
class Phase:
    """Successive steps of a path between two drops of the learning rate.

    Args:
        steps: numbers of the steps; step i leads from checkpoint i to checkpoint i + 1.
        rates: the lowest and highest learning rate of these steps; None if unknown.
    """

    steps: range
    rates: tuple[float, float] | None

    def words(self) -> str:
        """Name the phase by its learning rate."""
        if self.rates is None:
            return "all steps"
        low, high = self.rates
        return f"lr {low:g}" if low == high else f"lr {low:g} to {high:g}"


def drops(rates: Sequence[float] | None) -> list[int]:
    """Return the indices of the last checkpoints before the learning rate dropped.

    There are none if the schedule is not a step schedule.

    Args:
        rates: the rate that led to each checkpoint, NaN where unknown.
    """
    found = [
        number
        for number, (rate, following) in enumerate(pairwise(rates or ()))
        if following <= DROP_RATIO * rate
    ]
    return found if len(found) <= MAX_DROPS else []


def phases(count: int, rates: Sequence[float] | None) -> list[Phase]:
    """Divide the steps of a path at the drops of its learning rate.

    Args:
        count: number of checkpoints.
        rates: the learning rate that led to each, NaN where unknown; None if all are.

    Example:
        >>> [(p.words(), list(p.steps)) for p in phases(5, [0.1, 0.1, 0.1, 0.01, 0.01])]
        [('lr 0.1', [0, 1]), ('lr 0.01', [2, 3])]
    """
    edges = [0, *drops(rates), max(0, count - 1)]
    spans = [range(first, last) for first, last in pairwise(edges) if last > first]
    return [Phase(span, _extremes(span, rates or ())) for span in spans]


def _extremes(span: range, rates: Sequence[float]) -> tuple[float, float] | None:
    """Return the extremes of the rates of steps, as far as they are known."""
    known = [rate for rate in rates[span.start + 1 : span.stop + 1] if not math.isnan(rate)]
    return (min(known), max(known)) if known else None
