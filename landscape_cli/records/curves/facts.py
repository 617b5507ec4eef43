"""A curve as a surface file describes it: enough for lengths along it, without its points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landscape_cli.records.curves import CURVES, curve_of
from landscape_cli.records.curves.base import CurveShape, Numbers

KEY = "curve"
"""Key of the provenance."""


@dataclass(frozen=True)
class CurveFacts:
    """The shape of a curve, and the inner products of its points.

    Args:
        shape: the coefficients of its K points.
        gram: inner products of the points' differences from the first one, of shape (K, K).
    """

    shape: CurveShape
    gram: Numbers

    @property
    def length(self) -> float:
        """The length of the curve."""
        return self.shape.length(self.gram)

    @property
    def straight(self) -> float:
        """The distance of its ends."""
        apart = self.shape.coefficients(1.0) - self.shape.coefficients(0.0)
        return float(np.sqrt(max(0.0, float(apart @ self.gram @ apart))))

    def lengths(self, places: Numbers) -> Numbers:
        """Return the lengths of the curve from t = 0 to other places, in their shape.

        Beyond the ends, there is no curve, and the length is NaN.
        """
        found = [
            self.shape.length(self.gram, t) if 0 <= t <= 1 else np.nan for t in places.tolist()
        ]
        return np.array(found)

    def as_mapping(self) -> dict[str, Any]:
        """Return what a surface's provenance holds."""
        return {
            "shape": self.shape.name,
            "points": self.shape.points,
            "length": self.length,
            "gram": self.gram.tolist(),
        }

    @classmethod
    def of_surface(cls, provenance: Mapping[str, Any], axes: Sequence[str]) -> CurveFacts | None:
        """Return the curve along which a surface was computed, None if it is no curve.

        Args:
            provenance: of the surface.
            axes: the names of its axes.

        Raises:
            ValueError: if what the provenance says of it is no curve.
        """
        facts = provenance.get(KEY)
        if facts is None or tuple(axes) != ("x",):
            return None
        if facts["shape"] not in CURVES or facts["points"] < 2:
            raise ValueError(f"curve: there is no {facts['shape']} of {facts['points']} points")
        gram = np.array(facts["gram"], dtype=np.float64)
        if gram.shape != 2 * (facts["points"],):
            raise ValueError(f"curve.gram: of shape {gram.shape} for {facts['points']} points")
        return cls(curve_of(facts["shape"], facts["points"]), gram)
