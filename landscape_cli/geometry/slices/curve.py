"""Slices along a curve between two networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import Direction, Range
from landscape_cli.geometry.inner_products import dot
from landscape_cli.geometry.parameters import FlatParameters, digest
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.slices.base import (
    Landmark,
    Locations,
    Slice,
    SliceContext,
    SliceFacts,
)
from landscape_cli.geometry.slices.curve_points import CurveFileRecipe, products_of
from landscape_cli.records.curves import curve_of, end_names
from landscape_cli.records.curves.base import CurveShape
from landscape_cli.records.curves.facts import CurveFacts


class CurveRecipe(CurveFileRecipe):
    """A curve phi(t) = sum_k c_k(t) w_k found by ``landscape connect``, by t from 0 to 1.

    Attributes:
        path: the curve file, such as ``ab.curve.h5``.
    """

    kind: Literal["curve"] = "curve"

    def check(self, axes: Sequence[str], repeats: int, directions: Mapping[str, Direction]) -> None:
        """Refuse more than one axis, repeats and directions."""
        if tuple(axes) != ("x",):
            raise UsageError(
                f"grid: got axes {', '.join(axes)}, but a slice of kind curve has only x, from 0 "
                "to 1; leave out the others (kind curve-plane has x and y)"
            )
        super().check(axes, repeats, directions)

    def build(self, context: SliceContext) -> CurveSlice:
        """Lay the curve through its points.

        Raises:
            UsageError: if the network at the centre is not one of the curve's ends.
        """
        assert context.loaded is not None
        shape = curve_of(str(context.loaded.facts["shape"]), len(context.loaded.tensors))
        points = []
        for tensors in context.loaded.tensors:
            flat = context.parameters.widened().zeros()
            flat.assign(tensors)
            points.append(flat)
        ends = context.loaded.facts["ends"]
        origin = 0.0 if self.own_end(context) == 0 else 1.0
        return CurveSlice(shape, points, origin, self.path, ends)

    def range(self, axis: str) -> Range | None:
        """Return the whole curve."""
        return 0.0, 1.0, f"the curve in {self.path}"


class CurveSlice(Slice):
    """The points of a curve.

    Args:
        shape: the coefficients of the points.
        points: parameters w_k laid out alike, the ends first and last.
        origin: 0 or 1, the end at which the trained network is.
        path: the curve file.
        ends: a name for each end.
    """

    def __init__(
        self,
        shape: CurveShape,
        points: Sequence[FlatParameters],
        origin: float,
        path: str,
        ends: Sequence[str],
    ) -> None:
        self.shape = shape
        self.points = list(points)
        self._origin, self._path, self._ends = origin, path, tuple(ends)

    @property
    def origin(self) -> tuple[float, ...]:
        """The end at which the trained network is."""
        return (self._origin,)

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write sum_k c_k(t) w_k; the ends are their points bit for bit."""
        (t,) = coordinates
        write_point(self.points, self.shape.coefficients(t).tolist(), out)

    def slopes(
        self, coordinates: Sequence[float], gradient: Mapping[str, Tensor]
    ) -> dict[str, float]:
        """Return the derivative of the loss by t: sum_k c_k'(t) g . w_k."""
        (t,) = coordinates
        host = {name: entries.cpu() for name, entries in gradient.items()}
        along = [dot(host, self._from_first(number)) for number in range(len(self.points))]
        return {"x": float(self.shape.derivatives(t) @ np.array(along))}

    def unit(self, axis: str) -> float | None:
        """Return None: the range of t needs no probing."""
        return None

    @cached_property
    def gram(self) -> NDArray[np.float64]:
        """Inner products of the points' differences from the first, of shape (K, K)."""
        return gram_of(self.points)

    def locate(self, networks: Differences) -> Locations:
        """Return the nearest places on the curve."""
        rows, squares = [], []
        points = [self._from_first(number) for number in range(len(self.points))]
        for network in networks.checkpoints():
            apart = {name: tensor.double() - self._at(0, name) for name, tensor in network.items()}
            rows.append(np.array([dot(apart, point) for point in points]))
            squares.append(dot(apart, apart))
        places = [self.shape.nearest(self.gram, row) for row in rows]
        found = list(zip(places, rows, squares, strict=True))
        return Locations(
            np.array(places).reshape(-1, 1),
            np.array([self._distance(t, row, square) for t, row, square in found]),
            np.array([self._distance(self._origin, row, square) for _, row, square in found]),
        )

    def _distance(self, t: float, products: NDArray[np.float64], square: float) -> float:
        """Return a network's distance from a place, from its products with the points."""
        c = self.shape.coefficients(t)
        return math.sqrt(max(0.0, square + float(c @ self.gram @ c - 2 * c @ products)))

    def landmarks(self) -> list[Landmark]:
        """Return the end at which the trained network is not."""
        other = 1.0 - self._origin
        distance = CurveFacts(self.shape, self.gram).straight
        return [Landmark(str(self._ends[round(other)]), (other,), 0.0, distance)]

    def facts(self) -> SliceFacts:
        """Return the curve's shape and a hash of each point; its inner products and length."""
        gram, (first, last) = self.gram, end_names(self._ends)
        facts = SliceFacts.of_slice(
            "curve",
            self.origin,
            {"x": f"t along the {self._words()} from {first} to {last}"},
            shape=self.shape.name,
            sha256=[digest(point.views) for point in self.points],
        )
        return replace(facts, details={"curve": CurveFacts(self.shape, gram).as_mapping()})

    def _words(self) -> str:
        return "straight line" if self.shape.points == 2 else self.shape.title

    def _at(self, number: int, name: str) -> Tensor:
        return self.points[number].views[name].cpu().double()

    def _from_first(self, number: int) -> dict[str, Tensor]:
        """Return a point's difference from the first one, in float64 on the CPU."""
        return {name: self._at(number, name) - self._at(0, name) for name in self.points[0].views}


def gram_of(points: Sequence[FlatParameters]) -> NDArray[np.float64]:
    """Return the inner products of points' differences from the first one, of shape (K, K)."""
    return products_of([{name: view.cpu() for name, view in one.views.items()} for one in points])


def write_point(
    points: Sequence[FlatParameters], coefficients: Sequence[float], out: FlatParameters
) -> None:
    """Write sum_k c_k w_k; points whose coefficient is 0 have no part in it.

    Args:
        points: the points w_k, laid out like ``out``, in its dtypes or wider ones.
        coefficients: one number for each.
        out: parameters that are overwritten.
    """
    taken = [(c, point) for c, point in zip(coefficients, points, strict=True) if c != 0]
    for place, target in out.buffers.items():
        (c, first), *others = taken
        if c == 1 and not others:
            target.copy_(first.buffers[place])
            continue
        total = torch.mul(first.buffers[place], c)
        for c, point in others:
            total.add_(point.buffers[place], alpha=c)
        target.copy_(total)
