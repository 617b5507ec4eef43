"""Polygonal chains."""

from __future__ import annotations

import math

import numpy as np

from landscape_cli.records.curves.base import CurveShape, Numbers


class Chain(CurveShape):
    """Straight pieces from point to point: c_k(t) = max(0, 1 - |t (K-1) - k|).

    Each piece takes the same share of t (Garipov et al. 2018, sec. 3). With two points, it is the
    straight line.
    """

    name = "chain"
    title = "polygonal chain"

    def coefficients(self, t: float) -> Numbers:
        """Return the weights of the two points next to t."""
        apart = np.abs(t * (self.points - 1) - np.arange(self.points))
        found: Numbers = np.maximum(0.0, 1 - apart)
        return found

    def derivatives(self, t: float) -> Numbers:
        """Return those of the piece that begins at t or contains it; of the last piece at 1."""
        pieces = self.points - 1
        number = min(max(math.floor(t * pieces), 0), pieces - 1)
        change = np.zeros(self.points)
        change[number], change[number + 1] = -pieces, pieces
        return change

    @property
    def knots(self) -> tuple[float, ...]:
        """The places of the points."""
        return tuple((np.arange(self.points) / (self.points - 1)).tolist())
