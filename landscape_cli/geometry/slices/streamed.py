"""A slice whose directions are never in memory, but drawn again block by block when needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import combinations_with_replacement, tee
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from landscape_cli.geometry.blocks import SERIAL, Blocks, Index, Scratch, Span, pieces, spans
from landscape_cli.geometry.directions.base import Direction, zeros
from landscape_cli.geometry.directions.drawing_ahead import Drawing, Source
from landscape_cli.geometry.inner_products import (
    Products,
    cosines_from,
    norms_from,
    product,
    subtract,
)
from landscape_cli.geometry.normalization import Scaling
from landscape_cli.geometry.parameters import ALIGNMENT, Digest, FlatParameters
from landscape_cli.geometry.slices.affine import write_sum
from landscape_cli.geometry.slices.directional import DirectionalSlice


class Block(NamedTuple):
    """A range of entries of one parameter."""

    name: str
    start: int
    stop: int


class StreamedSlice(DirectionalSlice):
    """The parameters theta + sum_i a_i d_i, bit for bit those of ``AffineSlice``.

    Only the centre, one factor per filter and the Gram-Schmidt coefficients are in memory; entries
    are drawn again, a few blocks at a time, whenever directions are needed. Each block goes through
    the operations that ``build_slice`` applies to whole tensors, on the same device, and sums run
    over the same ranges.

    Args:
        centre: the parameters theta at the origin.
        directions: a recipe for each axis, in the order of the coordinates.
        orthogonal: make each direction, as drawn, exactly orthogonal to earlier ones.

    Raises:
        LandscapeError: if a direction can't be made for these parameters.
    """

    def __init__(
        self, centre: FlatParameters, directions: Mapping[str, Direction], orthogonal: bool = False
    ) -> None:
        self.centre = centre = centre.widened()
        self._like = self._layout()
        self.recipes = dict(directions)
        self._recipes = list(self.recipes.values())
        self._drawing = Drawing(centre.count, torch.get_num_threads())
        self._orthogonal = orthogonal
        self._coefficients: list[list[float]] = [[] for _ in self._recipes]
        for axis, recipe in self.recipes.items():
            recipe.prepare(f"directions.{axis}", self._like)
        if orthogonal:
            self._find_coefficients()
        weights = self._weights()
        self._scalings: dict[tuple[int, str], Scaling] = {
            (axis, name): scaling
            for axis, recipe in enumerate(self._recipes)
            for name, scaling in recipe.scalings(partial(self._raw_entries, axis), weights).items()
        }

    def _layout(self) -> Mapping[str, Tensor]:
        """Return tensors with the shapes and dtypes of the centre's, whose entries are not used."""
        return self.centre.views

    def _weights(self) -> Mapping[str, Tensor]:
        """Return the centre's tensors."""
        return self.centre.views

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the directions."""
        return tuple(self.recipes)

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the parameters at a point into ``out``, which is laid out like the centre."""
        for block, parts in self._normalized(range(len(self._recipes)), self._all_blocks()):
            padded = slice(block.start, -(-block.stop // ALIGNMENT) * ALIGNMENT)
            source, target = self.centre.padded(block.name)[padded], out.padded(block.name)[padded]
            for start in range(0, len(target), SERIAL):
                span = slice(start, start + SERIAL)
                directions = [part[span] for part in parts]
                _add(source[span], directions, coordinates, target[span])

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each direction by axis name."""
        return dict(zip(self.recipes, self._summary[0], strict=True))

    def cosines(self) -> dict[str, float]:
        """Return the cosine between each pair of directions, such as {"x,y": 0.003}."""
        return cosines_from(self._summary[1])

    def norms(self) -> dict[str, float]:
        """Return the Euclidean norm of each direction by axis name."""
        return norms_from(self._summary[1])

    def slopes(
        self, coordinates: Sequence[float], gradient: Mapping[str, Tensor]
    ) -> dict[str, float]:
        """Return the gradient's inner product with each direction, from one pass over them."""
        axes = range(len(self._recipes))
        products: list[list[float]] = [[] for _ in axes]
        scratch = Scratch(self.centre.count)
        for block, parts in self._normalized(axes, self._all_blocks()):
            entries = gradient[block.name].reshape(-1)[block.start : block.stop]
            for terms, part in zip(products, parts, strict=True):
                terms.append(product(entries, part.to(entries.device), scratch))
        return {axis: math.fsum(terms) for axis, terms in zip(self.axes, products, strict=True)}

    def blocks(self, axis: str) -> Iterator[tuple[str, Index, Tensor]]:
        """Yield a direction in order, as (parameter's name, index of a block, entries).

        The entries are overwritten when the next block is requested.
        """
        number = self.axes.index(axis)
        rectangles = list(self._rectangles())
        normalized = self._normalized([number], (block for block, _, _ in rectangles))
        for (block, index, shape), (_, parts) in zip(rectangles, normalized, strict=True):
            yield block.name, index, parts[0].view(shape)

    @cached_property
    def _summary(self) -> tuple[list[str], Products]:
        """Hashes and inner products of the directions, from one pass over them."""
        axes = range(len(self._recipes))
        digests = [Digest() for _ in axes]
        products: dict[tuple[int, int], list[float]] = {
            pair: [] for pair in combinations_with_replacement(axes, 2)
        }
        scratch = Scratch(self.centre.count)
        for block, parts in self._normalized(axes, self._all_blocks()):
            for digest, part in zip(digests, parts, strict=True):
                if block.start == 0:
                    digest.begin(block.name, self._like[block.name])
                digest.add(part)
            on_device = [part.to(self.centre.views[block.name].device) for part in parts]
            for (i, j), terms in products.items():
                terms.append(product(on_device[i], on_device[j], scratch))
        names = self.axes
        dots = {(names[i], names[j]): math.fsum(terms) for (i, j), terms in products.items()}
        return [digest.text() for digest in digests], dots

    def _find_coefficients(self) -> None:
        """Run Gram-Schmidt: two passes of each direction against all earlier ones."""
        scratch = Scratch(self.centre.count)
        for axis, coefficients in enumerate(self._coefficients):
            for earlier in [*range(axis), *range(axis)]:
                squares, products = [], []
                for _, raw in self._raw(range(axis + 1), self._all_blocks()):
                    squares.append(product(raw[earlier], raw[earlier], scratch))
                    products.append(product(raw[axis], raw[earlier], scratch))
                square = math.fsum(squares)
                coefficients.append(math.fsum(products) / square if square > 0 else 0.0)

    def _normalized(
        self, axes: Sequence[int], blocks: Iterable[Block]
    ) -> Iterator[tuple[Block, list[Tensor]]]:
        """Yield each block with its entries in some directions, flat, on the CPU."""
        for block, raw in self._raw(self._needed(axes), blocks):
            dtype = self._like[block.name].dtype
            parts = []
            for axis in axes:
                scale, host = self._scalings[axis, block.name], raw[axis].cpu()
                for start in range(0, len(host), SERIAL):
                    scale(host[start : start + SERIAL], block.start + start)
                parts.append(host.to(dtype))
            yield block, parts

    def _raw(
        self, axes: Sequence[int], blocks: Iterable[Block]
    ) -> Iterator[tuple[Block, dict[int, Tensor]]]:
        """Yield each block with its entries in some directions before normalization.

        The entries are valid until the next block is requested.
        """
        blocks, requested = tee(blocks)
        drawn = self._drawing.draw(self._sources(axes, requested), len(axes))
        for block in blocks:
            dtype = self._like[block.name].dtype
            device = self.centre.views[block.name].device if self._orthogonal else "cpu"
            raw = {axis: next(drawn).to(device, dtype) for axis in axes}
            for axis in axes:
                for number, coefficient in enumerate(self._coefficients[axis]):
                    subtract(raw[axis], coefficient, raw[number % axis])
            yield block, raw

    def _sources(
        self, axes: Sequence[int], blocks: Iterable[Block]
    ) -> Iterator[tuple[Source, int]]:
        """Yield what to draw for blocks, as pairs of a source and a number of entries."""
        sources: dict[int, Source] = {}
        for name, start, stop in blocks:
            view = self._like[name]
            shape, dtype = tuple(view.shape), view.dtype
            for axis in axes:
                if start == 0:
                    recipe = self._recipes[axis]
                    selected = recipe.selects(name)
                    fill = recipe.entries(name, shape, dtype) if selected else zeros
                    sources[axis] = Source(fill, dtype)
                yield sources[axis], stop - start

    def _raw_entries(self, axis: int, name: str) -> Blocks:
        """Return one parameter's entries in a direction before normalization."""

        def read(ranges: Iterable[Span]) -> Iterator[Tensor]:
            blocks = (Block(name, start, stop) for start, stop in ranges)
            for _, raw in self._raw(self._needed([axis]), blocks):
                yield raw[axis].cpu()

        return Blocks(tuple(self._like[name].shape), read)

    def _needed(self, axes: Sequence[int]) -> Sequence[int]:
        """Return the directions from which some directions are computed."""
        return range(max(axes) + 1) if self._orthogonal else axes

    def _all_blocks(self) -> Iterator[Block]:
        """Yield blocks that cover every entry once."""
        for name, view in self._like.items():
            yield from (Block(name, *span) for span in spans(view.numel()))

    def _rectangles(self) -> Iterator[tuple[Block, Index, torch.Size]]:
        """Yield rectangular blocks that cover every entry once, with index and shape."""
        for name, view in self._like.items():
            for index in pieces(view.shape):
                piece = view[index]
                start = int(piece.storage_offset() - view.storage_offset())
                yield Block(name, start, start + piece.numel()), index, piece.shape


def _add(
    source: Tensor, directions: Sequence[Tensor], factors: Sequence[float], out: Tensor
) -> None:
    """Write a range of the parameters; directions may lack the padding at its end."""
    padded = [
        functional.pad(direction, (0, len(out) - len(direction))).to(out.device)
        if len(direction) < len(out)
        else direction.to(out.device)
        for direction in directions
    ]
    write_sum(source, padded, factors, out)
