"""Bezier curves."""

from __future__ import annotations

import numpy as np

from landscape_cli.records.curves.base import CurveShape, Numbers, binomials


class Bezier(CurveShape):
    """c_k(t) = C(K-1, k) t^k (1-t)^(K-1-k): smooth, from end to end (Garipov et al. 2018, sec. 3).

    Only the ends lie on the curve; it is drawn towards the points between them.
    """

    name = "bezier"
    title = "Bézier curve"

    def coefficients(self, t: float) -> Numbers:
        """Return the Bernstein polynomials of degree K - 1 at t."""
        return _bernstein(self.points - 1, t)

    def derivatives(self, t: float) -> Numbers:
        """Return (K-1) (b_{k-1}(t) - b_k(t)) with the polynomials b of degree K - 2."""
        degree = self.points - 1
        lower = degree * _bernstein(degree - 1, t)
        change: Numbers = np.concatenate([[0.0], lower]) - np.concatenate([lower, [0.0]])
        return change

    @property
    def knots(self) -> tuple[float, ...]:
        """The ends: the curve is smooth."""
        return (0.0, 1.0)


def _bernstein(degree: int, t: float) -> Numbers:
    powers = np.arange(degree + 1)
    found: Numbers = np.array(binomials(degree)) * t**powers * (1 - t) ** (degree - powers)
    return found
