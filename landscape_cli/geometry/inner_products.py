"""Inner products of parameter-shaped dicts, accumulated in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from landscape_cli.geometry.blocks import SERIAL, Scratch, parts
from landscape_cli.util.accelerators import wide

Products = dict[tuple[str, str], float]
"""Inner products of each direction with itself and every later one, by pairs of names."""


def dot(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """Return the inner product of two parameter dicts with equal names, accumulated in float64."""
    scratch = Scratch(max(tensor.numel() for tensor in a.values()))
    return math.fsum(
        product(first, second, scratch)
        for name in a
        for first, second in zip(parts(a[name]), parts(b[name]), strict=True)
    )


def cosine(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """Return the cosine between two parameter dicts; 0 if one of them is zero."""
    return cosine_from(dot(a, b), dot(a, a), dot(b, b))


def cosine_from(ab: float, aa: float, bb: float) -> float:
    """Return the cosine between two vectors from inner products; 0 if one of them is zero."""
    norms = math.sqrt(aa) * math.sqrt(bb)
    return ab / norms if norms > 0 else 0.0


def cosines_from(products: Products) -> dict[str, float]:
    """Return the cosine between each pair of directions, such as {"x,y": 0.003}."""
    return {
        f"{a},{b}": cosine_from(ab, products[a, a], products[b, b])
        for (a, b), ab in products.items()
        if a != b
    }


def norms_from(products: Products) -> dict[str, float]:
    """Return the Euclidean norm of each direction by name."""
    return {a: math.sqrt(aa) for (a, b), aa in products.items() if a == b}


def product(first: Tensor, second: Tensor, scratch: Scratch) -> float:
    """Return the inner product of two flat blocks on one device, in float64."""
    workspace = scratch.on(first.device)
    for start in range(0, len(first), SERIAL):
        span = slice(start, min(start + SERIAL, len(first)))
        torch.mul(wide(first[span]), wide(second[span]), out=workspace[span])
    return float(workspace[: len(first)].sum())


def subtract(block: Tensor, factor: float, other: Tensor) -> None:
    """Subtract a multiple of another flat block in place, computing in float64."""
    for start in range(0, len(block), SERIAL):
        part, other_part = block[start : start + SERIAL], other[start : start + SERIAL]
        part.copy_((wide(part) - factor * wide(other_part)).to(part.dtype))
