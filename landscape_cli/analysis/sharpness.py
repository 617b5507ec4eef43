"""Sharpness: the rise of the loss at a distance from the centre."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.analysis.field import Field, Options, UnknownError
from landscape_cli.analysis.sphere import sphere
from landscape_cli.errors import UsageError

READING = (
    "The rise of the loss at a distance R from the trained weights, as a mean over directions of "
    "this slice and at most: the larger, the more the loss depends on the exact weights. Compare "
    "networks only at the same radius, directions and normalization; by itself it says nothing "
    "about the test error."
)
"""Explanation of the numbers to a reader of a report."""

DEFAULT_RADII = (0.1, 0.25, 0.5, 1.0)
"""Radii in the axes' units, of which those inside the grid are used."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute the mean and maximal rise over the directions of a sphere, for each radius.

    The rise is L(R u) - L(0) for unit vectors u in the axes' coordinates. The maximum over a ball
    is the sharpness of Keskar et al. 2017; the mean is that over random perturbations. No rise is
    negative where no value of the grid is below the centre's.

    Raises:
        UnknownError: if the centre has no value, or is at the edge of the grid.
        UsageError: if a requested radius reaches beyond the grid.
    """
    centre = field.centre
    # At a minimum of the grid, curves between its points may dip slightly below it.
    floor = 0.0 if np.nanmin(field.values) >= centre else -np.inf
    spheres = []
    for radius in _radii(field, options):
        directions, weights = sphere(len(field.axes))
        rises = np.maximum(field.at(radius * directions) - centre, floor)
        known = np.isfinite(rises)
        entry: dict[str, Any] = {"radius": radius, "mean": None, "maximal": None}
        if known.any():
            mean = np.average(rises[known], weights=weights[known])
            entry |= {"mean": float(mean), "maximal": float(rises[known].max())}
        entry |= {"directions": len(rises), "left_out": int((~known).sum())}
        spheres.append(entry)
    return {"radii": spheres}


def text(numbers: dict[str, Any]) -> list[str]:
    """Format a line for each radius."""
    lines = []
    for entry in numbers["radii"]:
        if entry["mean"] is None:
            lines.append(f"at radius {entry['radius']:g}: no finite value")
            continue
        rises = f"mean rise {entry['mean']:.6g}, maximal {entry['maximal']:.6g}"
        left = entry["left_out"]
        out = f" ({left:g} of {entry['directions']:g} directions left out)" if left else ""
        lines.append(f"at radius {entry['radius']:g}: {rises}{out}")
    return lines


def _radii(field: Field, options: Options) -> tuple[float, ...]:
    """Return the requested radii, or the default ones that fit inside the grid."""
    # The tolerance admits a radius of 0.3 on an axis that ends at 3 * 0.1.
    inside = min(min(-axis[0], axis[-1]) for axis in field.axes.values())
    if inside <= 0:
        raise UnknownError("the centre is at the edge of the grid")
    allowed = float(inside) * (1 + 1e-12)
    if options.radii is None:
        return tuple(radius for radius in DEFAULT_RADII if radius <= allowed) or (float(inside),)
    for radius in options.radii:
        if radius > allowed:
            raise UsageError(
                f"--radius {radius:g}: reaches beyond the grid; choose {inside:g} or less"
            )
    return tuple(min(radius, float(inside)) for radius in options.radii)
