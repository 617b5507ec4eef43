"""The sharpness that adaptive SAM (ASAM) minimizes, to first order."""

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


class AdaptiveSam(SharpnessMeasure):
    """``L(w + rho T^2 g / |T g|) - L(w)`` with ``T = |w|``, entry by entry: Kwon et al. 2021.

    It is one step towards the adaptive sharpness of arXiv 2102.11600, the largest rise within
    ``|e / |w|| <= rho``, and unlike SAM's it does not change when weights are rescaled without
    effect. The paper's training adds a small constant to T, which is left out here. Weights of 0
    do not move.
    """

    title: ClassVar[str] = "adaptive SAM"
    definition: ClassVar[str] = "L(w + rho T^2 g/|T g|) - L(w), T = |w|"
    source: ClassVar[str] = "Kwon et al. 2021 (arXiv 2102.11600), element-wise operator"
    radii: ClassVar[tuple[float, ...]] = (0.5,)

    def measure(self, point: Point, centre: Centre, radius: float, settings: Settings) -> Found:
        """Compute the rise after one step to the edge of the rescaled ball."""
        return first_order_rise(point, centre, Ball(centre.weights.abs(), radius), ZERO_GRADIENT)

    def passes(self, settings: Settings) -> int:
        """Return how many losses and gradients it takes."""
        return 1
