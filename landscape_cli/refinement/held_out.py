"""Random points at which errors are found, and what they say of all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape_cli.records.levels import Indices

SHARE = 0.01
"""Number of points in a draw, as a fraction of those that it stands for."""

FEWEST, MOST = 16, 128
"""Bounds on that number."""

LARGEST_SHARE = 0.25
"""Upper bound on that number, as a fraction of the points to draw from."""

DOUBT = 0.05
"""Total error probability of the bound on how many points err too much: half of it is spent on the
first draw, half of the remainder on the second, and so on."""


def draw(candidates: Indices, total: int, seed: Sequence[int], doublings: int = 0) -> Indices:
    """Draw points at random.

    Args:
        candidates: flat indices of the points to draw from, of shape (k,).
        total: the number of points that they stand for.
        seed: of the draw.
        doublings: number of times that more are wanted.

    Returns:
        Ascending flat indices.
    """
    desired = min(max(FEWEST, int(SHARE * total)), MOST) << doublings
    most = max(1, int(LARGEST_SHARE * len(candidates)))
    count = min(len(candidates), desired, most)
    return np.sort(np.random.default_rng(list(seed)).permutation(candidates)[:count])


def bound_beyond(points: int, number: int) -> float:
    """Return the upper bound on the fraction of others that err more, if none of some points does.

    All draws together leave an error probability of ``DOUBT``.

    Args:
        points: the number of points drawn; without any, none are left to err.
        number: of the draw, starting at 0.

    Example:
        >>> round(bound_beyond(100, 0), 4)
        0.0362
    """
    return 1 - (DOUBT / 2 ** (number + 1)) ** (1 / points) if points else 0.0
