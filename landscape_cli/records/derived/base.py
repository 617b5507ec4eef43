"""The contract of a derived quantity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Known = tuple[Floats, Floats]
"""Values and their errors, of the same shape; an error is NaN where it is unknown."""


@dataclass(frozen=True)
class Derived:
    """A quantity computed from stored quantities of the same split, point by point.

    Args:
        inputs: the names of the stored quantities.
        compute: turns their values and errors into those of the quantity.
        undefined: says in a few words where finite inputs give no value.
        listed: whether summaries of a surface list it beside the stored quantities.
        beside: names of further stored quantities, without which it would have no meaning.
    """

    inputs: tuple[str, ...]
    compute: Callable[..., Known]
    undefined: str
    listed: bool = False
    beside: tuple[str, ...] = ()
