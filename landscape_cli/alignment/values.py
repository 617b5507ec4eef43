"""Tensors in a network's graph, with what is known of each dimension's channels."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from landscape_cli.alignment.channels import (
    MOST_SEGMENTS,
    Layout,
    Segment,
    blocks_of,
    fixed,
    is_fixed,
    length,
    new,
    pin,
    repeated,
    resolve,
    unify,
)


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


Labels = tuple[Hashable, ...]
"""A name for each dimension of a tensor; dimensions of one name run together."""


def contract(
    values: Sequence[Value], labels: Sequence[Sequence[Hashable]], result: Sequence[Hashable]
) -> list[Dimension]:
    """Return the dimensions of what is computed entry by entry, and summed over the others.

    This holds for any function of the entries that share their labels, and for any sum, mean or
    maximum over the labels that the result lacks. Dimensions of one label are permuted alike.

    Args:
        values: the tensors; their dimensions of size 1 are broadcast.
        labels: those of each tensor's dimensions.
        result: those of the result's dimensions.
    """
    operands = [_Operand(value, tuple(names)) for value, names in zip(values, labels, strict=True)]
    while (conflict := _conflict(operands, result)) is not None:
        for operand in operands:
            if conflict & operand.present.keys():
                operand.value.settle()
    axes: dict[Labels, Axis] = {}
    alone: dict[Hashable, Layout] = {}
    for operand in operands:
        for names, axis in operand.divided.items():
            unify(axes.setdefault(names, axis).layout, axis.layout)
        for label, dim in operand.present.items():
            if operand.value.independent(dim):
                _join(alone, label, operand.value.layout(dim))
    leaders = [names[0] for names in axes]
    for names, axis in axes.items():
        first = names[0]
        shared = first in alone or leaders.count(first) > 1
        alone_in_result = first in result and not set(names) <= set(result)
        if len(names) == 2 and (shared or alone_in_result):
            _join(alone, first, blocks_of(axis.layout, axis.sizes[1], free=True))
    kept = {
        label: Part(axis, place)
        for names, axis in axes.items()
        if set(names) <= set(result)
        for place, label in enumerate(names)
    }
    return [
        kept[label] if label in kept else whole(alone[label]) if label in alone else None
        for label in result
    ]


@dataclass(frozen=True)
class _Operand:
    """A tensor with labels."""

    value: Value
    labels: Labels

    @property
    def present(self) -> dict[Hashable, int]:
        """Return the place of each label whose dimension is not broadcast."""
        shape = self.value.shape
        return {label: dim for dim, label in enumerate(self.labels) if shape[dim] != 1}

    @property
    def divided(self) -> dict[Labels, Axis]:
        """Return the divided axes by the labels of their dimensions."""
        found = {}
        for axis in self.value.divided():
            places = range(len(axis.sizes))
            names = tuple(self.labels[self.value.dims.index(Part(axis, place))] for place in places)
            found[names] = axis
        return found


def _conflict(operands: Sequence[_Operand], result: Sequence[Hashable]) -> set[Hashable] | None:
    """Return the labels of a divided axis that does not suit the rest; None if all do."""
    for operand in operands:
        for names, axis in operand.divided.items():
            if not all(_suits(names, axis, other) for other in operands if other is not operand):
                return set(names)
            kept = set(names) & set(result)
            if kept and kept != set(names) and not (len(names) == 2 and kept == {names[0]}):
                return set(names)
            if kept == set(names) and any(
                set(more) & kept and set(more) <= set(result)
                for other in operands
                for more in other.divided
                if more != names
            ):
                return set(names)
    return None


def _suits(names: Labels, axis: Axis, other: _Operand) -> bool:
    """Tell whether a divided axis can be permuted as another tensor's dimensions demand."""
    common = set(names) & other.present.keys()
    if not common:
        return True
    divided = other.divided
    if names in divided and divided[names].sizes == axis.sizes:
        return True
    if len(names) != 2 or common != {names[0]}:
        return False
    part = other.value.dims[other.present[names[0]]]
    return part is None or (part.place == 0 and len(part.axis.sizes) <= 2)


def _join(alone: dict[Hashable, Layout], label: Hashable, layout: Layout) -> None:
    unify(alone.setdefault(label, layout), layout)


def reshape(value: Value, shape: Sequence[int]) -> list[Dimension]:
    """Return the dimensions of a tensor's entries in another shape, in the same order."""
    if math.prod(shape) == 0:
        value.pin()
        return [None] * len(shape)
    groups = [
        ([dim for dim in before if value.shape[dim] > 1], [dim for dim in after if shape[dim] > 1])
        for before, after in _groups(value.shape, shape)
    ]
    single = {before[0]: after for before, after in groups if len(before) == 1}
    for axis in value.divided():
        where = [value.dims.index(Part(axis, place)) for place in range(len(axis.sizes))]
        if set(where) & single.keys() and not set(where) <= single.keys():
            value.settle()
    dims: list[Dimension] = [None] * len(shape)
    for axis in value.divided():
        where = [value.dims.index(Part(axis, place)) for place in range(len(axis.sizes))]
        if set(where) <= single.keys():
            into = [dim for source in where for dim in single[source]]
            _put(dims, into, dimensions(axis.layout, [shape[dim] for dim in into]))
    for before, after in groups:
        if (before and all(value.independent(dim) for dim in before)) or len(before) > 1:
            layout = _flattened(value, before)
            if layout is not None:
                _put(dims, after, dimensions(layout, [shape[dim] for dim in after]))
    return dims


def _put(dims: list[Dimension], places: Sequence[int], parts: Sequence[Dimension]) -> None:
    for place, part in zip(places, parts, strict=True):
        dims[place] = part


def dimensions(layout: Layout, sizes: Sequence[int]) -> list[Dimension]:
    """Return the dimensions into which an axis is divided, those of size 1 and fixed ones as None.

    A dimension along which the channels are the same again and again has a fixed order.
    """
    wide = [place for place, size in enumerate(sizes) if size > 1]
    resolved = resolve(layout)
    while len(wide) > 1:
        first, last = sizes[wide[0]], sizes[wide[-1]]
        part, remainder = divmod(len(resolved), first)
        if not remainder and resolved[:part] * first == resolved:
            resolved = resolved[:part]
            del wide[0]
        elif all(one.repeat % last == 0 for one in resolved):
            resolved = tuple(Segment(one.family, one.repeat // last) for one in resolved)
            del wide[-1]
        else:
            break
    dims: list[Dimension] = [None] * len(sizes)
    if not is_fixed(resolved):
        axis = Axis(resolved, tuple(sizes[place] for place in wide))
        _put(dims, wide, [Part(axis, number) for number in range(len(wide))])
    return dims


def _groups(before: Sequence[int], after: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield runs of dimensions of two shapes that hold the same entries."""
    left, right = list(range(len(before)))[::-1], list(range(len(after)))[::-1]
    while left or right:
        group: tuple[list[int], list[int]] = [], []
        sizes = [1, 1]
        while not group[0] or not group[1] or sizes[0] != sizes[1]:
            side = 0 if left and (sizes[0] <= sizes[1] or not right) else 1
            if not (left, right)[side]:
                break
            dim = (left, right)[side].pop()
            group[side].append(dim)
            sizes[side] *= (before, after)[side][dim]
        yield group


def _flattened(value: Value, dims: Sequence[int]) -> Layout | None:
    """Return the channels along neighbouring dimensions in one; None if all are fixed."""
    wide, entries = list(dims), 1
    found: Layout | None = None
    while wide:
        dim = wide.pop(0)
        part, size = value.dims[dim], value.shape[dim]
        if part is not None and not part.whole:
            rest = [Part(part.axis, place) for place in range(1, len(part.axis.sizes))]
            if part.place or [value.dims[other] for other in wide[: len(rest)]] != rest:
                value.settle()
                return _flattened(value, dims)
            del wide[: len(rest)]
            size = math.prod(part.axis.sizes)
        found = _product(entries, found, size, None if part is None else part.axis.layout)
        entries *= size
    return found


def _product(slow: int, one: Layout | None, fast: int, other: Layout | None) -> Layout | None:
    """Return the channels of two dimensions as one; a layout of None has a fixed order."""
    if one is not None and other is not None:
        pin(other)
        other = None
    if one is not None:
        return repeated(one, fast)
    if other is None:
        return None
    if slow * len(other) > MOST_SEGMENTS:
        pin(other)
        return None
    return other * slow
