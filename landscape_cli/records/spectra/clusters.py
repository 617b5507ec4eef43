"""Eigenvalues that can't be told apart within their errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def clusters(values: Numbers, residuals: Numbers, rounding: float = 0.0) -> list[tuple[int, int]]:
    """Return the groups of eigenvalues that can't be told apart: of these, only the span is known.

    Two neighbours belong together if their distance is at most the sum of their residuals.

    Args:
        values: largest first.
        residuals: of each.
        rounding: what else they may be off.

    Returns:
        (first, last) of each group of at least two, as places from 0.

    Example:
        >>> clusters(np.array([3.0, 2.0, 1.99, 1.0]), np.full(4, 0.02))
        [(1, 2)]
    """
    groups: list[tuple[int, int]] = []
    first = 0
    for place in range(1, len(values) + 1):
        if place < len(values) and touch(values, residuals, place - 1, place, rounding):
            continue
        if place - first > 1:
            groups.append((first, place - 1))
        first = place
    return groups


def touch(values: Numbers, errors: Numbers, one: int, other: int, rounding: float) -> bool:
    """Tell whether two eigenvalues, if there are both, are the same within their residuals."""
    if not 0 <= one < other < len(values):
        return False
    return bool(abs(values[one] - values[other]) <= errors[one] + errors[other] + rounding)
