"""A curve over a plane: where it runs, and how far off the plane it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landscape_cli.errors import StoreError
from landscape_cli.records.curves import end_names
from landscape_cli.records.curves.base import CurveShape, Numbers

KEY = "curve_plane"
"""Key of the provenance."""

SAMPLES = 201
"""Places along a curve at which its coordinates are stored, besides its knots."""

COLLINEAR = 1e-4
"""Distance of a bend from the line through the ends, as a fraction of theirs, that is too small."""

MARGIN = 0.2
"""Part of the extent of a curve by which a picture goes beyond it on each side."""


class CollinearError(ValueError):
    """The two ends and the bend lie on one line, and span no plane."""


@dataclass(frozen=True)
class PlaneBasis:
    """An orthonormal basis of the plane through both ends of a curve and one of its bends.

    With the origin w_o, the other end w_e and the bend w_b: u = w_e - w_o,
    v = (w_b - w_o) - <w_b - w_o, u> u / |u|^2, and both divided by their norms, so that coordinates
    are Euclidean distances (Garipov et al. 2018, fig. 1).

    Args:
        apart: |u|, the distance of the ends.
        along: the bend's coordinate along u / |u|.
        off: |v|, its coordinate along v / |v|.
    """

    apart: float
    along: float
    off: float


@dataclass(frozen=True)
class CurveInPlane:
    """A curve's coordinates in a plane through its ends and a bend.

    Args:
        shape: the name of its shape, such as ``bezier``.
        ends: a name for each end.
        bend: the number of the plane's bend, 1 for the first.
        points: coordinates of the K points w_k, of shape (K, 2), the ends first and last.
        point_residuals: their Euclidean distances from the plane, of shape (K,).
        t: places along the curve, ascending from 0 to 1, of shape (m,).
        coordinates: of the curve there, projected onto the plane, of shape (m, 2).
        residuals: Euclidean distances of the curve from the plane there, of shape (m,).
    """

    shape: str
    ends: tuple[str, str]
    bend: int
    points: Numbers
    point_residuals: Numbers
    t: Numbers
    coordinates: Numbers
    residuals: Numbers

    def __post_init__(self) -> None:
        for places, distances in (
            (self.points, self.point_residuals),
            (self.coordinates, self.residuals),
        ):
            if places.shape != (len(places), 2) or len(places) < 2:
                raise StoreError(f"{KEY}: expected two points or more, each a pair of numbers")
            if distances.shape != (len(places),) or not np.isfinite(places).all():
                raise StoreError(f"{KEY}: expected finite coordinates, and a residual for each")
        if self.t.shape != self.residuals.shape or len(self.ends) != 2:
            raise StoreError(f"{KEY}: expected a place t for each point, and two ends")

    @property
    def residual(self) -> float:
        """The largest distance of the curve from the plane."""
        return float(self.residuals.max())

    @property
    def names(self) -> tuple[str, str]:
        """Short names of the ends: their stems if these differ."""
        return end_names(self.ends)

    @property
    def bends(self) -> Numbers:
        """Coordinates of the bends, of shape (K - 2, 2)."""
        return self.points[1:-1]

    @property
    def straight(self) -> Numbers:
        """Coordinates of both ends, of shape (2, 2)."""
        return self.points[[0, -1]]

    def range(self, axis: int) -> tuple[float, float]:
        """Return the range of an axis that shows the curve and its points, with a margin."""
        places = np.concatenate([self.points, self.coordinates])[:, axis]
        low, high = float(places.min()), float(places.max())
        margin = MARGIN * (high - low)
        return low - margin, high + margin

    def as_mapping(self) -> dict[str, Any]:
        """Return what a surface's provenance holds."""
        return {
            "shape": self.shape,
            "ends": list(self.ends),
            "bend": self.bend,
            **{
                name: getattr(self, name).tolist()
                for name in ("points", "point_residuals", "t", "coordinates", "residuals")
            },
        }

    @classmethod
    def of_points(
        cls, shape: CurveShape, gram: Numbers, bend: int, ends: Sequence[str], origin: int = 0
    ) -> CurveInPlane:
        """Return the coordinates of a curve in the plane through its ends and a bend.

        Args:
            shape: the coefficients of its K points.
            gram: inner products of the points' differences from any origin, of shape (K, K).
            bend: the number of a point between the ends.
            ends: a name for each end.
            origin: the number of the end at the origin, 0 or K - 1.

        Raises:
            CollinearError: if the bend lies on the line through the ends.
        """
        gram = _from_origin(gram, origin)
        basis = basis_of(gram, bend, origin)
        points = _coordinates(gram, basis, bend, origin)
        # The residuals' inner products; those of the three points that span the plane are 0.
        left = gram - points @ points.T
        three = [0, bend, len(gram) - 1]
        left[three], left[:, three] = 0.0, 0.0
        t = np.union1d(np.linspace(0, 1, SAMPLES), shape.knots)
        c = np.array([shape.coefficients(place) for place in t.tolist()])
        squares = np.einsum("mi,ij,mj->m", c, left, c)
        return cls(
            shape=shape.name,
            ends=(ends[0], ends[1]),
            bend=bend,
            points=points,
            point_residuals=np.sqrt(np.maximum(0.0, np.diag(left))),
            t=t,
            coordinates=c @ points,
            residuals=np.sqrt(np.maximum(0.0, squares)),
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> CurveInPlane:
        """Read the output of ``as_mapping``.

        Raises:
            StoreError: if the values are malformed.
        """
        try:
            arrays = {
                name: np.array(values[name], dtype=np.float64)
                for name in ("points", "point_residuals", "t", "coordinates", "residuals")
            }
            first, last = values["ends"]
            shape, bend = str(values["shape"]), int(values["bend"])
            return cls(shape, (str(first), str(last)), bend, **arrays)
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise StoreError(f"{KEY}: not as this program writes it ({error})") from None


def curve_over(provenance: Mapping[str, Any]) -> CurveInPlane | None:
    """Return the curve whose plane a surface shows, None if it is another surface.

    Raises:
        StoreError: if what the provenance says of it is damaged.
    """
    values = provenance.get(KEY)
    return None if values is None else CurveInPlane.from_mapping(values)


def basis_of(gram: Numbers, bend: int, origin: int = 0) -> PlaneBasis:
    """Return the basis of the plane through both ends of a curve and a bend.

    Args:
        gram: inner products of the points' differences from the one at the origin, of shape (K, K).
        bend: the number of a point between the ends.
        origin: the number of the end at the origin, 0 or K - 1.

    Raises:
        CollinearError: if the ends are the same, or the bend lies on the line through them, up to
            ``COLLINEAR``.
    """
    other = len(gram) - 1 - origin
    apart = math.sqrt(gram[other, other])
    if apart == 0:
        raise CollinearError("both ends are the same network")
    along = float(gram[other, bend]) / apart
    off = math.sqrt(max(0.0, float(gram[bend, bend]) - along**2))
    if not off > COLLINEAR * apart:
        raise CollinearError(
            f"bend {bend} lies on the straight line through the ends, up to {off:.2g} (they are "
            f"{apart:.3g} apart)"
        )
    return PlaneBasis(apart, along, off)


def _from_origin(gram: Numbers, origin: int) -> Numbers:
    """Return inner products of differences from one of the points."""
    row = gram[origin]
    found: Numbers = gram - row - row[:, None] + gram[origin, origin]
    return found


def _coordinates(gram: Numbers, basis: PlaneBasis, bend: int, origin: int) -> Numbers:
    """Return the coordinates of the points; those of the origin and on the axes are exact."""
    other = len(gram) - 1 - origin
    x = gram[other] / basis.apart
    y = (gram[bend] - basis.along * x) / basis.off
    x[origin], y[origin], x[other], y[other] = 0.0, 0.0, basis.apart, 0.0
    return np.column_stack([x, y])
