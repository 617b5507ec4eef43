"""Slices: maps from coordinates to parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.flat import FlatParameters, digest


class AffineSlice:
    """The parameters theta + sum_i a_i d_i around a centre: a line, a plane, or more dimensions.

    Args:
        centre: the parameters theta at the origin.
        directions: the directions d_i by axis name, in the order of the coordinates, laid out
            like the centre.
    """

    def __init__(self, centre: FlatParameters, directions: Mapping[str, FlatParameters]) -> None:
        self.centre = centre
        self.directions = dict(directions)

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the parameters at some coordinates into ``out``.

        They are always computed from the centre, never stepped to, so that nothing drifts.

        Args:
            coordinates: one number a_i for each direction.
            out: where to write, laid out like the centre.
        """
        for dtype, target in out.buffers.items():
            source = self.centre.buffers[dtype]
            for factor, direction in zip(coordinates, self.directions.values(), strict=True):
                torch.add(source, direction.buffers[dtype], alpha=factor, out=target)
                source = target

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each direction by axis name."""
        return {name: digest(direction.views) for name, direction in self.directions.items()}

    def cosines(self) -> dict[str, float]:
        """The cosine between each pair of directions, such as {"x,y": 0.003}."""
        names = list(self.directions)
        views = [direction.views for direction in self.directions.values()]
        return {
            f"{names[i]},{names[j]}": cosine(views[i], views[j])
            for i in range(len(names))
            for j in range(i + 1, len(names))
        }


def dot(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The inner product of two parameter dicts with the same names, accumulated in float64."""
    return math.fsum(float((a[name].double() * b[name].double()).sum()) for name in a)


def cosine(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The cosine between two parameter dicts; 0 if one of them is zero."""
    norms = math.sqrt(dot(a, a)) * math.sqrt(dot(b, b))
    return dot(a, b) / norms if norms > 0 else 0.0


def build_slice(
    centre: FlatParameters, directions: Mapping[str, Direction], orthogonal: bool = False
) -> AffineSlice:
    """Draw and normalize directions around a centre.

    Args:
        centre: the trained parameters.
        directions: a recipe for each axis.
        orthogonal: make each direction, as drawn, exactly orthogonal to those before it
            (Gram-Schmidt, (d_j . d_i) / |d_i|^2), before it is normalized. Normalizing changes
            angles a little; ``AffineSlice.cosines`` gives what is left.

    Returns:
        A slice whose directions lie on the centre's device, in the centre's dtypes.

    Raises:
        LandscapeError: if a direction can't be made for these parameters.
    """
    device = next(iter(centre.views.values())).device
    drawn: dict[str, FlatParameters] = {}
    for axis, recipe in directions.items():
        recipe.prepare(centre.views)
        drawn[axis] = flat = FlatParameters(centre.views, device)
        if not orthogonal:
            for name, weights in centre.views.items():
                flat.views[name].copy_(recipe.scale(recipe.draw(name, weights), weights))
    if orthogonal:
        _orthogonalize(centre, directions, drawn)
    return AffineSlice(centre, drawn)


def _orthogonalize(
    centre: FlatParameters,
    directions: Mapping[str, Direction],
    drawn: Mapping[str, FlatParameters],
) -> None:
    """Fill ``drawn`` with raw directions, make them orthogonal in place, then normalize them."""
    earlier: list[FlatParameters] = []
    for axis, recipe in directions.items():
        for name, weights in centre.views.items():
            drawn[axis].views[name].copy_(recipe.draw(name, weights))
        # Twice is enough: the second pass removes what rounding left of the first.
        for other in [*earlier, *earlier]:
            length = dot(other.views, other.views)
            if length > 0:
                factor = dot(drawn[axis].views, other.views) / length
                for name, view in drawn[axis].views.items():
                    view.copy_(view.double() - factor * other.views[name].double())
        earlier.append(drawn[axis])
    for axis, recipe in directions.items():
        for name, view in drawn[axis].views.items():
            view.copy_(recipe.scale(view.cpu(), centre.views[name]))
