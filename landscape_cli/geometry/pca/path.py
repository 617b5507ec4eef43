"""Lengths and turning angles of the path that checkpoints form, in the full space."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from landscape_cli.geometry.inner_products import dot
from landscape_cli.geometry.pca.differences import Differences, Parameters
from landscape_cli.records.dynamics.path_lengths import PathLengths


def path_lengths(differences: Differences, numbers: Sequence[int]) -> PathLengths:
    """Measure the path through some of the checkpoints, in one pass over them.

    Each number is computed from a difference of two checkpoints in float64, never from inner
    products with the centre, which would cancel for short steps. Five checkpoints are in memory at
    a time.

    Args:
        differences: access to the checkpoints; all tensors of the centre count.
        numbers: the checkpoints of one training, in order; at least one.

    Returns:
        Distances and cosines; a cosine with a zero step is NaN.
    """
    (last,) = differences.checkpoints(numbers[-1:])
    first: Parameters | None = None
    before: Parameters | None = None
    step: dict[str, Tensor] | None = None
    from_start, to_end, steps, cosines = [], [], [], []
    for checkpoint in differences.checkpoints(numbers):
        first = checkpoint if first is None else first
        from_start.append(norm(subtracted(checkpoint, first)))
        to_end.append(norm(subtracted(checkpoint, last)))
        if before is not None:
            following = subtracted(checkpoint, before)
            steps.append(norm(following))
            if step is not None:
                lengths = steps[-2] * steps[-1]
                cosines.append(dot(step, following) / lengths if lengths > 0 else math.nan)
            step = following
        before = checkpoint
    return PathLengths(*map(np.array, (from_start, to_end, steps, cosines)))


def subtracted(one: Parameters, other: Parameters) -> dict[str, Tensor]:
    """Return the difference of two checkpoints, in float64."""
    return {name: tensor.double() - other[name].double() for name, tensor in one.items()}


def norm(one: Parameters) -> float:
    """Return the Euclidean norm of a difference."""
    return math.sqrt(dot(one, one))
