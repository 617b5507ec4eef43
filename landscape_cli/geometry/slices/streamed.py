"""A slice whose directions are never in memory: they are made anew, block by block, when needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import combinations_with_replacement, tee
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from landscape_cli.geometry.blocks import SERIAL, Blocks, Index, Span, pieces, scratch, spans
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
from landscape_cli.geometry.slices.affine import add_scaled
from landscape_cli.geometry.slices.directional import DirectionalSlice


class Block(NamedTuple):
    """A range of one parameter's entries."""

    name: str
    start: int
    stop: int


class StreamedSlice(DirectionalSlice):
    """The parameters theta + sum_i a_i d_i, bit for bit those of ``AffineSlice``.

    In memory are the centre, a factor for each filter and the Gram-Schmidt coefficients; entries
    are drawn again, a few blocks at a time, whenever the directions are needed. Each block goes
    through the operations that ``build_slice`` applies to whole tensors, on the same device, and
    sums are over the same ranges.

    Args:
        centre: the parameters theta at the origin.
        directions: a recipe for each axis, in the order of the coordinates.
        orthogonal: make each direction, as drawn, exactly orthogonal to those before it.

    Raises:
        LandscapeError: if a direction can't be made for these parameters.
    """

    def __init__(
        self, centre: FlatParameters, directions: Mapping[str, Direction], orthogonal: bool = False
    ) -> None:
        self.centre = centre
        self.recipes = dict(directions)
        self._recipes = list(self.recipes.values())
        self._device = next(iter(centre.views.values())).device
        self._drawing = Drawing(centre.count, torch.get_num_threads())
        self._orthogonal = orthogonal
        self._coefficients: list[list[float]] = [[] for _ in self._recipes]
        for axis, recipe in self.recipes.items():
            recipe.prepare(f"directions.{axis}", centre.views)
        if orthogonal:
            self._find_coefficients()
        self._scalings: dict[tuple[int, str], Scaling] = {
            (axis, name): scaling
            for axis, recipe in enumerate(self._recipes)
            for name, scaling in recipe.scalings(
                partial(self._raw_entries, axis), centre.views
            ).items()
        }

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the directions."""
        return tuple(self.recipes)

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the parameters at some coordinates into ``out``, laid out like the centre."""
        for block, made in self._made(range(len(self._recipes)), self._all_blocks()):
            place = slice(block.start, -(-block.stop // ALIGNMENT) * ALIGNMENT)
            source, target = self.centre.padded(block.name)[place], out.padded(block.name)[place]
            for start in range(0, len(target), SERIAL):
                here = slice(start, start + SERIAL)
                directions = [part[here] for part in made]
                _add(source[here], directions, coordinates, target[here])

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each direction by axis name."""
        return dict(zip(self.recipes, self._summary[0], strict=True))

    def cosines(self) -> dict[str, float]:
        """The cosine between each pair of directions, such as {"x,y": 0.003}."""
        return cosines_from(self._summary[1])

    def norms(self) -> dict[str, float]:
        """The Euclidean norm of each direction by axis name."""
        return norms_from(self._summary[1])

    def slopes(
        self, coordinates: Sequence[float], gradient: Mapping[str, Tensor]
    ) -> dict[str, float]:
        """Return the gradient's inner product with each direction, from one pass over them."""
        axes = range(len(self._recipes))
        products: list[list[float]] = [[] for _ in axes]
        room = scratch(self.centre.count, self._device)
        for block, parts in self._made(axes, self._all_blocks()):
            here = gradient[block.name].reshape(-1)[block.start : block.stop]
            for found, part in zip(products, parts, strict=True):
                found.append(product(here, part.to(self._device), room))
        return {axis: math.fsum(found) for axis, found in zip(self.axes, products, strict=True)}

    def blocks(self, axis: str) -> Iterator[tuple[str, Index, Tensor]]:
        """A direction as (parameter's name, place in it, entries there), from first to last.

        The entries are overwritten when the next ones are asked for.
        """
        number = self.axes.index(axis)
        wanted = list(self._pieces())
        made = self._made([number], (block for block, _, _ in wanted))
        for (block, index, shape), (_, parts) in zip(wanted, made, strict=True):
            yield block.name, index, parts[0].view(shape)

    @cached_property
    def _summary(self) -> tuple[list[str], Products]:
        """The directions' hashes and inner products, from one pass over them."""
        axes = range(len(self._recipes))
        digests = [Digest() for _ in axes]
        products: dict[tuple[int, int], list[float]] = {
            pair: [] for pair in combinations_with_replacement(axes, 2)
        }
        room = scratch(self.centre.count, self._device)
        for block, parts in self._made(axes, self._all_blocks()):
            for digest, part in zip(digests, parts, strict=True):
                if block.start == 0:
                    digest.begin(block.name, self.centre.views[block.name])
                digest.add(part)
            here = [part.to(self._device) for part in parts]
            for (i, j), found in products.items():
                found.append(product(here[i], here[j], room))
        names = self.axes
        dots = {(names[i], names[j]): math.fsum(found) for (i, j), found in products.items()}
        return [digest.text() for digest in digests], dots

    def _find_coefficients(self) -> None:
        """Gram-Schmidt, each direction against all earlier ones and once again against them."""
        room = scratch(self.centre.count, self._device)
        for axis, coefficients in enumerate(self._coefficients):
            for other in [*range(axis), *range(axis)]:
                lengths, products = [], []
                for _, raw in self._raw(range(axis + 1), self._all_blocks()):
                    lengths.append(product(raw[other], raw[other], room))
                    products.append(product(raw[axis], raw[other], room))
                length = math.fsum(lengths)
                coefficients.append(math.fsum(products) / length if length > 0 else 0.0)

    def _made(
        self, axes: Sequence[int], blocks: Iterable[Block]
    ) -> Iterator[tuple[Block, list[Tensor]]]:
        """Each block with its entries of some directions, flat, on the CPU."""
        for block, raw in self._raw(self._needed(axes), blocks):
            dtype = self.centre.views[block.name].dtype
            made = []
            for axis in axes:
                scale, host = self._scalings[axis, block.name], self._on_host(raw[axis], block.name)
                for start in range(0, len(host), SERIAL):
                    scale(host[start : start + SERIAL], block.start + start)
                made.append(host.to(dtype))
            yield block, made

    def _raw(
        self, axes: Sequence[int], blocks: Iterable[Block]
    ) -> Iterator[tuple[Block, dict[int, Tensor]]]:
        """Each block with its entries of some directions before these are normalized.

        They are the caller's until the next block is asked for.
        """
        device = self._device if self._orthogonal else "cpu"
        given, wanted = tee(blocks)
        drawn = self._drawing.drawn(self._sources(axes, wanted), len(axes))
        for block in given:
            dtype = self.centre.views[block.name].dtype
            raw = {axis: next(drawn).to(device, dtype) for axis in axes}
            for axis in axes:
                for number, coefficient in enumerate(self._coefficients[axis]):
                    subtract(raw[axis], coefficient, raw[number % axis])
            yield block, raw

    def _sources(
        self, axes: Sequence[int], blocks: Iterable[Block]
    ) -> Iterator[tuple[Source, int]]:
        """What is to be drawn for some blocks: from which source, and how many entries."""
        sources: dict[int, Source] = {}
        for name, start, stop in blocks:
            shape, dtype = tuple(self.centre.views[name].shape), self._host_dtype(name)
            for axis in axes:
                if start == 0:
                    recipe = self._recipes[axis]
                    chosen = recipe.selects(name)
                    fill = recipe.entries(name, shape, dtype) if chosen else zeros
                    sources[axis] = Source(fill, dtype)
                yield sources[axis], stop - start

    def _raw_entries(self, axis: int, name: str) -> Blocks:
        """One parameter's entries of a direction before this is normalized."""

        def read(divided: Iterable[Span]) -> Iterator[Tensor]:
            blocks = (Block(name, start, stop) for start, stop in divided)
            for _, raw in self._raw(self._needed([axis]), blocks):
                yield self._on_host(raw[axis], name)

        return Blocks(tuple(self.centre.views[name].shape), read)

    def _needed(self, axes: Sequence[int]) -> Sequence[int]:
        """The directions that some directions are made of."""
        return range(max(axes) + 1) if self._orthogonal else axes

    def _all_blocks(self) -> Iterator[Block]:
        """Every entry once."""
        for name, view in self.centre.views.items():
            yield from (Block(name, *span) for span in spans(view.numel()))

    def _pieces(self) -> Iterator[tuple[Block, Index, torch.Size]]:
        """Every entry once, in rectangular blocks."""
        for name, view in self.centre.views.items():
            for index in pieces(view.shape):
                piece = view[index]
                start = int(piece.storage_offset() - view.storage_offset())
                yield Block(name, start, start + piece.numel()), index, piece.shape

    def _host_dtype(self, name: str) -> torch.dtype:
        """In which type ``build_slice`` draws and normalizes a parameter's entries."""
        dtype = self.centre.views[name].dtype
        own = self._device.type == "cpu" and dtype in (torch.float32, torch.float64)
        return dtype if own else torch.float32

    def _on_host(self, raw: Tensor, name: str) -> Tensor:
        return raw.to("cpu", self._host_dtype(name))


def _add(
    source: Tensor, directions: Sequence[Tensor], factors: Sequence[float], out: Tensor
) -> None:
    """Write one part of the parameters; directions may be shorter by the padding."""
    for factor, direction in zip(factors, directions, strict=True):
        missing = len(out) - len(direction)
        whole = functional.pad(direction, (0, missing)) if missing else direction
        add_scaled(source, whole.to(out.device), factor, out)
        source = out
