"""Inner products of parameter-shaped dicts, accumulated in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from landscape_cli.geometry.blocks import SERIAL, parts, scratch

Products = dict[tuple[str, str], float]
"""Inner products of directions, each with itself and with every later one, by both names."""


def dot(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The inner product of two parameter dicts with the same names, accumulated in float64."""
    room = scratch(max(tensor.numel() for tensor in a.values()), next(iter(a.values())).device)
    return math.fsum(
        product(one, other, room)
        for name in a
        for one, other in zip(parts(a[name]), parts(b[name]), strict=True)
    )


def cosine(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The cosine between two parameter dicts; 0 if one of them is zero."""
    return cosine_from(dot(a, b), dot(a, a), dot(b, b))


def cosine_from(ab: float, aa: float, bb: float) -> float:
    """The cosine between two vectors by their inner products; 0 if one of them is zero."""
    norms = math.sqrt(aa) * math.sqrt(bb)
    return ab / norms if norms > 0 else 0.0


def cosines_from(products: Products) -> dict[str, float]:
    """The cosine between each pair of directions, such as {"x,y": 0.003}."""
    return {
        f"{one},{other}": cosine_from(ab, products[one, one], products[other, other])
        for (one, other), ab in products.items()
        if one != other
    }


def norms_from(products: Products) -> dict[str, float]:
    """The Euclidean norm of each direction by its name."""
    return {one: math.sqrt(aa) for (one, other), aa in products.items() if one == other}


def product(one: Tensor, other: Tensor, room: Tensor) -> float:
    """The inner product of two flat blocks, in float64; ``room`` is overwritten."""
    for start in range(0, len(one), SERIAL):
        place = slice(start, min(start + SERIAL, len(one)))
        torch.mul(one[place].double(), other[place].double(), out=room[place])
    return float(room[: len(one)].sum())


def subtract(block: Tensor, factor: float, along: Tensor) -> None:
    """Take from a flat block, in place, a multiple of another one; in float64."""
    for start in range(0, len(block), SERIAL):
        part, other = block[start : start + SERIAL], along[start : start + SERIAL]
        part.copy_(part.double() - factor * other.double())
