"""Tensors in a network's graph, with what is known of each dimension's channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from landscape_cli.alignment.channels import (
    Layout,
    fixed,
    is_fixed,
    length,
    new,
    pin,
)
from landscape_cli.alignment.restrictions import blocks_of


@dataclass(eq=False)
class Axis:
    """An axis of channels, or several dimensions into which a view divided one.

    Args:
        layout: the channels.
        sizes: sizes of the dimensions, whose product is the number of entries.
    """

    layout: Layout
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A dimension of a tensor: one of an axis's.

    Args:
        axis: the axis.
        place: which of its dimensions this is.
    """

    axis: Axis
    place: int

    @property
    def whole(self) -> bool:
        """True if the dimension is a whole axis."""
        return len(self.axis.sizes) == 1


Dimension = Part | None
"""A dimension of a tensor; None if its entries keep their order."""


@dataclass(eq=False)
class Value:
    """A tensor in the graph.

    Args:
        shape: its shape.
        dims: its dimensions. An axis that was divided has all its parts among them.
        constant: whether all entries are the same, so that any order is the same.
    """

    shape: tuple[int, ...]
    dims: list[Dimension]
    constant: bool = False

    @classmethod
    def unknown(cls, shape: Sequence[int]) -> Value:
        """Return a tensor whose entries all keep their order."""
        return cls(tuple(shape), [None] * len(shape))

    @classmethod
    def new(cls, shape: Sequence[int], constant: bool = False) -> Value:
        """Return a tensor with new channels along each dimension."""
        return cls(tuple(shape), [whole(new(size)) if size else None for size in shape], constant)

    def pin(self) -> None:
        """Give all entries a fixed order."""
        for part in self.dims:
            if part is not None:
                pin(part.axis.layout)
        self.dims = [None] * len(self.dims)

    def tidy(self) -> None:
        """Forget the axes whose entries have come to keep their order."""
        self.dims = [
            None if part is None or is_fixed(part.axis.layout) else part for part in self.dims
        ]

    def layout(self, dim: int) -> Layout:
        """Return the channels along a dimension, which is made independent of the others."""
        if not self.independent(dim):
            self.settle()
        part = self.dims[dim]
        return fixed(self.shape[dim]) if part is None else part.axis.layout

    def independent(self, dim: int) -> bool:
        """Tell whether a dimension is a whole axis, or has a fixed order."""
        part = self.dims[dim]
        return part is None or part.whole

    def settle(self) -> None:
        """Restrict the channels so that each dimension is permuted by itself."""
        for axis in self.divided():
            layout = axis.layout
            for place in range(len(axis.sizes) - 1, 0, -1):
                layout = blocks_of(layout, axis.sizes[place], free=False)
                self.dims[self.dims.index(Part(axis, place))] = None
            self.dims[self.dims.index(Part(axis, 0))] = whole(layout)
        self.tidy()

    def divided(self) -> list[Axis]:
        """Return the axes that are divided into several dimensions."""
        parts = [part for part in self.dims if part is not None and not part.whole]
        return list(dict.fromkeys(part.axis for part in parts))


def whole(layout: Layout) -> Dimension:
    """Return a dimension for a layout; None if its entries keep their order."""
    size = length(layout)
    return None if size == 1 or is_fixed(layout) else Part(Axis(layout, (size,)), 0)
