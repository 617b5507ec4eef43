"""Sums of what is computed entry by entry: products, norms, attention."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from landscape_cli.alignment.channels import Layout
from landscape_cli.alignment.restrictions import blocks_of, unify
from landscape_cli.alignment.values import Axis, Dimension, Part, Value, whole

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
