"""The dimensions of a tensor whose entries are seen in another shape."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from landscape_cli.alignment.channels import Layout, Segment, is_fixed, pin, repeated, resolve
from landscape_cli.alignment.values import Axis, Dimension, Part, Value

MOST_SEGMENTS = 20_000
"""Upper bound on the segments of one axis; an axis of more is pinned."""


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
