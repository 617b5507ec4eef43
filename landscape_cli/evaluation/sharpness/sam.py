"""The sharpness that sharpness-aware minimization (SAM) minimizes, to first order."""

from __future__ import annotations

from typing import ClassVar

from landscape_cli.evaluation.sharpness.ascent_in_ball import Ball, first_order_rise
from landscape_cli.evaluation.sharpness.base import (
    ZERO_GRADIENT,
    Centre,
    Found,
    Point,
    Settings,
    SharpnessMeasure,
)


class Sam(SharpnessMeasure):
    """``L(w + rho g / |g|) - L(w)``: Foret et al. 2021 (arXiv 2010.01412), equation 2 for p = 2.

    On a quadratic it is ``rho |g| + rho^2 g'Hg / (2 |g|^2)``. Where the gradient is zero there is
    no such step, and the value is 0, with a note.
    """

    title: ClassVar[str] = "SAM, one step"
    definition: ClassVar[str] = "L(w + rho g/|g|) - L(w)"
    source: ClassVar[str] = "Foret et al. 2021 (arXiv 2010.01412), eq. 2"
    radii: ClassVar[tuple[float, ...]] = (0.05,)

    def measure(self, point: Point, centre: Centre, radius: float, settings: Settings) -> Found:
        """Compute the rise after one step of length rho along the gradient."""
        import torch

        ball = Ball(torch.ones_like(centre.weights), radius)
        return first_order_rise(point, centre, ball, ZERO_GRADIENT)

    def passes(self, settings: Settings) -> int:
        """Return how many losses and gradients it takes."""
        return 1
