"""Barrier and monotonicity along the straight line to another checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.analysis.field import Field, MeaninglessError, Options, UnknownError

ROUNDING = 1e-12
"""A rise of this part of the largest value, or less, is none."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """For each axis that leads from the centre A to a checkpoint B, t being 0 at A and 1 at B.

    The height is max_t L(t) - ((1 - t) L(0) + t L(1)) (Entezari et al. 2022), the instability
    max_t L(t) - (L(0) + L(1)) / 2 (Frankle et al. 2020). The line is monotone if L never rises on
    the way from the higher end to the lower (Goodfellow et al. 2015); the largest rise on it, from
    any point to any later one, is that of Lucas et al. 2021.

    Raises:
        MeaninglessError: if there is no such axis.
        UnknownError: if none has values at both ends.
    """
    if not field.ends:
        raise MeaninglessError("no axis leads to another checkpoint")
    found: dict[str, Any] = {}
    reasons = []
    for name, end in field.ends.items():
        try:
            found[name] = _along(field, name, end)
        except UnknownError as reason:
            reasons.append(str(reason))
    if not found:
        raise UnknownError("; ".join(reasons))
    return found


def text(found: dict[str, Any]) -> list[str]:
    """Two lines for each axis."""
    lines = []
    for name, one in found.items():
        out = f" ({one['left_out']:g} of {one['points']:g} points left out)" * (one["left_out"] > 0)
        lines.append(
            f"along {name}: height {one['height']:.6g} at t = {one['at']:.3g}, "
            f"instability {one['instability']:.6g}{out}"
        )
        if one["monotone"]:
            lines.append(f"along {name}: monotone")
        else:
            lines.append(f"along {name}: not monotone, largest rise {one['largest_rise']:.6g}")
    return lines


def _along(field: Field, name: str, end: float) -> dict[str, Any]:
    axis = field.axes[name]
    if not axis[0] <= end <= axis[-1]:
        raise UnknownError(f"the checkpoint at {end:g} is outside of the range of {name}")
    inside = axis / end
    inside = np.sort(inside[(inside > 0) & (inside < 1)])
    parts = np.array([0.0, *inside, 1.0])
    points = np.zeros((len(parts), len(field.axes)))
    points[:, field.names.index(name)] = end * parts
    _ = field.centre  # raises where there is none
    values = field.at(points)
    known = np.isfinite(values)
    if not known[-1]:
        raise UnknownError(f"there is no finite value at the checkpoint on {name}")
    parts, values = parts[known], values[known]
    heights = values - ((1 - parts) * values[0] + parts * values[-1])
    top = int(heights.argmax())
    descent = values if values[0] >= values[-1] else values[::-1]
    rise = float((descent - np.minimum.accumulate(descent)).max())
    return {
        "height": float(heights[top]),
        "at": float(parts[top]),
        "instability": float(values.max() - (values[0] + values[-1]) / 2),
        "monotone": rise <= ROUNDING * float(np.abs(values).max()),
        "largest_rise": rise,
        "points": len(known),
        "left_out": int((~known).sum()),
    }
