"""The barriers between every two of several networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRAIGHT, ALIGNED, CURVE = "straight", "aligned", "curve"
"""Ways from one network to another: the straight line, the same once the channels of the second
network are permuted to match those of the first, and a trained curve."""

Floats = NDArray[np.float64]

Quantity = tuple[str, str]
"""Split and name; ``error`` is 1 - accuracy."""


@dataclass
class Barriers:
    """The barrier between networks i and j, for each way and each quantity.

    The height is max_t L(t) - ((1 - t) L(0) + t L(1)) (Entezari et al. 2022).

    Args:
        names: of the n networks.
        ways: the ways from one network to another.
        heights: by way and quantity, shape (n, n), symmetric, with 0 on the diagonal and NaN where
            nothing is known.
        notes: remarks on pairs, such as why one is missing.
    """

    names: Sequence[str]
    ways: Sequence[str]
    heights: dict[str, dict[Quantity, Floats]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, first: int, second: int, way: str, found: Mapping[Quantity, float]) -> None:
        """Add the heights between two networks."""
        for quantity, height in found.items():
            table = self.heights.setdefault(way, {})
            if quantity not in table:
                count = len(self.names)
                table[quantity] = np.where(np.eye(count, dtype=bool), 0.0, np.nan)
            table[quantity][first, second] = table[quantity][second, first] = height

    @property
    def quantities(self) -> list[Quantity]:
        """The quantities of all ways: losses first, and of the split train first."""
        known = dict.fromkeys(key for table in self.heights.values() for key in table)
        return sorted(known, key=lambda key: (key[1] != "loss", key[0] != "train", key))

    def as_mapping(self) -> dict[str, Any]:
        """Return plain values, for a file; NaN becomes None."""
        return {
            "networks": list(self.names),
            "barriers": [
                {
                    "way": way,
                    "split": split,
                    "quantity": name,
                    "heights": [
                        [None if np.isnan(x) else x for x in row] for row in table.tolist()
                    ],
                }
                for way in self.ways
                for (split, name), table in self.heights.get(way, {}).items()
            ],
            "notes": list(self.notes),
        }


def height(t: Floats, values: Floats) -> float:
    """Return max_t L(t) - ((1 - t) L(0) + t L(1)) from values at ascending t, 0 and 1 among them.

    Example:
        >>> height(np.array([0.0, 0.5, 1.0]), np.array([1.0, 3.0, 2.0]))
        1.5
    """
    return float((values - ((1 - t) * values[0] + t * values[-1])).max())


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None
