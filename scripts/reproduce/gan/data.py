"""Data that generators learn: a ring of eight Gaussians, and handwritten digits."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from landscape_cli.problems.zoo import digits

MODES, RADIUS, DEVIATION = 8, 1.0, 0.05
"""Number of Gaussians on the ring, its radius, and their standard deviation."""


def centres() -> Tensor:
    """Return the centres of the ring's Gaussians, (8, 2)."""
    angles = torch.arange(MODES) * (2 * math.pi / MODES)
    return RADIUS * torch.stack([angles.cos(), angles.sin()], dim=1)


def ring(count: int, generator: torch.Generator) -> Tensor:
    """Draw samples of the ring, (count, 2)."""
    places = torch.randint(MODES, (count,), generator=generator)
    return centres()[places] + DEVIATION * torch.randn(count, 2, generator=generator)


def images(split: str) -> tuple[Tensor, Tensor]:
    """Return scikit-learn's digits with pixels from -1 to 1, (n, 64), and their labels, (n,)."""
    splits = digits.load().splits
    pixels, labels = splits[split].tensors
    low, high = (float(end) for end in torch.aminmax(splits["train"].tensors[0]))
    return (2 * (pixels.flatten(1) - low) / (high - low) - 1), labels
