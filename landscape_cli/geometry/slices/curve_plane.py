"""The plane through both ends of a curve and one of its bends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field, PrivateAttr
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import Direction, Range
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import AffineSlice, build_slice
from landscape_cli.geometry.slices.base import Landmark, SliceContext, SliceFacts
from landscape_cli.geometry.slices.curve_points import CurveFileRecipe, products_of
from landscape_cli.records.curves import curve_of
from landscape_cli.records.curves.base import Numbers
from landscape_cli.records.curves.plane import KEY, CollinearError, CurveInPlane, basis_of
from landscape_cli.util.tensors import wide_dtype

AXES = ("x", "y")
"""The axes: along the line through the ends, and from it to the bend."""


class UnitDirection(LoadedDirection):
    """A unit vector of the basis of a curve's plane.

    Attributes:
        path: the curve file.
    """

    kind: Literal["curve-plane"] = "curve-plane"
    path: str

    _where: str = PrivateAttr(default="")

    def leading(self, where: str) -> UnitDirection:
        """Return this direction with words for where it leads, such as "to b"."""
        copy = self.model_copy()
        copy._where = where
        return copy

    def label(self) -> str:
        """Return a label that says where it leads."""
        return f"unit vector {self._where}"


class CurvePlaneRecipe(CurveFileRecipe):
    """The plane through both ends of a curve and a bend, in an orthonormal basis.

    Coordinates are Euclidean distances from the checkpoint, which is one of the ends (Garipov et
    al. 2018, fig. 1).

    Attributes:
        path: the curve file, such as ``ab.curve.h5``.
        bend: the number of the bend, 1 for the first; the middle one if left out.
    """

    kind: Literal["curve-plane"] = "curve-plane"
    bend: int | None = Field(default=None, ge=1)

    def check(self, axes: Sequence[str], repeats: int, directions: Mapping[str, Direction]) -> None:
        """Refuse other axes than x and y, repeats and directions."""
        if tuple(axes) != AXES:
            raise UsageError(
                f"grid: got axes {', '.join(axes)}, but a slice of kind curve-plane has x and y; "
                "give both a range, or auto (kind curve has only x)"
            )
        super().check(axes, repeats, directions)

    def build(self, context: SliceContext) -> CurvePlane:
        """Span the plane.

        Raises:
            UsageError: if there is no such bend, it lies on the line through the ends, or the
                network at the centre is not one of the ends.
        """
        assert context.loaded is not None
        points, ends = context.loaded.tensors, [str(end) for end in context.loaded.facts["ends"]]
        bend, origin = self._bend(len(points)), self.own_end(context)
        shape = curve_of(str(context.loaded.facts["shape"]), len(points))
        try:
            curve = CurveInPlane.of_points(shape, products_of(points), bend, ends, origin)
        except CollinearError as error:
            raise UsageError(
                f"slice: in {self.path}, {error}, so they span no plane; train the curve, or draw "
                "the line by kind curve"
            ) from None
        basis = _basis(points, bend, origin)
        other = curve.names[0 if origin else 1]
        which = "the bend" if len(points) == 3 else f"bend {bend}"
        words = (f"to {other}", f"to {which}, orthogonal to x")
        directions = {
            axis: UnitDirection(path=self.path).leading(where).holding(entries)
            for axis, where, entries in zip(AXES, words, basis, strict=True)
        }
        return CurvePlane.spanned(context.parameters, directions, curve, origin)

    def _bend(self, points: int) -> int:
        """Return the number of the plane's bend."""
        if points == 2:
            raise UsageError(
                f"slice: the curve in {self.path} has no bend, so it spans no plane; use kind curve"
            )
        if self.bend is not None and self.bend > points - 2:
            raise UsageError(
                f"slice.bend: got {self.bend}, but the curve in {self.path} has {points - 2}; "
                f"choose {'1' if points == 3 else f'1 to {points - 2}'}"
            )
        return self.bend or (points - 1) // 2


class CurvePlane(AffineSlice):
    """The plane of a curve, in an orthonormal basis around one of its ends.

    Args:
        centre: the parameters at that end.
        directions: the basis by axis.
        recipes: its recipes.
        curve: where the curve runs.
        origin: the number of the end at the origin among the curve's points.
    """

    def __init__(
        self,
        centre: FlatParameters,
        directions: Mapping[str, FlatParameters],
        recipes: Mapping[str, Direction],
        curve: CurveInPlane,
        origin: int,
    ) -> None:
        super().__init__(centre, directions, recipes)
        self.curve, self._end = curve, origin

    @classmethod
    def spanned(
        cls,
        parameters: FlatParameters,
        directions: Mapping[str, Direction],
        curve: CurveInPlane,
        origin: int,
    ) -> CurvePlane:
        """Lay the basis out like a network's parameters, around them."""
        plain = build_slice(parameters.clone(), directions)
        return cls(plain.centre, plain.directions, directions, curve, origin)

    def range(self, axis: str) -> Range | None:
        """Return a range that shows the curve, its ends and bends, with a margin."""
        return *self.curve.range(AXES.index(axis)), "the curve and its points, with a margin"

    def landmarks(self) -> list[Landmark]:
        """Return the end at which the trained network is not."""
        other = 0 if self._end else -1
        x, y = self.curve.points[other].tolist()
        return [Landmark(self.curve.ends[other], (x, y), 0.0, abs(x))]

    def facts(self) -> SliceFacts:
        """Return those of the directions, and where the curve runs."""
        facts = super().facts()
        return replace(facts, details={**facts.details, KEY: self.curve.as_mapping()})


def _basis(
    points: Sequence[Mapping[str, Tensor]], bend: int, origin: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the unit vectors towards the other end, and from there to the bend, in float64."""
    other = len(points) - 1 - origin
    first = points[origin]
    three: Numbers = products_of([first, points[bend], points[other]])
    basis = basis_of(three, 1)
    x, y = {}, {}
    for name, tensor in first.items():
        start = tensor.double()
        along = (points[other][name].double() - start) / basis.apart
        off = (points[bend][name].double() - start - basis.along * along) / basis.off
        x[name], y[name] = along.to(wide_dtype(tensor)), off.to(wide_dtype(tensor))
    return x, y
