"""Keskar's metric: the relative rise of the loss in a small box."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.sharpness.ascent_in_ball import RANDOM_START
from landscape_cli.evaluation.sharpness.base import (
    Centre,
    Found,
    Point,
    Settings,
    SharpnessMeasure,
    is_zero,
    random_sign_vector,
    rise,
)

if TYPE_CHECKING:
    from torch import Tensor

ITERATIONS = 10
"""Iterations of L-BFGS-B, as in the paper."""

LOSSES = 20
"""Upper bound on losses, each with its gradient, in these iterations."""

STEEPNESS = 10.0
"""Mean slope that the box's coordinates are scaled to, so that the first step reaches its sides."""


class Keskar(SharpnessMeasure):
    """``100 (max over C of L - L(w)) / (1 + L(w))``, C: ``|z_i| <= epsilon (|w_i| + 1)``.

    Keskar et al. 2017 (arXiv 1609.04836), metric 2.1, equations 3 and 4, in the full space. Ten
    iterations of L-BFGS-B find a lower bound of the maximum, as in the paper, here in coordinates
    in which the box is a cube. It takes some 25 vectors of the parameters' size in host memory.
    """

    title: ClassVar[str] = "Keskar, percent"
    definition: ClassVar[str] = (
        "100 (max over |z_i| <= epsilon (|w_i| + 1) of L(w + z) - L(w))/(1 + L(w))"
    )
    source: ClassVar[str] = "Keskar et al. 2017 (arXiv 1609.04836), eq. 3-4"
    radii: ClassVar[tuple[float, ...]] = (0.001, 0.0005)
    symbol: ClassVar[str] = "epsilon"

    def measure(self, point: Point, centre: Centre, radius: float, settings: Settings) -> Found:
        """Compute the metric from the largest loss that L-BFGS-B evaluates.

        Raises:
            ProblemError: if the loss is -1 or less, for which the metric is not defined.
        """
        import torch

        if centre.loss <= -1:
            raise ProblemError(
                f"objective: Keskar's metric divides by 1 + L, and L is {centre.loss:.6g}; leave "
                "keskar out, or return a loss above -1"
            )
        sides = radius * (centre.weights.abs() + 1)
        start, note = torch.zeros_like(sides), ""
        gradient = centre.gradient
        best = _Best()
        if is_zero(gradient):
            start, note = 0.5 * random_sign_vector(sides, settings.seed), RANDOM_START
            gradient = point.gradient(sides * start)
            best.note(rise(point, centre, sides * start), sides * start)
        slope = float((sides * gradient).abs().mean())
        if slope > 0 and math.isfinite(slope):
            _maximize(point, centre, sides, start, STEEPNESS / slope, best)
        return Found(100 * best.rise / (1 + centre.loss), length=best.length, note=note)

    def passes(self, settings: Settings) -> int:
        """Return how many losses and gradients it takes at most."""
        return 2 * LOSSES


class _Best:
    """The largest rise so far, and how far away it was."""

    def __init__(self) -> None:
        self.rise, self.length = 0.0, 0.0

    def note(self, found: float, offset: Tensor) -> None:
        if found > self.rise or math.isnan(found):
            self.rise, self.length = found, float(offset.norm())


def _maximize(
    point: Point, centre: Centre, sides: Tensor, start: Tensor, scale: float, best: _Best
) -> None:
    """Maximize the loss in the box by L-BFGS-B, noting the largest."""
    import numpy as np
    import torch
    from scipy.optimize import Bounds, minimize

    def descend(place: Any) -> tuple[float, Any]:
        offset = sides * torch.from_numpy(np.array(place)).to(sides.device)
        found = rise(point, centre, offset)
        best.note(found, offset)
        slope = (sides * point.gradient(offset)).cpu().numpy()
        if not (math.isfinite(found) and np.isfinite(slope).all()):
            return 0.0, np.zeros_like(slope)  # flat there, so that the search ends
        return -scale * found, -scale * slope

    side = np.ones(len(start))
    minimize(
        descend,
        start.cpu().numpy(),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(-side, side),
        options={"ftol": 0.0, "gtol": 0.0, "maxiter": ITERATIONS, "maxfun": LOSSES},
    )
