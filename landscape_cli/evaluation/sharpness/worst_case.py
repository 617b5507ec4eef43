"""Worst-case adaptive sharpness, in two norms."""

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

SOURCE = "Andriushchenko et al. 2023 (arXiv 2302.07011), S_max"


class WorstCase2(SharpnessMeasure):
    """``max over |d / |w||_2 <= rho of L(w + d) - L(w)``: Andriushchenko et al. 2023.

    Several steps of ascent find a lower bound of it, whose first step is that of ``adaptive_sam``.
    """

    infinite: ClassVar[bool] = False
    title: ClassVar[str] = "worst adaptive, 2-norm"
    definition: ClassVar[str] = "max over |d/|w||_2 <= rho of L(w + d) - L(w)"
    source: ClassVar[str] = SOURCE
    radii: ClassVar[tuple[float, ...]] = (0.5,)

    def measure(self, point: Point, centre: Centre, radius: float, settings: Settings) -> Found:
        """Compute the largest rise that an ascent finds."""
        ball = Ball(centre.weights.abs(), radius, self.infinite)
        return largest_rise(point, centre, ball, settings)

    def passes(self, settings: Settings) -> int:
        """Return how many losses and gradients it takes if every step is a whole one."""
        return 2 * settings.steps - 1


class WorstCaseInf(WorstCase2):
    """``max over |d_i| <= rho |w_i| of L(w + d) - L(w)``: Andriushchenko et al. 2023."""

    infinite: ClassVar[bool] = True
    title: ClassVar[str] = "worst adaptive, inf-norm"
    definition: ClassVar[str] = "max over |d_i| <= rho |w_i| of L(w + d) - L(w)"
    radii: ClassVar[tuple[float, ...]] = (0.001,)
