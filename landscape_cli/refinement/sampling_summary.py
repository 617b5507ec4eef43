"""The outcome of sampling points, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.refinement.sampling import LARGEST


def describe_samples(
    facts: Mapping[str, Any], samples: Mapping[str, NDArray[np.int32]]
) -> list[str]:
    """Describe in lines how many samples points took, and how large errors may be.

    Args:
        facts: what ``Sampling.check`` returned at the end.
        samples: numbers of samples by split, 0 where a point was not computed.
    """
    lines = [f"{split}: {numbers_of(one)}" for split, one in samples.items()]
    checked = facts.get("checked", {})
    points = len(checked.get("points", ()))
    whose = "points drawn at random" if checked.get("held_out") else "sampled points"
    errors = facts.get("error")
    if not points or errors is None:
        return lines
    shown = ", ".join(f"{name.replace('/', ' ')} {_percent(one)}" for name, one in errors.items())
    largest = 100 * LARGEST * facts["tolerance"]
    share = math.floor(100 * (1 - facts["beyond"]))
    return [
        *lines,
        f"{points} points evaluated on all samples differ by at most, of the range: {shown}",
        f"with 95 % confidence {share} % of {whose} err by less than {largest:g} %",
    ]


def numbers_of(samples: NDArray[np.int32]) -> str:
    """Say how many samples computed points took, such as "64 to 384 samples a point, mean 101"."""
    taken = samples[samples > 0]
    if not len(taken):
        return "no samples yet"
    low, high = int(taken.min()), int(taken.max())
    if low == high:
        return f"all {high} samples a point"
    return f"{low} to {high} samples a point, mean {taken.mean():.0f}"


def _percent(error: float) -> str:
    """Format an error, rounded up."""
    return f"{math.ceil(1000 * error) / 10:g} %" if math.isfinite(error) else "an infinite amount"
