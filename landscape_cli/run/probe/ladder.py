"""A logarithmic ladder of points along a direction, and the range that its values suggest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.presentation import is_wide

Values = NDArray[np.float64]

RUNGS: Values = 10.0 ** np.linspace(-2, 0, 5)
"""Distances from the centre, in parts of the norm of the weights that a direction moves."""

WIDTH = 40
"""Letters of the longest bar."""

STEPS = (1, 2, 5, 10)


def coordinates_of(unit: float) -> Values:
    """The ladder's coordinates, ascending, the centre in the middle.

    Args:
        unit: |w| / |d|, the coordinate at which a direction has moved the weights by their norm.
    """
    rungs = unit * RUNGS
    return np.concatenate([-rungs[::-1], [0.0], rungs])


@dataclass(frozen=True)
class Ladder:
    """Values along a direction.

    Args:
        coordinates: as ``coordinates_of`` gives them, of shape (11,).
        values: of shape (11,); the middle one is finite.
    """

    coordinates: Values
    values: Values

    @property
    def log(self) -> bool:
        """Whether a logarithmic scale is due: values are positive over more than three decades."""
        return is_wide(self.values[np.isfinite(self.values)])

    @property
    def scaled(self) -> Values:
        """The values on the scale that is due."""
        return np.log(self.values) if self.log else self.values

    @property
    def reach(self) -> float:
        """How far a grid should reach to both sides.

        Twice the distance at which one side has first risen half way from the centre to the highest
        finite value, on the scale that is due, rounded to the nearest of 1, 2 and 5 times powers of
        10, but not beyond the ladder. Between rungs values are joined by straight lines over the
        logarithm of the distance; what is not finite counts as the highest value. If nothing is
        higher than the centre, the distance of the first value that is not finite, or else the
        ladder's length.
        """
        middle = len(self.values) // 2
        scaled = self.scaled
        finite = np.isfinite(scaled)
        highest = scaled[finite].max()
        longest = down_125(float(self.coordinates[-1]))
        if not highest > scaled[middle]:
            wild = np.abs(self.coordinates[~finite])
            return down_125(float(wild.min())) if wild.size else longest
        scaled = np.where(finite, scaled, highest)
        half = (scaled[middle] + highest) / 2
        sides = (slice(middle, None), slice(middle, None, -1))
        far = min(_first(np.abs(self.coordinates[side]), scaled[side], half) for side in sides)
        return min(round_125(2 * far), longest)


def _first(distances: Values, values: Values, level: float) -> float:
    """The first distance at which values reach a level; infinite if they do not."""
    reached = np.flatnonzero(values >= level)
    if not reached.size:
        return math.inf
    end = int(reached[0])
    before, after = values[end - 1 : end + 1]
    part = (level - before) / (after - before)
    near, far = distances[end - 1 : end + 1].tolist()
    # The centre is infinitely far below the lowest rung on a logarithmic scale.
    return float(near * (far / near) ** part if near > 0 else far * part)


def round_125(value: float) -> float:
    """The nearest of 1, 2 and 5 times powers of 10, by ratio."""
    return min(_around(value), key=lambda one: abs(math.log(value / one)))


def down_125(value: float) -> float:
    """The largest of 1, 2 and 5 times powers of 10 that is not above a value."""
    return max(one for one in _around(value) if one <= value)


def _around(value: float) -> list[float]:
    power = math.floor(math.log10(value))
    # From text, so that 2 times 10 to -3 is 0.002 to the bit.
    return [float(f"{step}e{power + more}") for more in (-1, 0) for step in STEPS]


def draw(ladder: Ladder) -> list[str]:
    """A line of text for each point: coordinate, value, and a bar on the scale that is due."""
    scaled = ladder.scaled
    finite = scaled[np.isfinite(scaled)]
    low, extent = finite.min(), finite.max() - finite.min()
    return [
        f"{coordinate:>10.3g}  {value:>11.5g}  {_bar(place, low, extent)}".rstrip()
        for coordinate, value, place in zip(
            ladder.coordinates, ladder.values, scaled.tolist(), strict=True
        )
    ]


def _bar(place: float, low: float, extent: float) -> str:
    if not math.isfinite(place):
        return "not finite"
    return "#" * round(WIDTH * (place - low) / extent) if extent > 0 else ""
