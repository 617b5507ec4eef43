"""A logarithmic ladder of points along a direction, and the range that its values suggest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.presentation import is_wide

Values = NDArray[np.float64]

RUNGS: Values = 10.0 ** np.linspace(-2, 0, 5)
"""Distances from the centre, as fractions of the norm of the weights that a direction moves."""

WIDTH = 40
"""Length of the longest bar in characters."""

STEPS = (1, 2, 5, 10)
"""Round numbers of a decade."""


def coordinates_of(unit: float) -> Values:
    """Return the ladder's coordinates in ascending order, with the centre in the middle.

    Args:
        unit: |w| / |d|, the coordinate at which a direction moves the weights by their norm.
    """
    rungs = unit * RUNGS
    return np.concatenate([-rungs[::-1], [0.0], rungs])


@dataclass(frozen=True)
class Ladder:
    """Values along a direction.

    Args:
        coordinates: from ``coordinates_of``, of shape (11,).
        values: of shape (11,), with a finite one in the middle.
    """

    coordinates: Values
    values: Values

    @property
    def log(self) -> bool:
        """True if a log scale suits: values are positive and span more than three decades."""
        return is_wide(self.values[np.isfinite(self.values)])

    @property
    def scaled(self) -> Values:
        """The values on the scale that suits them."""
        return np.log(self.values) if self.log else self.values

    @property
    def reach(self) -> float:
        """Suggested distance from the centre to both ends of a grid.

        This is twice the distance at which one side first rises half way from the centre to the
        highest finite value, on the scale that suits the values, rounded to the nearest of 1, 2 and
        5 times powers of 10, but not beyond the ladder. Between rungs, values are interpolated
        linearly over the logarithm of the distance; non-finite values count as the highest. If no
        value exceeds the centre's, it is the distance of the first non-finite value, or else the
        ladder's length.
        """
        middle = len(self.values) // 2
        scaled = self.scaled
        finite = np.isfinite(scaled)
        highest = scaled[finite].max()
        longest = down_125(float(self.coordinates[-1]))
        if not highest > scaled[middle]:
            nonfinite = np.abs(self.coordinates[~finite])
            return down_125(float(nonfinite.min())) if nonfinite.size else longest
        scaled = np.where(finite, scaled, highest)
        half = (scaled[middle] + highest) / 2
        sides = (slice(middle, None), slice(middle, None, -1))
        rise = min(_crossing(np.abs(self.coordinates[side]), scaled[side], half) for side in sides)
        return min(round_125(2 * rise), longest)


def _crossing(distances: Values, values: Values, level: float) -> float:
    """Return the first distance at which values reach a level; infinite if they never do."""
    reached = np.flatnonzero(values >= level)
    if not reached.size:
        return math.inf
    end = int(reached[0])
    before, after = values[end - 1 : end + 1]
    fraction = (level - before) / (after - before)
    near, far = distances[end - 1 : end + 1].tolist()
    # The centre is infinitely far below the lowest rung on a logarithmic scale.
    return float(near * (far / near) ** fraction if near > 0 else far * fraction)


def round_125(value: float) -> float:
    """Round to the nearest of 1, 2 and 5 times powers of 10, by ratio."""
    return min(_round_numbers(value), key=lambda number: abs(math.log(value / number)))


def down_125(value: float) -> float:
    """Round down to 1, 2 or 5 times a power of 10."""
    return max(number for number in _round_numbers(value) if number <= value)


def _round_numbers(value: float) -> list[float]:
    """List round numbers around a value, from the decade below on."""
    power = math.floor(math.log10(value))
    # Parsed from text, so that 2 times 10 to the power of -3 is exactly 0.002.
    return [float(f"{step}e{power + offset}") for offset in (-1, 0) for step in STEPS]


def draw(ladder: Ladder) -> list[str]:
    """Draw a line of text per point: coordinate, value, and a bar on the ladder's scale."""
    scaled = ladder.scaled
    finite = scaled[np.isfinite(scaled)]
    low, extent = finite.min(), finite.max() - finite.min()
    return [
        f"{coordinate:>10.3g}  {value:>11.5g}  {_bar(height, low, extent)}".rstrip()
        for coordinate, value, height in zip(
            ladder.coordinates, ladder.values, scaled.tolist(), strict=True
        )
    ]


def _bar(height: float, low: float, extent: float) -> str:
    if not math.isfinite(height):
        return "not finite"
    return "#" * round(WIDTH * (height - low) / extent) if extent > 0 else ""
