"""Slices: maps from coordinates to parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import combinations_with_replacement
from typing import Protocol

import torch
from torch import Tensor

from landscape_cli.geometry.blocks import SERIAL, Blocks, Index, parts, pieces, scratch, spans
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.normalization import Scaling
from landscape_cli.geometry.parameters import FlatParameters, digest

Products = dict[tuple[str, str], float]
"""Inner products of directions, each with itself and with every later one, by both names."""


class Slice(Protocol):
    """What evaluates and stores a slice sees of it."""

    centre: FlatParameters

    @property
    def directions(self) -> Mapping[str, object]:
        """The directions, in whatever form, by axis name and in the order of the coordinates.

        Those of further repeats follow, see ``RepeatedSlice``.
        """

    @property
    def origin(self) -> tuple[float, ...]:
        """The coordinates of the centre; so many does ``write`` take."""

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the parameters at some coordinates into ``out``, laid out like the centre."""

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each direction by axis name."""

    def cosines(self) -> dict[str, float]:
        """The cosine between each pair of directions, such as {"x,y": 0.003}."""

    def norms(self) -> dict[str, float]:
        """The Euclidean norm of each direction by axis name."""

    def blocks(self, axis: str) -> Iterator[tuple[str, Index, Tensor]]:
        """A direction as (parameter's name, place in it, entries there), from first to last.

        A piece of entries is the caller's until the next one comes.
        """


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

    @property
    def origin(self) -> tuple[float, ...]:
        """The coordinates of the centre."""
        return (0.0,) * len(self.directions)

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
                add_scaled(source, direction.buffers[dtype], factor, target)
                source = target

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each direction by axis name."""
        return {name: digest(direction.views) for name, direction in self.directions.items()}

    def cosines(self) -> dict[str, float]:
        """The cosine between each pair of directions, such as {"x,y": 0.003}."""
        return cosines_from(self._products)

    def norms(self) -> dict[str, float]:
        """The Euclidean norm of each direction by axis name."""
        return norms_from(self._products)

    @cached_property
    def _products(self) -> Products:
        """The inner product of each two directions."""
        return {
            (first, second): dot(one.views, other.views)
            for (first, one), (second, other) in combinations_with_replacement(
                self.directions.items(), 2
            )
        }

    def blocks(self, axis: str) -> Iterator[tuple[str, Index, Tensor]]:
        """A direction as (parameter's name, place in it, entries there), from first to last."""
        for name, view in self.directions[axis].views.items():
            for index in pieces(view.shape):
                yield name, index, view[index]


def add_scaled(source: Tensor, direction: Tensor, factor: float, out: Tensor) -> None:
    """Set ``out`` to source + factor * direction; flat tensors whose length ALIGNMENT divides.

    Where PyTorch's CPU kernels divide a tensor among threads, they round bfloat16 and float16
    entries at the end of each part otherwise than the rest (as of 2.13), so those are added in
    parts that one thread does. Each entry so depends on itself alone.
    """
    length = SERIAL if out.device.type == "cpu" and out.dtype.itemsize < 4 else len(out)
    for start in range(0, len(out), length or 1):
        place = slice(start, start + length)
        torch.add(source[place], direction[place], alpha=factor, out=out[place])


def dot(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The inner product of two parameter dicts with the same names, accumulated in float64."""
    room = scratch(max(tensor.numel() for tensor in a.values()), next(iter(a.values())).device)
    return math.fsum(
        product(one, other, room)
        for name in a
        for one, other in zip(parts(a[name]), parts(b[name]), strict=True)
    )


def cosine(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The cosine between two parameter dicts; 0 if one of them is zero."""
    return cosine_from(dot(a, b), dot(a, a), dot(b, b))


def cosine_from(ab: float, aa: float, bb: float) -> float:
    """The cosine between two vectors by their inner products; 0 if one of them is zero."""
    norms = math.sqrt(aa) * math.sqrt(bb)
    return ab / norms if norms > 0 else 0.0


def cosines_from(products: Products) -> dict[str, float]:
    """The cosine between each pair of directions, such as {"x,y": 0.003}."""
    return {
        f"{one},{other}": cosine_from(ab, products[one, one], products[other, other])
        for (one, other), ab in products.items()
        if one != other
    }


def norms_from(products: Products) -> dict[str, float]:
    """The Euclidean norm of each direction by its name."""
    return {one: math.sqrt(aa) for (one, other), aa in products.items() if one == other}


def product(one: Tensor, other: Tensor, room: Tensor) -> float:
    """The inner product of two flat blocks, in float64; ``room`` is overwritten."""
    for start in range(0, len(one), SERIAL):
        place = slice(start, min(start + SERIAL, len(one)))
        torch.mul(one[place].double(), other[place].double(), out=room[place])
    return float(room[: len(one)].sum())


def subtract(block: Tensor, factor: float, along: Tensor) -> None:
    """Take from a flat block, in place, a multiple of another one; in float64."""
    for start in range(0, len(block), SERIAL):
        part, other = block[start : start + SERIAL], along[start : start + SERIAL]
        part.copy_(part.double() - factor * other.double())


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
        recipe.prepare(f"directions.{axis}", centre.views)
        flat = FlatParameters(centre.views, device)
        for name, view in flat.views.items():
            if recipe.selects(name):
                _on_host(view, partial(recipe.draw, name))
        if orthogonal:
            _make_orthogonal(flat, list(drawn.values()))
        drawn[axis] = flat
    for axis, recipe in directions.items():
        views = drawn[axis].views
        scalings = recipe.scalings(partial(_host_blocks, views), centre.views)
        for name, view in views.items():
            _on_host(view, partial(_scale, scalings[name]))
    return AffineSlice(centre, drawn)


def _on_host(view: Tensor, change: Callable[[Tensor], None]) -> None:
    """Change a tensor in place by arithmetic on the CPU, the same whatever its device."""
    if _is_host(view):
        change(view)
    else:
        host = view.to("cpu", torch.float32)
        change(host)
        view.copy_(host)


def _is_host(view: Tensor) -> bool:
    return view.device.type == "cpu" and view.dtype in (torch.float32, torch.float64)


def _host_blocks(views: Mapping[str, Tensor], name: str) -> Blocks:
    """A parameter's entries as ``_on_host`` gives them."""
    view = views[name]
    if _is_host(view):
        return Blocks.of(view)
    flat = view.view(-1)
    return Blocks(
        tuple(view.shape),
        lambda spans: (flat[start:stop].to("cpu", torch.float32) for start, stop in spans),
    )


def _scale(scaling: Scaling, direction: Tensor) -> None:
    flat = direction.view(-1)
    for start, stop in spans(len(flat)):
        scaling(flat[start:stop], start)


def _make_orthogonal(flat: FlatParameters, earlier: list[FlatParameters]) -> None:
    """Take from a direction, in place, its parts along earlier ones that are orthogonal."""
    # Twice is enough: the second pass removes what rounding left of the first.
    for other in [*earlier, *earlier]:
        length = dot(other.views, other.views)
        factor = dot(flat.views, other.views) / length if length > 0 else 0.0
        for name, view in flat.views.items():
            for part, along in zip(parts(view), parts(other.views[name]), strict=True):
                subtract(part, factor, along)
