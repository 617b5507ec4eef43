"""Filling a finer level of a grid from the coarser one.

Piecewise cubic Hermite polynomials that preserve shape (PCHIP; Fritsch & Butland 1984, in SciPy)
along one axis after the other. They are local and never leave the range of their neighbours: next
to a rough region nothing rings, and no minimum is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices

Values = NDArray[np.float64]


def interpolate(values: Values, old: Sequence[Indices], new: Sequence[Indices]) -> Values:
    """The values at the points of a finer level.

    Args:
        values: at the coarser level's points, of shape (len(old[0]), len(old[1]), ...). What is
            not finite counts as the nearest end of the finite ones.
        old: the coarser level's indices along each dimension.
        new: the finer level's indices along each dimension, which hold the old ones.

    Returns:
        An array of shape (len(new[0]), len(new[1]), ...); NaN if no value is finite.
    """
    from scipy.interpolate import PchipInterpolator

    found = _finite(values)
    if np.isfinite(found).all():
        for dimension, (before, after) in enumerate(zip(old, new, strict=True)):
            if len(before) < len(after):
                found = PchipInterpolator(before, found, axis=dimension)(after)
        return found
    return np.full([len(indices) for indices in new], np.nan)


def fill(array: Values, used: NDArray[np.bool_], levels: Sequence[Sequence[Indices]]) -> Values:
    """An array's own values where they are used, and interpolated ones elsewhere.

    Args:
        array: values over the whole grid.
        used: which of them to use, of the same shape; all of the coarsest level's.
        levels: for each level, the coarsest first, its indices along each dimension.

    Returns:
        The values at the points of the last of the levels.
    """
    found = array[np.ix_(*levels[0])]
    for old, new in pairwise(levels):
        place = np.ix_(*new)
        finer = keep(interpolate(found, old, new), found, old, new)
        found = np.where(used[place], array[place], finer)
    return found


def keep(finer: Values, coarser: Values, old: Sequence[Indices], new: Sequence[Indices]) -> Values:
    """Put the coarser level's own values, to the bit, into what was interpolated from them."""
    places = (np.searchsorted(after, before) for before, after in zip(old, new, strict=True))
    finer[np.ix_(*places)] = coarser
    return finer


def _finite(values: Values) -> Values:
    """The values with everything that is not finite replaced; as they are if nothing is."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return values
    low, high = float(finite.min()), float(finite.max())
    return np.nan_to_num(values, nan=high, posinf=high, neginf=low)
