"""Triangles and segments between neighbouring grid points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

FIRST, LAST = slice(None, -1), slice(1, None)
CORNERS = ((FIRST, FIRST), (FIRST, LAST), (LAST, LAST), (LAST, FIRST))
"""The four corners of every cell, counterclockwise from the lowest x and y."""


def triangles(known: NDArray[np.bool_]) -> Indices:
    """Return the triangles between the points of a plane, corners counterclockwise from above.

    Args:
        known: mask of the points to connect, of shape (ny, nx).

    Returns:
        Flat indices of shape (k, 3): two triangles in a cell whose four points are known, one in a
        cell with three.
    """
    flat = np.arange(known.size).reshape(known.shape)
    a, b, c, d = (flat[corner].ravel() for corner in CORNERS)
    shapes = [np.stack(shape, axis=-1) for shape in ((a, b, c), (a, c, d), (a, b, d), (b, c, d))]
    usable = [known.ravel()[corners].all(axis=-1) for corners in shapes]
    # The second diagonal is for cells that lack a corner on the first one.
    usable[2] &= ~known.ravel()[c]
    usable[3] &= ~known.ravel()[a]
    return np.concatenate([corners[mask] for corners, mask in zip(shapes, usable, strict=True)])


def segments(known: NDArray[np.bool_]) -> Indices:
    """Return the segments between neighbouring points of a line, flat indices of shape (k, 2)."""
    first = np.flatnonzero(known[:-1] & known[1:])
    return np.stack([first, first + 1], axis=-1)
