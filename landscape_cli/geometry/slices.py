"""Slices: maps from coordinates to parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.flat import FlatParameters, digest
from landscape_cli.geometry.normalization import CHUNK


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
    return math.fsum(
        float((one.double() * other.double()).sum())
        for name in a
        for one, other in zip(_parts(a[name]), _parts(b[name]), strict=True)
    )


def cosine(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The cosine between two parameter dicts; 0 if one of them is zero."""
    norms = math.sqrt(dot(a, a)) * math.sqrt(dot(b, b))
    return dot(a, b) / norms if norms > 0 else 0.0


def build_slice(
    centre: FlatParameters, directions: Mapping[str, Direction], orthogonal: bool = False
) -> AffineSlice:
    """Draw and normalize directions around a centre.

    Beside the directions themselves this takes no memory on a CPU, and on another device that of
    one tensor on the host.

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
        flat = FlatParameters(centre.views, device)
        for name, view in flat.views.items():
            _on_host(view, partial(recipe.draw, name))
        if orthogonal:
            _make_orthogonal(flat, list(drawn.values()))
        drawn[axis] = flat
    for axis, recipe in directions.items():
        for name, view in drawn[axis].views.items():
            weights = centre.views[name].cpu()
            _on_host(view, partial(_scale, recipe, weights))
    return AffineSlice(centre, drawn)


def _on_host(view: Tensor, change: Callable[[Tensor], None]) -> None:
    """Change a tensor in place by arithmetic on the CPU, the same whatever its device."""
    if view.device.type == "cpu" and view.dtype in (torch.float32, torch.float64):
        change(view)
    else:
        host = view.to("cpu", torch.float32)
        change(host)
        view.copy_(host)


def _scale(recipe: Direction, weights: Tensor, direction: Tensor) -> None:
    recipe.scale(direction, weights)


def _make_orthogonal(flat: FlatParameters, earlier: list[FlatParameters]) -> None:
    """Take from a direction, in place, its parts along earlier ones that are orthogonal."""
    # Twice is enough: the second pass removes what rounding left of the first.
    for other in [*earlier, *earlier]:
        length = dot(other.views, other.views)
        factor = dot(flat.views, other.views) / length if length > 0 else 0.0
        for name, view in flat.views.items():
            for part, along in zip(_parts(view), _parts(other.views[name]), strict=True):
                part.copy_(part.double() - factor * along.double())


def _parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """Views of a contiguous tensor, small enough to be converted to float64."""
    return torch.split(tensor.view(-1), CHUNK)
