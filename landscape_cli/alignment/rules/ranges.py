"""Operations that join tensors, or take parts of them."""

from __future__ import annotations

import math

from landscape_cli.alignment.channels import Layout, length, new, pin
from landscape_cli.alignment.contraction import contract
from landscape_cli.alignment.reshaping import dimensions
from landscape_cli.alignment.restrictions import blocks_of, cut, unify
from landscape_cli.alignment.rules.base import Call, positive, rule, unknown
from landscape_cli.alignment.values import Dimension, Part, Value, whole


@rule("cat", "concat", "concatenate")
def joined(call: Call) -> list[Value]:
    """Put tensors behind each other."""
    values, rank = call.values, len(call.shapes[0])
    if any(len(value.shape) != rank for value in values):
        return unknown(call)
    dim = positive(call.get("dim", 0), rank)
    for value in values:
        value.settle()
    layout = tuple(part for value in values for part in value.layout(dim))
    others = [one for one in range(rank) if one != dim]
    labels = [
        [(number,) if one == dim else one for one in range(rank)] for number in range(len(values))
    ]
    dims = contract(values, labels, others)
    dims.insert(dim, whole(layout))
    return call.first(dims)


@rule("stack")
def stacked(call: Call) -> list[Value]:
    """Put tensors along a new dimension."""
    rank = len(call.shapes[0])
    dim = positive(call.get("dim", 0), rank)
    dims = contract(call.values, [range(rank - 1)] * len(call.values), range(rank - 1))
    dims.insert(dim, None)
    return call.first(dims)


@rule(
    "split", "split_with_sizes", "chunk", "tensor_split", "unbind", "unsafe_split", "unsafe_chunk"
)
def divided(call: Call) -> list[Value]:
    """Take a tensor apart along a dimension."""
    value = call.values[0]
    dim = positive(call.get("dim", 0), len(value.shape))
    found, start = [], 0
    for shape in call.shapes:
        drop = len(shape) < len(value.shape)
        stop = start + (1 if drop else shape[dim])
        found.append(Value(shape, taken(value, dim, start, stop, drop)))
        start = stop
    return found if start == value.shape[dim] else unknown(call)


@rule("select", "slice", "narrow")
def sliced(call: Call) -> list[Value]:
    """Take a range along a dimension."""
    value, shape = call.values[0], call.shapes[0]
    if len(call.values) != 1:
        return unknown(call)
    dim = positive(call.get("dim", 0), len(value.shape))
    size = value.shape[dim]
    if call.name == "select":
        start = positive(call["index"], size)
        return call.first(taken(value, dim, start, start + 1, drop=True))
    if call.get("step", 1) != 1:
        pin(value.layout(dim))
        return call.first([None if one == dim else part for one, part in enumerate(value.dims)])
    start = min(max(positive(call.get("start") or 0, size), 0), size)
    return call.first(taken(value, dim, start, start + shape[dim], drop=False))


def taken(value: Value, dim: int, start: int, stop: int, drop: bool) -> list[Dimension]:
    """Return the dimensions of a range of a tensor.

    Args:
        value: the tensor.
        dim: along which dimension.
        start: the first entry.
        stop: one after the last.
        drop: whether the dimension is removed.
    """
    part = value.dims[dim]
    if part is not None and not part.whole and (part.place or stop == start):
        value.settle()
        part = value.dims[dim]
    dims = list(value.dims)
    if part is not None:
        inner = math.prod(part.axis.sizes[1:])
        _, rest = cut(part.axis.layout, start * inner)
        layout, _ = cut(rest, (stop - start) * inner)
        sizes = (stop - start, *part.axis.sizes[1:])
        parts = dimensions(layout, sizes)
        for place, other in enumerate(parts):
            dims[value.dims.index(Part(part.axis, place))] = other
    if drop:
        del dims[dim]
    return dims


@rule("index", "index_select")
def indexed(call: Call) -> list[Value]:
    """Take entries by number along dimensions with a fixed order."""
    value = call.values[0]
    if call.name == "index_select":
        indices = {positive(call["dim"], len(value.shape)): call["index"]}
    else:
        indices = {dim: one for dim, one in enumerate(call["indices"]) if one is not None}
    if len(indices) != 1:
        return unknown(call)
    ((dim, index),) = indices.items()
    index.pin()
    pin(value.layout(dim))
    rank = len(call.shapes[0]) - len(value.shape) + 1
    if len(index.shape) != rank:  # a mask
        return unknown(call)
    return call.first([*value.dims[:dim], *[None] * rank, *value.dims[dim + 1 :]])


@rule("roll", "flip", "tril", "triu", "fliplr", "flipud")
def moved(call: Call) -> list[Value]:
    """Pin the dimensions along which entries move."""
    value = call.values[0]
    given = call.get("dims")
    if call.name in ("tril", "triu"):
        given = [-2, -1]
    if not given:
        return unknown(call)
    value.settle()
    for dim in given:
        pin(value.layout(dim))
    return call.first(value.dims)


@rule("constant_pad_nd", "pad")
def padded(call: Call) -> list[Value]:
    """Put entries of one number around a tensor."""
    value, amounts = call.values[0], list(call["pad"])
    plain = call.get("mode", "constant") == "constant"
    rank = len(value.shape)
    value.settle()
    dims = list(value.dims)
    for number, (before, after) in enumerate(zip(amounts[::2], amounts[1::2], strict=True)):
        dim = rank - 1 - number
        if dims[dim] is None or before == after == 0:
            continue
        layout = value.layout(dim)
        if not plain or before < 0 or after < 0:
            pin(layout)
            dims[dim] = None
        else:
            ends = [new(size) if size else () for size in (before, after)]
            dims[dim] = whole((*ends[0], *layout, *ends[1]))
    return call.first(dims)


@rule("glu")
def gated(call: Call) -> list[Value]:
    """Multiply one half of the channels by the other's sigmoid."""
    value = call.values[0]
    dim = positive(call.get("dim", -1), len(value.shape))
    layout = value.layout(dim)
    one, other = cut(layout, length(layout) // 2)
    unify(one, other)
    dims = list(value.dims)
    dims[dim] = whole(one)
    return call.first(dims)


@rule("pixel_shuffle")
def shuffled(call: Call) -> list[Value]:
    """Turn blocks of r² channels into blocks of pixels."""
    value, factor = call.values[0], call["upscale_factor"]
    for dim in (-2, -1):
        pin(value.layout(dim))
    layout: Layout = blocks_of(value.layout(-3), factor**2, free=False)
    dims = list(value.dims)
    dims[-3:] = [whole(layout), None, None]
    return call.first(dims)
