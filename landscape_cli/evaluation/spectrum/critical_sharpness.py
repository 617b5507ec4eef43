"""Critical sharpness: curvature along the gradient, from a handful of losses.

Kalra et al. 2026, *A Scalable Measure of Loss Landscape Curvature for Analyzing the Training
Dynamics of LLMs* (arXiv 2601.16979): 2 / eta for the smallest step eta along the negative gradient
at which the loss is no longer below its value. On a quadratic that is g.Hg / |g|^2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

GROWTH = 2.0
"""Factor between the steps that are tried until the loss has risen."""

DECREASE = 4.0
"""Factor between the steps that are tried until the loss has fallen, if the guess is too large."""

MOST = 40
"""Largest number of losses."""

ACCURACY = 1e-3
"""Relative change of the step below which it counts as found."""


def critical_sharpness(
    loss_after: Callable[[float], float],
    loss: float,
    square: float,
    guess: float,
    rounding: float,
) -> float:
    """Return 2 / eta, where eta is the step at which the loss is back at its value.

    From half the guess, steps become smaller until the loss has fallen, or else grow until it has
    risen; then the root of (L(eta) - L(0)) / eta is bracketed by regula falsi (Illinois), which is
    exact after one step on a quadratic.

    Args:
        loss_after: returns the loss after a step eta along the negative gradient.
        loss: the loss at 0.
        square: the square of the gradient's norm.
        guess: a first step, such as 2 divided by the largest eigenvalue.
        rounding: relative error of a loss.

    Returns:
        NaN if the fall of the loss along the way is lost in rounding, or it never rises again.
    """
    if not (square > 0 and math.isfinite(square * guess) and guess > 0):
        return math.nan

    def slope(step: float) -> float:
        value = loss_after(step)
        return (value - loss) / step if math.isfinite(value) else math.inf

    def lost(step: float) -> bool:
        return square * step / 2 < 8 * rounding * abs(loss)

    step = guess / 2
    if lost(step):
        return math.nan
    at, tried = slope(step), 1
    low, high = ((0.0, -square), (step, at)) if at >= 0 else ((step, at), (math.inf, math.inf))
    while low[0] == 0 or high[0] == math.inf:
        step = step / DECREASE if low[0] == 0 else step * GROWTH
        if lost(step) or tried == MOST or not math.isfinite(step):
            return math.nan
        at, tried = slope(step), tried + 1
        low, high = (low, (step, at)) if at >= 0 else ((step, at), high)
    return 2 / _root(slope, low, high, MOST - tried)


def _root(
    slope: Callable[[float], float],
    below: tuple[float, float],
    above: tuple[float, float],
    tries: int,
) -> float:
    """Return where the slope is 0, between a place where it is negative and one where it is not."""
    step = above[0]
    for _ in range(max(1, tries)):
        (low, at_low), (high, at_high) = below, above
        before = step
        step = (
            (low + high) / 2
            if at_high == math.inf
            else low - at_low * (high - low) / (at_high - at_low)
        )
        value = slope(step)
        if value >= 0:
            above, below = (step, value), (low, at_low / 2 if before >= high else at_low)
        else:
            below, above = (step, value), (high, at_high / 2 if before <= low else at_high)
        if abs(step - before) <= ACCURACY * step or value == 0:
            break
    return step
