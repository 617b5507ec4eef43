"""Average-case adaptive sharpness."""

from __future__ import annotations

import math
from typing import ClassVar

from landscape_cli.evaluation.sharpness.base import (
    Centre,
    Found,
    Point,
    Settings,
    SharpnessMeasure,
    rise,
)


class Average(SharpnessMeasure):
    """``mean of L(w + d) - L(w) for d ~ N(0, rho^2 diag(w^2))``: Andriushchenko et al. 2023.

    Draws come in pairs d and -d, which leaves the mean as it is and cancels the gradient's part.
    The standard error is that over pairs. On a quadratic the mean is
    ``rho^2 / 2 sum_i H_ii w_i^2``.
    """

    title: ClassVar[str] = "average adaptive"
    definition: ClassVar[str] = "mean of L(w + d) - L(w), d ~ N(0, rho^2 diag(w^2))"
    source: ClassVar[str] = "Andriushchenko et al. 2023 (arXiv 2302.07011), S_avg"
    radii: ClassVar[tuple[float, ...]] = (0.1,)

    def measure(self, point: Point, centre: Centre, radius: float, settings: Settings) -> Found:
        """Compute the mean rise over pairs of random offsets."""
        import torch

        generator = torch.Generator().manual_seed(settings.seed)
        scale, pairs = radius * centre.weights.abs(), []
        for _ in range(self._pairs(settings)):
            drawn = torch.randn(scale.shape, generator=generator, dtype=torch.float64)
            offset = scale * drawn.to(scale.device)
            pairs.append((rise(point, centre, offset) + rise(point, centre, -offset)) / 2)
        count, mean = len(pairs), sum(pairs) / len(pairs)
        if count < 2 or not math.isfinite(mean):
            return Found(mean)
        variance = sum((pair - mean) ** 2 for pair in pairs) / (count - 1)
        return Found(mean, math.sqrt(variance / count))

    def passes(self, settings: Settings) -> int:
        """Return how many losses it takes."""
        return 2 * self._pairs(settings)

    def _pairs(self, settings: Settings) -> int:
        return max(1, (settings.draws + 1) // 2)
