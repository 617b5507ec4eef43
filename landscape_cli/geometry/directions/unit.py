"""Unit vectors in float64, for directions that are computed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import Entries
from landscape_cli.geometry.inner_products import dot
from landscape_cli.util.tensors import wide_dtype


def unit(vector: Mapping[str, Tensor], sign: float, centre: Mapping[str, Tensor]) -> Entries:
    """Return a vector divided by its norm, with zeros for tensors that it lacks.

    Args:
        vector: float64 tensors by name, on the CPU.
        sign: 1, or -1 for the opposite.
        centre: the tensors that the slice moves.

    Raises:
        UsageError: if it is zero or not finite; the message completes a sentence about it.
    """
    known = {name: tensor for name, tensor in vector.items() if name in centre}
    sizes = [float(tensor.abs().max()) for tensor in known.values() if tensor.numel()]
    largest = math.nan if any(map(math.isnan, sizes)) else max(sizes, default=0.0)
    if not math.isfinite(largest):
        raise UsageError("is not finite; choose another checkpoint")
    if largest == 0:
        raise UsageError("is zero, and so has no direction; choose another checkpoint")
    scaled = {name: tensor.double() / largest for name, tensor in known.items()}
    factor = sign / math.sqrt(dot(scaled, scaled))
    return {
        name: (factor * scaled[name]).to(wide_dtype(like))
        if name in scaled
        else torch.zeros(like.shape, dtype=wide_dtype(like))
        for name, like in centre.items()
    }
