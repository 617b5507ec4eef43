"""The cells between the points of a plane, and the triangles that they are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

FIRST, LAST = slice(None, -1), slice(1, None)
CORNERS = ((FIRST, FIRST), (FIRST, LAST), (LAST, LAST), (LAST, FIRST))
"""The four corners of every cell, counterclockwise from the lowest x and y."""


def triangles(known: NDArray[np.bool_]) -> Indices:
    """The triangles between the points of a plane, their corners counterclockwise from above.

    Args:
        known: which points there are, of shape (ny, nx).

    Returns:
        Flat indices of shape (k, 3): two triangles in a cell of four points that are there, one in
        a cell of three.
    """
    flat = np.arange(known.size).reshape(known.shape)
    a, b, c, d = (flat[corner].ravel() for corner in CORNERS)
    found = [np.stack(one, axis=-1) for one in ((a, b, c), (a, c, d), (a, b, d), (b, c, d))]
    whole = [known.ravel()[one].all(axis=-1) for one in found]
    # The other diagonal serves cells that lack a corner which both of the first two have.
    whole[2] &= ~known.ravel()[c]
    whole[3] &= ~known.ravel()[a]
    return np.concatenate([one[there] for one, there in zip(found, whole, strict=True)])


def segments(known: NDArray[np.bool_]) -> Indices:
    """The pieces between neighbouring points of a line, flat indices of shape (k, 2)."""
    first = np.flatnonzero(known[:-1] & known[1:])
    return np.stack([first, first + 1], axis=-1)
