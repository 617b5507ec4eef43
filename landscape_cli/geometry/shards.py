"""Parameters that are divided among ranks: the part of each tensor that this rank holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from landscape_cli.geometry.blocks import SERIAL, Index
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.roles import column_weights, roles_of
from landscape_cli.util.tensors import widened

Place = tuple[slice, ...]
"""The rectangle of a tensor that a rank holds: a range for each dimension."""


@dataclass(frozen=True)
class Shard:
    """The part of a tensor that this rank holds.

    Args:
        shape: shape of the whole tensor.
        place: the part's place in it.
        local: the part, in the memory that the model uses.
    """

    shape: tuple[int, ...]
    place: Place
    local: Tensor


class Overlap(NamedTuple):
    """The common part of a block and a shard, as an index of each."""

    block: Index
    shard: Index


def overlap(index: Index, place: Place) -> Overlap | None:
    """Return the common part of a block, such as ``pieces`` yields, and a shard.

    Args:
        index: of the block in the whole tensor; dimensions that it lacks are whole.
        place: of the shard in the whole tensor.

    Returns:
        None if they have no entry in common.

    Example:
        >>> common = overlap((slice(0, 4),), (slice(3, 6), slice(0, 2)))
        >>> common.block
        (slice(3, 4, None), slice(0, 2, None))
        >>> common.shard
        (slice(0, 1, None), slice(0, 2, None))
    """
    block: list[int | slice] = []
    shard: list[int | slice] = []
    for dimension, own in enumerate(place):
        part = index[dimension] if dimension < len(index) else slice(0, own.stop)
        low, high = (part, part + 1) if isinstance(part, int) else (part.start, part.stop)
        start, stop = max(low, own.start), min(high, own.stop)
        if start >= stop:
            return None
        if isinstance(part, int):
            shard.append(start - own.start)
        else:
            block.append(slice(start - low, stop - low))
            shard.append(slice(start - own.start, stop - own.start))
    return Overlap(tuple(block), tuple(shard))


def local_part(tensor: Tensor) -> Tensor:
    """Return the part of a distributed tensor that this rank holds; any other tensor itself."""
    to_local: Callable[[], Tensor] | None = getattr(tensor, "to_local", None)
    return tensor if to_local is None else to_local()


@dataclass(frozen=True)
class Names:
    """Names of a model's parameters, as in the attributes of ``FlatParameters``.

    Args:
        trainable: names of those that require gradients.
        aliases: other names of the tensors, by name.
        roles: names of those that a word stands for, by word.
        columns: names of the weights whose filters are columns.
    """

    trainable: frozenset[str]
    aliases: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, frozenset[str]]
    columns: frozenset[str]

    @classmethod
    def of(cls, model: nn.Module) -> Names:
        """Return the names in a model that is not divided yet, whose ties are single objects."""
        first = {id(each): name for name, each in model.named_parameters()}
        owners = {
            name: first[id(each)] for name, each in model.named_parameters(remove_duplicate=False)
        }
        aliases: dict[str, tuple[str, ...]] = {}
        for name, owner in owners.items():
            if name != owner:
                aliases[owner] = (*aliases.get(owner, ()), name)
        return cls(
            frozenset(name for name, each in model.named_parameters() if each.requires_grad),
            aliases,
            roles_of(model, owners),
            column_weights(model) & set(first.values()),
        )


class ShardedParameters(FlatParameters):
    """The parameters of a model that is divided among ranks, of which this one holds a part.

    ``views`` are this rank's parts, in the model's own memory; ``shape`` and ``count`` are those of
    the whole tensors.

    Args:
        shards: this rank's part of each tensor.
        gather: returns a whole tensor on the CPU from a shard's place and entries, and those of
            the other ranks, which call it together.
        names: names in the model.
    """

    def __init__(
        self,
        shards: Mapping[str, Shard],
        gather: Callable[[Shard, Tensor], Tensor],
        names: Names,
    ) -> None:
        self.shards = dict(shards)
        self.gather = gather
        self.views = {name: shard.local for name, shard in shards.items()}
        self.buffers = {}
        self.complex, self.parts = {}, ()
        self.aliases, self.trainable = dict(names.aliases), names.trainable & set(shards)
        self.frozen = frozenset(shards) - self.trainable
        self.roles, self.columns = names.roles, names.columns

    @property
    def count(self) -> int:
        """Number of entries of the whole tensors."""
        return sum(math.prod(shard.shape) for shard in self.shards.values())

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a whole tensor."""
        return self.shards[name].shape

    def wide_sizes(self) -> dict[torch.device, int]:
        """Return the bytes of this rank's part of a direction, which is in float32 at least."""
        sizes = (view.numel() * widened(view.dtype).itemsize for view in self.views.values())
        return {self.device: sum(sizes)}

    @property
    def devices(self) -> list[torch.device]:
        """The device of this rank's parts."""
        return [self.device]

    @property
    def whole_nbytes(self) -> int:
        """Bytes of a whole direction."""
        return sum(
            math.prod(shard.shape) * widened(shard.local.dtype).itemsize
            for shard in self.shards.values()
        )

    @property
    def dtypes(self) -> list[torch.dtype]:
        """The dtypes of the model's tensors."""
        return list(dict.fromkeys(view.dtype for view in self.views.values()))

    def widened(self) -> ShardedParameters:
        """Return these tensors: what is computed from them is wide wherever it is kept."""
        return self

    def like(self) -> dict[str, Tensor]:
        """Return tensors without entries, with the shapes and dtypes of the whole ones."""
        return {
            name: torch.empty(shard.shape, dtype=widened(shard.local.dtype), device="meta")
            for name, shard in self.shards.items()
        }

    def local(self) -> FlatParameters:
        """Return a copy of this rank's parts, in float32 where their dtype is narrower."""
        flat = FlatParameters(self.views, self.device).widened()
        flat.assign(self.views)
        return flat

    def checksum(self) -> list[int]:
        """Return sums over the bits of this rank's parts, which almost any change alters."""
        return [
            int(block.sum())
            for view in self.views.values()
            for block in torch.split(view.reshape(-1).view(torch.uint8), SERIAL)
        ]

    def attach(self, model: nn.Module) -> None:
        """Do nothing: a model that replaces parameters is not divided."""

    def moved_in(self, present: Mapping[str, Tensor]) -> list[str]:
        """Return the names of tensors that a model holds elsewhere than here."""
        return [
            name
            for name, view in self.views.items()
            if view.numel() and local_part(present[name]).data_ptr() != view.data_ptr()
        ]

    def whole(self, name: str, local: Tensor) -> Tensor:
        """Return a whole tensor on the CPU from the parts of all ranks, which call this together.

        Args:
            name: of the tensor.
            local: this rank's part.
        """
        return self.gather(self.shards[name], local)


class WholeTensors(Mapping[str, Tensor]):
    """The whole tensors of divided parameters, each gathered when it is asked for.

    All ranks of the model have to ask for the same ones, in the same order.

    Args:
        parameters: the divided parameters.
        local: this rank's parts, by name.
    """

    def __init__(self, parameters: ShardedParameters, local: Mapping[str, Tensor]) -> None:
        self._parameters, self._local = parameters, local

    def __getitem__(self, name: str) -> Tensor:
        return self._parameters.whole(name, self._local[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._local)

    def __len__(self) -> int:
        return len(self._local)
