"""Sharpness: by how much the loss rises at a distance from the centre."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.analysis.field import Field, Options
from landscape_cli.analysis.sphere import sphere
from landscape_cli.errors import UsageError

USUAL = (0.1, 0.25, 0.5, 1.0)
"""Radii, in the axes' units, as far as they are inside the grid."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Mean and maximal rise over the directions of a sphere, for each radius.

    The rise is L(R u) - L(0) for unit vectors u in the axes' coordinates. The maximum over a ball
    is the sharpness of Keskar et al. 2017, the mean that of random perturbations.

    Raises:
        UnknownError: if the centre has no value.
        UsageError: if a radius that was asked for reaches out of the grid.
    """
    centre = field.centre
    found = []
    for radius in _radii(field, options):
        directions, weights = sphere(len(field.axes))
        rises = field.at(radius * directions) - centre
        known = np.isfinite(rises)
        one: dict[str, Any] = {"radius": radius, "mean": None, "maximal": None}
        if known.any():
            mean = np.average(rises[known], weights=weights[known])
            one |= {"mean": float(mean), "maximal": float(rises[known].max())}
        one |= {"directions": len(rises), "left_out": int((~known).sum())}
        found.append(one)
    return {"radii": found}


def text(found: dict[str, Any]) -> list[str]:
    """A line for each radius."""
    lines = []
    for one in found["radii"]:
        if one["mean"] is None:
            lines.append(f"at radius {one['radius']:g}: no finite value")
            continue
        rises = f"mean rise {one['mean']:.6g}, maximal {one['maximal']:.6g}"
        left = one["left_out"]
        out = f" ({left:g} of {one['directions']:g} directions left out)" if left else ""
        lines.append(f"at radius {one['radius']:g}: {rises}{out}")
    return lines


def _radii(field: Field, options: Options) -> tuple[float, ...]:
    # The tolerance lets a radius of 0.3 reach the end of an axis to 3 * 0.1.
    inside = min(min(-axis[0], axis[-1]) for axis in field.axes.values())
    allowed = float(inside) * (1 + 1e-12)
    if options.radii is None:
        return tuple(radius for radius in USUAL if radius <= allowed) or (float(inside),)
    for radius in options.radii:
        if radius > allowed:
            raise UsageError(
                f"--radius {radius:g}: reaches out of the grid; choose {inside:g} or less"
            )
    return tuple(min(radius, float(inside)) for radius in options.radii)
