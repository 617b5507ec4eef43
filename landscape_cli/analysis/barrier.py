"""Barrier and monotonicity along the straight line to another checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.analysis.field import Field, MeaninglessError, Options, UnknownError
from landscape_cli.records.curves.barriers import height

READING = (
    "The rise of the loss on the straight line to another checkpoint above the line between the "
    "values at its ends: near 0, the networks are linearly connected. A high barrier excludes "
    "neither a curved path of low loss nor a straight one after aligning the channels."
)
"""Explanation of the numbers to a reader of a report."""

ROUNDING = 1e-12
"""A rise of at most this fraction of the largest value counts as rounding."""

NEAR = 1e-6
"""A checkpoint this close to an end of the axis, as a fraction of its coordinate, is there."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute height and monotonicity for each axis that leads from the centre A to a checkpoint B.

    With t = 0 at A and t = 1 at B, the height is max_t L(t) - ((1 - t) L(0) + t L(1)) (Entezari et
    al. 2022), and the instability is max_t L(t) - (L(0) + L(1)) / 2 (Frankle et al. 2020). The line
    is monotone if L never rises on the way from the higher end to the lower (Goodfellow et al.
    2015). Its largest rise, from any point to any later one, is defined as in Lucas et al. 2021.

    Raises:
        MeaninglessError: if there is no such axis.
        UnknownError: if no such axis has values at both ends.
    """
    if not field.ends:
        raise MeaninglessError("no axis leads to another checkpoint")
    lines: dict[str, Any] = {}
    reasons = []
    for name, end in field.ends.items():
        try:
            lines[name] = _along(field, name, end)
        except UnknownError as reason:
            reasons.append(str(reason))
    if not lines:
        raise UnknownError("; ".join(reasons))
    return lines


def text(numbers: dict[str, Any]) -> list[str]:
    """Format two lines for each axis."""
    texts = []
    for name, line in numbers.items():
        out = ""
        if line["left_out"] > 0:
            out = f" ({line['left_out']:g} of {line['points']:g} points left out)"
        texts.append(
            f"along {name}: height {line['height']:.6g} at t = {line['at']:.3g}, "
            f"instability {line['instability']:.6g}{out}"
        )
        if line["monotone"]:
            texts.append(f"along {name}: monotone")
        else:
            texts.append(f"along {name}: not monotone, largest rise {line['largest_rise']:.6g}")
    return texts


def _along(field: Field, name: str, end: float) -> dict[str, Any]:
    """Compute the numbers of the line from the centre to the coordinate ``end`` of an axis."""
    axis = field.axes[name]
    nearest = axis[0] if end < 0 else axis[-1]
    if abs(end - nearest) <= NEAR * abs(nearest):  # as least squares has found it
        end = float(nearest)
    if not axis[0] <= end <= axis[-1]:
        raise UnknownError(f"the checkpoint at {end:g} is outside the range of {name}")
    inside = axis / end
    inside = np.sort(inside[(inside > 0) & (inside < 1)])
    t = np.array([0.0, *inside, 1.0])
    points = np.zeros((len(t), len(field.axes)))
    points[:, field.names.index(name)] = end * t
    _ = field.centre  # raises UnknownError without a value there
    values = field.at(points)
    known = np.isfinite(values)
    if not known[-1]:
        raise UnknownError(f"there is no finite value at the checkpoint on {name}")
    t, values = t[known], values[known]
    heights = values - ((1 - t) * values[0] + t * values[-1])
    top = int(heights.argmax())
    descent = values if values[0] >= values[-1] else values[::-1]
    rise = float((descent - np.minimum.accumulate(descent)).max())
    return {
        "height": height(t, values),
        "at": float(t[top]),
        "instability": float(values.max() - (values[0] + values[-1]) / 2),
        "monotone": rise <= ROUNDING * float(np.abs(values).max()),
        "largest_rise": rise,
        "points": len(known),
        "left_out": int((~known).sum()),
    }
