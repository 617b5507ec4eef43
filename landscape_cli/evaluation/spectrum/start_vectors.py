"""Random vectors whose entries depend on a seed and the parameters' names alone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.normalization import Ignore

Shapes = Mapping[str, tuple[int, ...]]
"""The shape of each parameter, in the order of a vector's entries."""

Draws = Callable[[int], Tensor]
"""Returns the vector of this number; vectors of different numbers are independent."""


def gaussian(shapes: Shapes, seed: int, number: int = 0) -> Tensor:
    """Draw a uniformly distributed unit vector, float64 of shape (P,), on the CPU.

    Before it is scaled to length 1, it is the random direction of this seed and repeat, not
    normalized: it has the same entries on every rank, and in every set of parameters.

    Args:
        shapes: of the parameters.
        seed: any integer.
        number: of the vector; each is independent of the others.
    """
    direction = RandomDirection(seed=seed, normalize="none", ignore=Ignore.NONE).repeated(number)
    vector = torch.empty(_size(shapes), dtype=torch.float64)
    start = 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        direction.entries(name, shape, torch.float64)(vector[start:stop])
        start = stop
    return vector.div_(float(vector.norm()))


def rademacher(shapes: Shapes, seed: int, number: int = 0) -> Tensor:
    """Draw a vector of independent signs, float64 of shape (P,), on the CPU; see ``gaussian``."""
    parts = []
    for name, shape in shapes.items():
        key = hashlib.sha256(f"signs {number} of {seed}/{name}".encode()).digest()
        generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))
        bits = generator.integers(0, 2, size=math.prod(shape), dtype=np.int8)
        parts.append(torch.from_numpy(2.0 * bits - 1.0))
    return torch.cat(parts)


def _size(shapes: Shapes) -> int:
    return sum(math.prod(shape) for shape in shapes.values())
