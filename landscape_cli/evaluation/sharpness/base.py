"""The contract of a measure of sharpness, and the questions it may ask of a network.

A measure describes itself without torch, which is imported only where numbers are computed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Point(Protocol):
    """The mean loss L(w + offset) and its gradient, at float64 offsets of shape (P,)."""

    def loss(self, offset: Tensor) -> float:
        """Return the loss at an offset."""
        ...

    def gradient(self, offset: Tensor) -> Tensor:
        """Return the gradient at an offset, float64, shape (P,)."""
        ...


@dataclass(frozen=True)
class Centre:
    """The network's own point.

    Args:
        weights: w, float64, shape (P,).
        loss: L(w).
        gradient: the gradient at w, float64, shape (P,).
    """

    weights: Tensor
    loss: float
    gradient: Tensor


@dataclass(frozen=True)
class Settings:
    """Settings that measures share.

    Args:
        steps: gradients of an ascent at most.
        draws: random offsets of a mean.
        seed: of everything random.
    """

    steps: int = 20
    draws: int = 100
    seed: int = 1


@dataclass(frozen=True)
class Found:
    """A measure's value at one radius.

    Args:
        value: the value; not finite if the loss was not.
        stderr: standard error of a mean over draws, else None.
        length: the offset's Euclidean length, where there is one offset; else None.
        note: a remark on how it came about, or "".
    """

    value: float
    stderr: float | None = None
    length: float | None = None
    note: str = field(default="")


class SharpnessMeasure(ABC):
    """A measure of sharpness of a network.

    Attributes:
        title: its name in a table.
        definition: the formula, in one line of text.
        source: paper and equation.
        radii: the radii it is computed at by default.
        symbol: what the radius is called in the paper.
    """

    title: ClassVar[str]
    definition: ClassVar[str]
    source: ClassVar[str]
    radii: ClassVar[tuple[float, ...]]
    symbol: ClassVar[str] = "rho"

    @abstractmethod
    def measure(self, point: Point, centre: Centre, radius: float, settings: Settings) -> Found:
        """Compute the measure at one radius."""

    @abstractmethod
    def passes(self, settings: Settings) -> int:
        """Return how many losses and gradients it takes at most, for progress."""


ZERO_GRADIENT = "the gradient is zero, so that the first-order step is undefined"


def rise(point: Point, centre: Centre, offset: Tensor) -> float:
    """Return L(w + offset) - L(w)."""
    return point.loss(offset) - centre.loss


def random_sign_vector(like: Tensor, seed: int) -> Tensor:
    """Return a vector of random signs, drawn on the CPU, float64, on the device of another."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(2, like.shape, generator=generator, dtype=torch.int8)
    return (2 * signs - 1).to(like.device, torch.float64)


def is_zero(vector: Tensor) -> bool:
    """Tell whether a vector has no direction."""
    return not float(vector.norm()) > 0 and math.isfinite(float(vector.norm()))
