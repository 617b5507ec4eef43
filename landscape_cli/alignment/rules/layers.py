"""Convolutions, norms, embeddings, pooling."""

from __future__ import annotations

import re

from landscape_cli.alignment.channels import Layout, new, pin
from landscape_cli.alignment.contraction import contract
from landscape_cli.alignment.restrictions import blocks_of, unify
from landscape_cli.alignment.rules.base import Call, rule, unknown
from landscape_cli.alignment.values import Axis, Part, Value, whole


@rule("conv1d", "conv2d", "conv3d")
def convolution(call: Call) -> list[Value]:
    """Sum over the input's channels, or within groups of them."""
    return _convolution(call, call.get("groups", 1), transposed=False)


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed_convolution(call: Call) -> list[Value]:
    """Sum over the input's channels; the weights' first dimension is the input's."""
    return _convolution(call, call.get("groups", 1), transposed=True)


@rule("convolution")
def any_convolution(call: Call) -> list[Value]:
    """Sum over the input's channels."""
    return _convolution(call, call["groups"], call["transposed"])


def _convolution(call: Call, groups: int, transposed: bool) -> list[Value]:
    value, weight, bias = call["input"], call["weight"], call.get("bias")
    spatial = len(weight.shape) - 2
    place = len(value.shape) - spatial - 1
    for one in (value, weight):
        for dim in range(-spatial, 0):
            pin(one.layout(dim))
    entering, leaving = (0, 1) if transposed else (1, 0)
    if groups == 1:
        unify(value.layout(place), weight.layout(entering))
        layout = weight.layout(leaving)
    elif transposed:
        return unknown(call)
    else:
        layout = _grouped(value.layout(place), weight, groups)
    if bias is not None:
        unify(layout, bias.layout(0))
    batch = value.dims[:place]
    return call.first([*batch, whole(layout), *[None] * spatial])


def _grouped(channels: Layout, weight: Value, groups: int) -> Layout:
    """Permute the groups of a convolution, and the filters within each."""
    outputs, inputs = weight.shape[0] // groups, weight.shape[1]
    pin(weight.layout(1))
    layout = weight.layout(0)
    unify(
        blocks_of(channels, inputs, free=False),
        blocks_of(layout, outputs, free=True),
    )
    return layout


@rule("batch_norm", "instance_norm", "_native_batch_norm_legit_no_training", "native_batch_norm")
def norm_of_channels(call: Call) -> list[Value]:
    """Scale each channel by itself."""
    return _with_channels(call)


@rule("prelu", "_prelu_kernel")
def prelu(call: Call) -> list[Value]:
    """Scale each channel's negative part by itself, or all of them alike."""
    return _with_channels(call)


def _with_channels(call: Call) -> list[Value]:
    value, *others = call.values
    rank = len(value.shape)
    if rank < 2 or any(len(other.shape) != 1 for other in others):
        return unknown(call)
    labels = [range(rank), *[(1,)] * len(others)]
    return call.first(contract([value, *others], labels, range(rank)))


@rule("layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm")
def norm_of_features(call: Call) -> list[Value]:
    """Normalize over the last dimensions, and scale each entry."""
    value, *others = call.values
    rank = len(value.shape)
    first = rank - len(call["normalized_shape"])
    if any(_straddles(value, axis, first) for axis in value.divided()):
        value.settle()
    labels = [range(rank), *[range(rank - len(other.shape), rank) for other in others]]
    return call.first(contract([value, *others], labels, range(rank)))


def _straddles(value: Value, axis: Axis, first: int) -> bool:
    """Tell whether a divided axis lies partly within the dimensions that are normalized.

    If it is only the last of its dimensions, the entries of each block are normalized together.
    """
    places = list(range(len(axis.sizes)))
    inside = [place for place in places if value.dims.index(Part(axis, place)) >= first]
    return inside not in ([], places[-1:], places)


@rule("group_norm", "native_group_norm")
def norm_of_groups(call: Call) -> list[Value]:
    """Normalize over groups of channels, and scale each channel."""
    groups = call["num_groups" if call.name == "group_norm" else "group"]
    value, *others = call.values
    for dim in range(2, len(value.shape)):
        pin(value.layout(dim))
    layout = value.layout(1)
    channels = value.shape[1]
    if 1 < groups < channels:
        unify(layout, new(groups, channels // groups))
    for other in others:
        unify(layout, other.layout(0))
    return call.first(value.dims)


@rule("embedding")
def embedding(call: Call) -> list[Value]:
    """Look vectors up; their numbers are not permuted."""
    weight, indices = call["weight"], call["indices"]
    indices.pin()
    pin(weight.layout(0))
    weight.settle()
    return call.first([*[None] * len(indices.shape), *weight.dims[1:]])


@rule(
    *(f"{kind}_pool{rank}d" for kind in ("max", "avg", "adaptive_avg") for rank in (1, 2, 3)),
    *(f"_adaptive_avg_pool{rank}d" for rank in (2, 3)),
    *(f"{kind}max_pool{rank}d" for kind in ("adaptive_", "fractional_") for rank in (1, 2, 3)),
    *(f"max_pool{rank}d_with_indices" for rank in (1, 2, 3)),
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d"),
    *(
        "upsample_bilinear2d",
        "upsample_bicubic2d",
        "upsample_trilinear3d",
        "_upsample_nearest_exact2d",
    ),
    *("reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d"),
)
def pooling(call: Call) -> list[Value]:
    """Pin the spatial dimensions; each channel is pooled by itself."""
    found = re.search(r"(\d)d", call.name)
    assert found is not None
    value = call.values[0]
    if len(call.values) != 1:
        return unknown(call)
    spatial = int(found[1])
    for dim in range(-spatial, 0):
        pin(value.layout(dim))
    return call.first([*value.dims[:-spatial], *[None] * spatial])
