"""Lines, planes and volumes around a centre, with directions kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from landscape_cli.geometry.blocks import CHUNK, Blocks, Index, parts, pieces, spans
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.inner_products import (
    Products,
    cosines_from,
    dot,
    norms_from,
    subtract,
)
from landscape_cli.geometry.normalization import Scaling
from landscape_cli.geometry.parameters import FlatParameters, digest
from landscape_cli.geometry.slices.directional import DirectionalSlice


class AffineSlice(DirectionalSlice):
    """The parameters theta + sum_i a_i d_i around a centre: a line, a plane, or more dimensions.

    Args:
        centre: the parameters theta at the origin.
        directions: the directions d_i by axis name, in the order of the coordinates, laid out
            like the centre.
        recipes: the directions' recipes, for the file's provenance.
    """

    def __init__(
        self,
        centre: FlatParameters,
        directions: Mapping[str, FlatParameters],
        recipes: Mapping[str, Direction] | None = None,
    ) -> None:
        self.centre = centre
        self.directions = dict(directions)
        self.recipes = dict(recipes or {})

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the directions."""
        return tuple(self.directions)

    @property
    def reentrant(self) -> bool:
        """True: a point depends on nothing but the directions."""
        return True

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the parameters at a point into ``out``.

        They are always computed from the centre, so that rounding does not accumulate.

        Args:
            coordinates: one number a_i per direction.
            out: parameters laid out like the centre, which are overwritten.
        """
        for place, target in out.buffers.items():
            directions = [direction.buffers[place] for direction in self.directions.values()]
            write_sum(self.centre.buffers[place], directions, coordinates, target)

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each direction by axis name."""
        return {name: digest(direction.views) for name, direction in self.directions.items()}

    def cosines(self) -> dict[str, float]:
        """Return the cosine between each pair of directions, such as {"x,y": 0.003}."""
        return cosines_from(self._products)

    def norms(self) -> dict[str, float]:
        """Return the Euclidean norm of each direction by axis name."""
        return norms_from(self._products)

    @cached_property
    def _products(self) -> Products:
        """Inner products of all pairs of directions."""
        pairs = combinations_with_replacement(self.directions.items(), 2)
        return {(i, j): dot(first.views, second.views) for (i, first), (j, second) in pairs}

    def slopes(
        self, coordinates: Sequence[float], gradient: Mapping[str, Tensor]
    ) -> dict[str, float]:
        """Return the gradient's inner product with each direction."""
        return {axis: dot(gradient, flat.views) for axis, flat in self.directions.items()}

    def blocks(self, axis: str) -> Iterator[tuple[str, Index, Tensor]]:
        """Yield a direction in order, as (parameter's name, index of a block, entries)."""
        for name, view in self.directions[axis].views.items():
            for index in pieces(view.shape):
                yield name, index, view[index]


def write_sum(
    source: Tensor, directions: Sequence[Tensor], factors: Sequence[float], out: Tensor
) -> None:
    """Write source + sum_i factor_i * direction_i into a flat tensor.

    If ``out`` is narrower, as bfloat16 and float16 weights are, the sum is rounded once.
    """
    if out.dtype == source.dtype:
        for factor, direction in zip(factors, directions, strict=True):
            torch.add(source, direction, alpha=factor, out=out)
            source = out
        return
    for start in range(0, len(out), CHUNK):
        span = slice(start, start + CHUNK)
        total = source[span]
        for factor, direction in zip(factors, directions, strict=True):
            total = torch.add(total, direction[span], alpha=factor)
        out[span] = total


def build_slice(
    centre: FlatParameters, directions: Mapping[str, Direction], orthogonal: bool = False
) -> AffineSlice:
    """Draw and normalize directions around a centre.

    On a CPU this takes no memory besides the directions; on another device, the size of one tensor
    on the host.

    Args:
        centre: the trained parameters.
        directions: a recipe for each axis.
        orthogonal: make each direction, as drawn, exactly orthogonal to earlier ones
            (Gram-Schmidt, (d_j . d_i) / |d_i|^2) before it is normalized. Normalizing changes
            angles slightly; ``AffineSlice.cosines`` gives the final ones.

    Returns:
        A slice whose directions lie on the centre's device, in the centre's dtypes or in float32
        if that is wider.

    Raises:
        LandscapeError: if a direction can't be made for these parameters.
    """
    centre = centre.widened()
    drawn: dict[str, FlatParameters] = {}
    for axis, recipe in directions.items():
        recipe.prepare(f"directions.{axis}", centre.views)
        flat = centre.zeros()
        for name, view in flat.views.items():
            if recipe.selects(name):
                _on_host(view, partial(recipe.draw, name))
        if orthogonal:
            _make_orthogonal(flat, list(drawn.values()))
        drawn[axis] = flat
    for axis, recipe in directions.items():
        views = drawn[axis].views
        scalings = recipe.scalings(partial(_blocks, views), centre.views)
        for name, view in views.items():
            _on_host(view, partial(_scale, scalings[name]))
    return AffineSlice(centre, drawn, directions)


def _on_host(view: Tensor, change: Callable[[Tensor], None]) -> None:
    """Change a tensor in place by arithmetic on the CPU, so that results are the same anywhere."""
    host = view.cpu()  # the same tensor if it is there already
    change(host)
    if host is not view:
        view.copy_(host)


def _blocks(views: Mapping[str, Tensor], name: str) -> Blocks:
    return Blocks.of(views[name])


def _scale(scaling: Scaling, direction: Tensor) -> None:
    flat = direction.view(-1)
    for start, stop in spans(len(flat)):
        scaling(flat[start:stop], start)


def _make_orthogonal(flat: FlatParameters, earlier: list[FlatParameters]) -> None:
    """Subtract a direction's projections onto earlier, mutually orthogonal ones, in place."""
    # A second pass removes what rounding left over from the first.
    for other in [*earlier, *earlier]:
        length = dot(other.views, other.views)
        factor = dot(flat.views, other.views) / length if length > 0 else 0.0
        for name, view in flat.views.items():
            for part, along in zip(parts(view), parts(other.views[name]), strict=True):
                subtract(part, factor, along)
