"""The largest loss in a ball around the network, approached from below by projected ascent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from landscape_cli.evaluation.sharpness.base import (
    Centre,
    Found,
    Point,
    Settings,
    is_zero,
    random_sign_vector,
    rise,
)

if TYPE_CHECKING:
    from torch import Tensor

HALVINGS = 8
"""How often a step is halved before the ascent ends."""

RANDOM_START = "the gradient is zero at the network, so the ascent starts at a random offset"


@dataclass(frozen=True)
class Ball:
    """The offsets d with ``|d / scale|_p <= radius``; entries of scale 0 do not move.

    Args:
        scale: float64, shape (P,).
        radius: rho.
        infinite: p is infinity, else 2.
    """

    scale: Tensor
    radius: float
    infinite: bool = False

    def farthest(self, gradient: Tensor) -> Tensor | None:
        """Return the offset of the ball that is farthest along a gradient.

        It is where an ever longer step along the gradient ends when it is projected back onto the
        ball (in coordinates ``d / scale``). For p = 2 it is ``rho s^2 g / |s g|``, for p = infinity
        ``rho s sign(g)``.

        Returns:
            float64, shape (P,); None if no entry that may move has a gradient.
        """
        scaled = self.scale * gradient
        if is_zero(scaled):
            return None
        step = scaled.sign() if self.infinite else scaled / scaled.norm()
        return self.radius * self.scale * step

    def random(self, seed: int) -> Tensor:
        """Return a random offset at the ball's edge."""
        signs = random_sign_vector(self.scale, seed)
        count = 1.0 if self.infinite else math.sqrt(max(1, int((self.scale != 0).sum())))
        return self.radius * self.scale * signs / count


def first_order_rise(point: Point, centre: Centre, ball: Ball, zero: str) -> Found:
    """Return the rise of the loss after one step to the ball's edge along the gradient."""
    offset = ball.farthest(centre.gradient)
    if offset is None:
        return Found(0.0, length=0.0, note=zero)
    return Found(rise(point, centre, offset), length=float(offset.norm()))


def largest_rise(point: Point, centre: Centre, ball: Ball, settings: Settings) -> Found:
    """Return the largest rise of the loss in a ball that an ascent finds: a lower bound of it.

    Each step goes to the point of the ball farthest along the gradient, or only part of the way,
    halved until the loss rises. So the first step is that of ``first_order_rise``, the loss never
    falls, and on a convex loss every step is a whole one. Where the gradient is zero, the ascent
    starts at a random point of the ball's edge.

    Args:
        point: the loss and its gradient.
        centre: the network's own point.
        ball: the offsets.
        settings: with the number of steps, and the seed.
    """
    import torch

    offset, best, note = torch.zeros_like(centre.weights), 0.0, ""
    gradient = centre.gradient
    for number in range(settings.steps):
        if number:
            gradient = point.gradient(offset)
        target = ball.farthest(gradient)
        if target is None and not number:
            offset, note = ball.random(settings.seed), RANDOM_START
            best = rise(point, centre, offset)
            continue
        if target is None or torch.equal(target, offset):
            break
        moved = _climb(point, centre, offset, target, best)
        if moved is None:
            break
        offset, best = moved
        if not math.isfinite(best):
            break
    return Found(max(best, 0.0), length=float(offset.norm()), note=note)


def _climb(
    point: Point, centre: Centre, offset: Tensor, target: Tensor, best: float
) -> tuple[Tensor, float] | None:
    """Return a higher point on the way to a target and its rise; None if none is found."""
    for halving in range(HALVINGS):
        there = offset + (target - offset) * 0.5**halving
        found = rise(point, centre, there)
        if found > best or math.isnan(found):
            return there, found
    return None
