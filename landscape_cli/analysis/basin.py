"""Basin width: how far one can go from the centre before the loss exceeds a level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.field import Field, Options
from landscape_cli.analysis.sphere import half_sphere

Values = NDArray[np.float64]

ABOVE = 0.1
"""What the usual level is above twice the centre's loss: a tenth of a nat."""

BISECTIONS = 50


def compute(field: Field, options: Options) -> dict[str, Any]:
    """The width of the basin around the centre in which values stay at or below a level.

    The width along a direction is the distance between the first points on both sides at which
    the level is exceeded. Where a side reaches the end of the grid, or a point without a finite
    value, before that, it ends there and is counted as open: the width is then a lower bound.

    Raises:
        UnknownError: if the centre has no value.
    """
    centre = field.centre
    level = centre + abs(centre) + ABOVE if options.level is None else options.level
    directions, weights = half_sphere(len(field.axes))
    widths, ends = _widths(field, directions, level)
    along, along_open = _widths(field, np.eye(len(field.axes)), level)
    return {
        "level": level,
        "mean": float(np.average(widths, weights=weights)),
        "minimal": float(widths.min()),
        "maximal": float(widths.max()),
        "sides": 2 * len(directions),
        "open": int(ends.sum()),
        "along": {
            name: {"width": float(width), "open": int(ends)}
            for name, width, ends in zip(field.names, along, along_open, strict=True)
        },
    }


def text(found: dict[str, Any]) -> list[str]:
    """Mean and extremes over directions, and the width along each axis."""
    ends = f"; {found['open']:g} of {found['sides']:g} sides open" if found["open"] else ""
    along = ", ".join(
        f"{name} {'at least ' * (one['open'] > 0)}{one['width']:.4g}"
        for name, one in found["along"].items()
    )
    if len(found["along"]) == 1:
        return [f"width up to {found['level']:.6g}: {along}"]
    return [
        f"width up to {found['level']:.6g}: mean {found['mean']:.4g}, minimal "
        f"{found['minimal']:.4g}, maximal {found['maximal']:.4g}{ends}",
        f"along {along}",
    ]


def _widths(field: Field, directions: Values, level: float) -> tuple[Values, Values]:
    """The width along each direction, and how many of its two sides are open."""
    far, ends = _distances(field, np.concatenate([directions, -directions]), level)
    return far.reshape(2, -1).sum(axis=0), ends.reshape(2, -1).sum(axis=0)


def _distances(field: Field, rays: Values, level: float) -> tuple[Values, NDArray[np.bool_]]:
    """How far each ray from the centre stays at or below the level, and whether it is open."""
    lows, highs = np.array([(axis[0], axis[-1]) for axis in field.axes.values()]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.where(rays > 0, highs / rays, np.where(rays < 0, lows / rays, np.inf))
    edge = ends.min(axis=1)
    inner = np.zeros(len(rays))
    outer = np.full(len(rays), np.nan)
    going = np.ones(len(rays), dtype=bool)
    if field.centre > level:
        return inner, ~going
    count = int(np.ceil((edge.max() / field.steps.min()) * 2))
    for part in np.arange(1, count + 1) / count:
        far = part * edge[going]
        values = _at(field, rays[going], far)
        place = np.flatnonzero(going)
        above = values > level
        outer[place[above]] = far[above]
        below = values <= level
        inner[place[below]] = far[below]
        going[place[~below]] = False  # what is not finite stops a ray too
        if not going.any():
            break
    crossing = np.isfinite(outer)
    for _ in range(BISECTIONS):
        middle = (inner[crossing] + outer[crossing]) / 2
        below = _at(field, rays[crossing], middle) <= level
        inner[crossing] = np.where(below, middle, inner[crossing])
        outer[crossing] = np.where(below, outer[crossing], middle)
    return inner, ~crossing


def _at(field: Field, rays: Values, distances: Values) -> Values:
    """Values on rays; rounding takes no point out of the grid."""
    lows, highs = np.array([(axis[0], axis[-1]) for axis in field.axes.values()]).T
    return field.at(np.clip(rays * distances[:, None], lows, highs))
