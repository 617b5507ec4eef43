"""Values that a linear scale can't show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDE = 1e3
"""The ratio of largest to smallest value above which a linear scale shows only the largest."""


def is_wide(values: NDArray[np.float64]) -> bool:
    """Whether finite values, at least one, are positive and span more than three decades."""
    return bool(values.min() > 0 and values.max() / WIDE > values.min())
