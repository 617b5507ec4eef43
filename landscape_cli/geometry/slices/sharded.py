"""A slice around a model that is divided among ranks, each of which writes its own part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from landscape_cli.geometry.blocks import SERIAL, Scratch, parts
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.inner_products import product
from landscape_cli.geometry.parameters import ALIGNMENT, FlatParameters
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.shards import ShardedParameters, WholeTensors, overlap
from landscape_cli.geometry.slices.affine import write_sum
from landscape_cli.geometry.slices.base import Locations
from landscape_cli.geometry.slices.streamed import StreamedSlice


class ShardedSlice(StreamedSlice):
    """The parameters theta + sum_i a_i d_i, of which this rank writes its part.

    Directions are drawn whole, block by block, and cut to the part, so that its entries are bit for
    bit those of ``AffineSlice``. Only this rank's part of the centre is in memory, and of the
    directions if they are kept.

    Args:
        parameters: the model's own, at the origin; all ranks of the model build it together.
        directions: a recipe for each axis, in the order of the coordinates.
        orthogonal: make each direction, as drawn, exactly orthogonal to earlier ones.
        keep: keep this rank's part of the directions, instead of drawing them for each point.
    """

    def __init__(
        self,
        parameters: ShardedParameters,
        directions: Mapping[str, Direction],
        orthogonal: bool = False,
        keep: bool = False,
    ) -> None:
        self._parameters = parameters
        self._local = parameters.local()
        self._squares: dict[str, list[float]] = {}
        self._kept: list[FlatParameters] = []
        super().__init__(parameters, directions, orthogonal)
        if keep:
            self._kept = [self._cut(axis) for axis in self.axes]

    def _layout(self) -> Mapping[str, Tensor]:
        return self._parameters.like()

    def _weights(self) -> Mapping[str, Tensor]:
        """Return the whole tensors of the centre, each gathered when asked for."""
        tensors = WholeTensors(self._parameters, self._local.views)
        scratch = Scratch(self._parameters.count)
        for name, whole in tensors.items():
            self._squares[name] = [product(part, part, scratch) for part in parts(whole)]
        return tensors

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write this rank's part of the parameters at a point into the model's own."""
        shards = self._parameters.shards
        if self._kept:
            for name, shard in shards.items():
                directions = [kept.padded(name) for kept in self._kept]
                total = torch.empty_like(shard.local, memory_format=torch.contiguous_format)
                self._add(self._local.padded(name), directions, coordinates, total.view(-1))
                shard.local.copy_(total)
            return
        rectangles = list(self._rectangles())
        normalized = self._normalized(range(len(self.axes)), (block for block, _, _ in rectangles))
        for (block, index, shape), (_, drawn) in zip(rectangles, normalized, strict=True):
            shard = shards[block.name]
            if (common := overlap(index, shard.place)) is None:
                continue
            target = shard.local[common.shard]
            total = torch.empty_like(target, memory_format=torch.contiguous_format)
            own = self._local.views[block.name][common.shard]
            cut = [part.view(shape)[common.block] for part in drawn]
            self._add(_padded(own), [_padded(one) for one in cut], coordinates, total.view(-1))
            target.copy_(total)

    def _add(
        self,
        source: Tensor,
        directions: Sequence[Tensor],
        coordinates: Sequence[float],
        out: Tensor,
    ) -> None:
        """Write a sum into a flat tensor that may be shorter, by the operations of other slices."""
        sums = torch.empty(min(SERIAL, len(source)), dtype=source.dtype, device=source.device)
        for start in range(0, len(out), SERIAL):
            span = slice(start, start + SERIAL)
            total = sums[: len(source[span])]
            moved = [one[span].to(source.device) for one in directions]
            write_sum(source[span], moved, coordinates, total)
            out[span].copy_(total[: len(out[span])])

    def _cut(self, axis: str) -> FlatParameters:
        """Return this rank's part of a direction."""
        flat = self._local.zeros()
        for name, index, entries in self.blocks(axis):
            common = overlap(index, self._parameters.shards[name].place)
            if common is not None:
                flat.views[name][common.shard] = entries[common.block].to(flat.device)
        return flat

    def _square_of(self, names: Sequence[str]) -> float:
        return math.fsum(term for name in names for term in self._squares[name])

    def locate(self, networks: Differences) -> Locations | None:  # type: ignore[override]
        """Return None: the whole directions are on no rank."""
        return None


def _padded(tensor: Tensor) -> Tensor:
    """Return the entries of a tensor, flat and padded with zeros to a multiple of the alignment."""
    flat = tensor.reshape(-1)
    return functional.pad(flat, (0, -len(flat) % ALIGNMENT))
