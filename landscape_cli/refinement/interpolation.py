"""Interpolation of a finer level of a grid from the coarser one.

Shape-preserving piecewise cubic Hermite polynomials (PCHIP; Fritsch & Butland 1984, from SciPy) are
applied along one axis after the other. They are local and never leave the range of their
neighbours, so there is no ringing next to a rough region, and no minimum is invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices

Values = NDArray[np.float64]


def interpolate(values: Values, old: Sequence[Indices], new: Sequence[Indices]) -> Values:
    """Interpolate values at the points of a finer level.

    Args:
        values: at the coarser level's points, of shape (len(old[0]), len(old[1]), ...). Minus
            infinity counts as the smallest finite value, plus infinity and NaN as the largest.
        old: the coarser level's indices along each dimension.
        new: the finer level's indices along each dimension, which include the old ones.

    Returns:
        An array of shape (len(new[0]), len(new[1]), ...); NaN if no value is finite.
    """
    from scipy.interpolate import PchipInterpolator

    values = _finite(values)
    if np.isfinite(values).all():
        for dimension, (before, after) in enumerate(zip(old, new, strict=True)):
            if len(before) < len(after):
                values = PchipInterpolator(before, values, axis=dimension)(after)
        return values
    return np.full([len(indices) for indices in new], np.nan)


def fill(array: Values, used: NDArray[np.bool_], levels: Sequence[Sequence[Indices]]) -> Values:
    """Interpolate the values that are not used, level by level.

    Args:
        array: values over the whole grid.
        used: mask of the values to use, of the same shape; includes the whole coarsest level.
        levels: the indices of each level along each dimension, coarsest level first.

    Returns:
        The values at the points of the last level.
    """
    values = array[np.ix_(*levels[0])]
    for old, new in pairwise(levels):
        points = np.ix_(*new)
        finer = keep(interpolate(values, old, new), values, old, new)
        values = np.where(used[points], array[points], finer)
    return values


def keep(finer: Values, coarser: Values, old: Sequence[Indices], new: Sequence[Indices]) -> Values:
    """Put the coarser level's own values back into ``finer``, in place, so that no bit differs."""
    positions = (np.searchsorted(after, before) for before, after in zip(old, new, strict=True))
    finer[np.ix_(*positions)] = coarser
    return finer


def _finite(values: Values) -> Values:
    """Replace values that are not finite by finite ones, unless there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return values
    low, high = float(finite.min()), float(finite.max())
    return np.nan_to_num(values, nan=high, posinf=high, neginf=low)
