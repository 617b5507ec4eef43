"""Basin width: the distance around the centre over which the loss stays at or below a level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.field import Field, Options
from landscape_cli.analysis.sphere import half_sphere

Values = NDArray[np.float64]

READING = (
    "The distance across the region around the centre in which the loss stays at or below a "
    "level: a small one means a narrow basin. Where a side is open the basin goes on beyond the "
    "grid, and without normalized directions the width changes with the scale of the weights "
    "although the network computes the same."
)
"""Explanation of the numbers to a reader of a report."""

ABOVE = 0.1
"""Offset of the default level above twice the centre's loss: a tenth of a nat."""

BISECTIONS = 50
"""Number of bisections that locate where the level is crossed."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute the width of the basin around the centre in which values stay at or below a level.

    The width along a direction is the distance between the first points on either side at which the
    level is exceeded. A side that reaches the edge of the grid, or a point without a finite value,
    before that ends there and counts as open: the width is then a lower bound.

    Raises:
        UnknownError: if the centre has no value.
    """
    level = level_of(field, options)
    _ = field.centre  # raises UnknownError without a value there
    directions, weights = half_sphere(len(field.axes))
    widths, open_sides = _widths(field, directions, level)
    along, along_open = _widths(field, np.eye(len(field.axes)), level)
    return {
        "level": level,
        "mean": float(np.average(widths, weights=weights)),
        "minimal": float(widths.min()),
        "maximal": float(widths.max()),
        "sides": 2 * len(directions),
        "open": int(open_sides.sum()),
        "along": {
            name: {"width": float(width), "open": int(count)}
            for name, width, count in zip(field.names, along, along_open, strict=True)
        },
    }


def level_of(field: Field, options: Options) -> float:
    """Return the level up to which a basin reaches.

    Raises:
        UnknownError: if it follows from the value at the centre, and there is none.
    """
    if options.level is not None:
        return options.level
    return field.centre + abs(field.centre) + ABOVE


def text(numbers: dict[str, Any]) -> list[str]:
    """Format mean and extremes over directions, and the width along each axis."""
    open_sides = (
        f"; {numbers['open']:g} of {numbers['sides']:g} sides open" if numbers["open"] else ""
    )
    along = ", ".join(
        f"{name} {'at least ' * (axis['open'] > 0)}{axis['width']:.4g}"
        for name, axis in numbers["along"].items()
    )
    if len(numbers["along"]) == 1:
        return [f"width up to {numbers['level']:.6g}: {along}"]
    return [
        f"width up to {numbers['level']:.6g}: mean {numbers['mean']:.4g}, minimal "
        f"{numbers['minimal']:.4g}, maximal {numbers['maximal']:.4g}{open_sides}",
        f"along {along}",
    ]


def _widths(field: Field, directions: Values, level: float) -> tuple[Values, Values]:
    """Return the width along each direction, and how many of its two sides are open."""
    distances, is_open = _distances(field, np.concatenate([directions, -directions]), level)
    return distances.reshape(2, -1).sum(axis=0), is_open.reshape(2, -1).sum(axis=0)


def _distances(field: Field, rays: Values, level: float) -> tuple[Values, NDArray[np.bool_]]:
    """Return the distance over which each ray stays at or below the level, and if it is open."""
    lows, highs = np.array([(axis[0], axis[-1]) for axis in field.axes.values()]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.where(rays > 0, highs / rays, np.where(rays < 0, lows / rays, np.inf))
    edge = ends.min(axis=1)
    inner = np.zeros(len(rays))
    outer = np.full(len(rays), np.nan)
    active = np.ones(len(rays), dtype=bool)
    if field.centre > level:
        return inner, ~active
    count = int(np.ceil((edge.max() / field.steps.min()) * 2))
    for fraction in np.arange(1, count + 1) / count:
        distances = fraction * edge[active]
        values = _at(field, rays[active], distances)
        numbers = np.flatnonzero(active)
        above = values > level
        outer[numbers[above]] = distances[above]
        below = values <= level
        inner[numbers[below]] = distances[below]
        active[numbers[~below]] = False  # a value that is not finite also stops a ray
        if not active.any():
            break
    crossing = np.isfinite(outer)
    for _ in range(BISECTIONS):
        middle = (inner[crossing] + outer[crossing]) / 2
        below = _at(field, rays[crossing], middle) <= level
        inner[crossing] = np.where(below, middle, inner[crossing])
        outer[crossing] = np.where(below, outer[crossing], middle)
    return inner, ~crossing


def _at(field: Field, rays: Values, distances: Values) -> Values:
    """Return the values on rays, clipping points that rounding would move off the grid."""
    lows, highs = np.array([(axis[0], axis[-1]) for axis in field.axes.values()]).T
    return field.at(np.clip(rays * distances[:, None], lows, highs))
