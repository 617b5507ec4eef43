"""Operations that rearrange entries."""

from __future__ import annotations

from landscape_cli.alignment.channels import repeated
from landscape_cli.alignment.reshaping import reshape
from landscape_cli.alignment.rules.base import Call, positive, rule, unknown
from landscape_cli.alignment.values import Dimension, Value, whole


@rule(
    *("view", "reshape", "_unsafe_view", "_reshape_alias", "flatten", "unflatten", "ravel"),
    *("squeeze", "unsqueeze", "view_as", "reshape_as"),
)
def reshaped(call: Call) -> list[Value]:
    """Keep the order of the entries."""
    return call.first(reshape(call.values[0], call.shapes[0]))


@rule("permute", "transpose", "t", "swapaxes", "swapdims", "movedim", "moveaxis", "numpy_T", "mT")
def permuted(call: Call) -> list[Value]:
    """Put the dimensions into another order."""
    value = call.values[0]
    rank = len(value.shape)
    order = _order(call, rank)
    if order is None:
        return unknown(call)
    return call.first([value.dims[dim] for dim in order])


def _order(call: Call, rank: int) -> list[int] | None:
    if call.name == "permute":
        return [positive(dim, rank) for dim in call["dims"]]
    if call.name in ("t", "numpy_T"):
        return list(range(rank))[::-1]
    order = list(range(rank))
    if call.name == "mT":
        one, other = rank - 2, rank - 1
    elif call.name in ("transpose", "swapaxes", "swapdims"):
        names = [name for name in call.arguments if name.startswith(("dim", "axis"))]
        one, other = (positive(call[name], rank) for name in names)
    else:
        return None
    order[one], order[other] = other, one
    return order


@rule("expand", "expand_as", "broadcast_to")
def expanded(call: Call) -> list[Value]:
    """Repeat entries along dimensions of size 1, whose order then does not matter."""
    value, shape = call.values[0], call.shapes[0]
    fresh = Value.new(shape)
    first = len(shape) - len(value.shape)
    dims = list(fresh.dims)
    for dim, size in enumerate(value.shape):
        if size == shape[first + dim]:
            dims[first + dim] = value.dims[dim]
    return call.first(dims)


@rule("repeat", "tile")
def tiled(call: Call) -> list[Value]:
    """Repeat a tensor along its dimensions."""
    value, shape = call.values[0], call.shapes[0]
    first = len(shape) - len(value.shape)
    dims: list[Dimension] = list(Value.new(shape).dims)
    value.settle()
    for dim, size in enumerate(value.shape):
        if size > 1:
            part = value.dims[dim]
            number = shape[first + dim] // size
            dims[first + dim] = None if part is None else whole(part.axis.layout * number)
    return call.first(dims)


@rule("repeat_interleave")
def interleaved(call: Call) -> list[Value]:
    """Repeat each entry along a dimension."""
    value, number, dim = call.values[0], call.get("repeats"), call.get("dim")
    if len(call.values) != 1 or not isinstance(number, int) or dim is None:
        return unknown(call)
    dim = positive(dim, len(value.shape))
    layout = value.layout(dim)
    dims = list(value.dims)
    dims[dim] = whole(repeated(layout, number))
    return call.first(dims)
