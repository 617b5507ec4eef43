"""Minima that stand out from small ripples and from the noise of the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.presentation import is_wide
from landscape_cli.topology.merge_tree import MergeTree

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

PERSISTENCE = 0.01
"""Least persistence of a significant minimum, as a fraction of the range."""

ERRORS = 4.0
"""Least persistence in standard errors of the difference between saddle and minimum."""


@dataclass(frozen=True)
class Threshold:
    """The persistence from which a minimum counts.

    Args:
        fraction: of the range of the values, on their scale.
        log: whether values span more than three decades, so that the scale is that of ln L.
        height: that fraction of the range, a difference of L or of ln L.
    """

    fraction: float
    log: bool
    height: float

    @classmethod
    def of(cls, values: Values, fraction: float = PERSISTENCE) -> Threshold:
        """Return the threshold for values, of which those that are finite count."""
        known = values[np.isfinite(values)]
        if not known.size:
            return cls(fraction, False, 0.0)
        log = is_wide(known)
        low, high = float(known.min()), float(known.max())
        extent = np.log(high) - np.log(low) if log else high - low
        return cls(fraction, log, fraction * float(extent))

    def exceeded(self, low: Values, high: Values) -> Mask:
        """Return a mask of the pairs of values whose difference, on the scale, is at least it."""
        if self.log:
            low, high = np.log(low), np.log(high)
        with np.errstate(over="ignore"):
            return np.asarray(high - low >= self.height)


def significant(tree: MergeTree, threshold: Threshold, stderr: Values | None, sign: int) -> Mask:
    """Return a mask of the minima whose persistence is neither small nor noise.

    It must be at least the threshold, and at least ``ERRORS`` standard errors of the difference
    between saddle and minimum, as if their errors were independent. The same samples are behind
    both, so this is on the safe side. Minima that never end are measured against the largest value
    of their region; the lowest of all always counts, and so do those that others end at.

    Args:
        tree: the merge tree of ``sign`` times the values.
        threshold: for the values.
        stderr: standard errors, of the values' shape; NaN where unknown, None if all are.
        sign: 1 for the tree of minima, -1 for that of maxima.
    """
    if not len(tree.minima):
        return np.zeros(0, bool)
    ends = np.where(tree.endless, tree.highest, tree.deaths)
    low, high = (tree.births, ends) if sign > 0 else (-ends, -tree.births)
    chosen = threshold.exceeded(low, high) & (high > low)
    if stderr is not None:
        errors = np.nan_to_num(stderr.ravel())
        noise = np.hypot(errors[tree.minima], np.where(tree.endless, 0, errors[tree.saddles]))
        with np.errstate(over="ignore"):
            chosen &= high - low >= ERRORS * noise
    chosen[0] = True
    return tree.with_ancestors(chosen)
