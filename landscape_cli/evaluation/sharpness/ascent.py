"""The largest rise of the loss within a distance, by several steps of ascent."""

from __future__ import annotations

from typing import ClassVar

from landscape_cli.evaluation.sharpness.ascent_in_ball import Ball, largest_rise
from landscape_cli.evaluation.sharpness.base import (
    Centre,
    Found,
    Point,
    Settings,
    SharpnessMeasure,
)


class Ascent(SharpnessMeasure):
    """``max over |e| <= rho of L(w + e) - L(w)``: Foret et al. 2021 (arXiv 2010.01412), equation 1.

    Several steps of projected ascent find a lower bound of it, whose first step is that of ``sam``.
    On a quadratic at its minimum, it converges to ``rho^2 lambda_max / 2``.
    """

    title: ClassVar[str] = "SAM, ascent"
    definition: ClassVar[str] = "max over |e| <= rho of L(w + e) - L(w)"
    source: ClassVar[str] = "Foret et al. 2021 (arXiv 2010.01412), eq. 1"
    radii: ClassVar[tuple[float, ...]] = (0.05,)

    def measure(self, point: Point, centre: Centre, radius: float, settings: Settings) -> Found:
        """Compute the largest rise that an ascent finds."""
        import torch

        return largest_rise(point, centre, Ball(torch.ones_like(centre.weights), radius), settings)

    def passes(self, settings: Settings) -> int:
        """Return how many losses and gradients it takes if every step is a whole one."""
        return 2 * settings.steps - 1
