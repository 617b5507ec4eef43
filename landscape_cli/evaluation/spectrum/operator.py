"""The symmetric operator whose spectrum is sought: a Hessian, or anything else with products."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.util import accelerators
from landscape_cli.util.host_memory import host_memory

SHARE = 0.5
"""Fraction of the free memory that a basis may take."""

TOGETHER = 4
"""Number of vectors that are multiplied at once where they are known at once."""


class Space(Protocol):
    """The vectors of an operator, of P entries."""

    @property
    def size(self) -> int:
        """The number of rows P."""

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the products, in which vectors are worth keeping."""

    @property
    def device(self) -> torch.device:
        """The device of vectors."""


class Operator(Space, Protocol):
    """A symmetric matrix of P rows, by its products; the same vectors give the same bits."""

    def __call__(self, vectors: Tensor) -> Tensor:
        """Return the products with float64 vectors of shape (k, P), in float64 and this shape."""


class NotFiniteError(ProblemError):
    """A product with a finite vector is not finite."""


def product(operator: Operator, vectors: Tensor) -> Tensor:
    """Multiply the operator with vectors of shape (P,) or (k, P).

    Raises:
        NotFiniteError: if a product is not finite.
    """
    single = vectors.dim() == 1
    products = operator(vectors[None] if single else vectors)
    if not bool(torch.isfinite(products).all()):
        raise NotFiniteError(
            "curvature: a product of the matrix with a vector is not finite; the loss, or a "
            "derivative of it, overflows or is undefined at these weights"
        )
    return products[0] if single else products


def holds(space: Space, vectors: int, processes: int = 1) -> bool:
    """Tell whether a basis takes at most half of the free memory; True if that is unknown.

    Args:
        space: says how large a vector is, and where it lies.
        vectors: the number of vectors.
        processes: number of processes that share the memory in the same way.
    """
    capacity = vectors_that_fit(space, processes)
    return capacity is None or vectors <= capacity


def vectors_that_fit(space: Space, processes: int = 1) -> int | None:
    """Count the vectors that half of the free memory holds; None if that is unknown."""
    if space.device.type == "cpu":
        free = host_memory(processes=processes).share(processes)
    else:
        free = accelerators.memory(space.device)[0] // processes
    if not free:
        return None
    return int(SHARE * free) // max(1, space.size * space.dtype.itemsize)
