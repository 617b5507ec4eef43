"""Fusion of convolutions with what follows them, in compiled code on Nvidia GPUs.

In reduced precision a convolution of few channels takes less time than moving its inputs and
outputs, but the compiler adds its bias and a shortcut and takes the ReLU in further kernels. cuDNN
can do all in one.

Its kernels waste most of their time on narrow layers, so p neighbouring pixels of a row of the
inputs are taken as one of p times the channels, and q of the outputs likewise; in channels-last
memory both are the same bytes. The kernel becomes a wider one with zeros between its entries. The
values change only by rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch._inductor.custom_graph_pass import CustomGraphPass, get_hash_for_files
from torch.fx import Graph, Node
from torch.nn import functional

from landscape_cli.evaluation.forward.compilation import REDUCED
from landscape_cli.evaluation.forward.convolutions import narrow
from landscape_cli.evaluation.forward.convolutions.narrow import align

CUDA = "cuda"

INPUTS, OUTPUTS = 32, 64
"""Channels of a pixel below which pixels are taken together; cuDNN's kernels are made for more."""

PIXELS, MOST, ALIGNED = 8, 256, 8
"""Most pixels and output channels that are taken together; what divides the inputs' channels."""

KERNEL = 3
"""Width of the kernels that are widened; for others it was not measured."""

CONTIGUOUS = {"memory_format": torch.contiguous_format}

aten = torch.ops.aten


@torch.library.custom_op(
    "landscape::convolution_relu",
    mutates_args=(),
    schema="(Tensor images, Tensor weight, Tensor? bias, Tensor? added, int[] stride, "
    "int[] padding, int p, int q) -> Tensor",
)
def convolution_relu(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    added: Tensor | None,
    stride: list[int],
    padding: list[int],
    p: int,
    q: int,
) -> Tensor:
    """Compute relu(convolution(images) + bias + added) on channels-last tensors.

    Args:
        images: shape (n, c, h, w).
        weight: shape (q out, p c, height, width), from ``_widen``.
        bias: shape (q out,).
        added: shape of the result.
        stride: vertical, and horizontal in units of p pixels.
        padding: likewise.
        p: the pixels of a row of ``images`` that are taken as one.
        q: the pixels of a row of the result that are computed as one.

    Returns:
        Shape (n, out, height, width), channels last.
    """
    if p == q == 1 and _is_narrow(images, weight, stride, padding):
        return narrow.convolve(images, weight, bias, added)
    images = _join(images, p)
    added = None if added is None else _join(added, q)
    if images.device.type == CUDA:
        result = _convolve(images, weight, bias, added, stride, padding)
    else:
        result = functional.conv2d(images, weight, bias, stride, padding)
        result = torch.relu(result if added is None else result + added)
    fused: Tensor = _split(result, q).contiguous(memory_format=torch.channels_last)
    return fused


@convolution_relu.register_fake
def _(
    images: Any, weight: Any, bias: Any, added: Any, stride: Any, padding: Any, p: int, q: int
) -> Any:
    size = (images.shape[2], images.shape[3] // p)
    height, width = (
        (size[i] + 2 * padding[i] - weight.shape[2 + i]) // stride[i] + 1 for i in (0, 1)
    )
    channels = weight.shape[0] // q
    return images.new_empty(len(images), height, width * q, channels).permute(0, 3, 1, 2)


def _convolve(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    added: Tensor | None,
    stride: list[int],
    padding: list[int],
) -> Tensor:
    """Convolve, add and take the ReLU in one of cuDNN's kernels, which read aligned tensors."""
    images, weight = align(images), align(weight)
    bias = None if bias is None else align(bias)
    if added is None:
        return torch.cudnn_convolution_relu(images, weight, bias, stride, padding, (1, 1), 1)
    return torch.cudnn_convolution_add_relu(
        images, weight, align(added), 1.0, bias, stride, padding, (1, 1), 1
    )


def _is_narrow(images: Tensor, weight: Tensor, stride: Any, padding: Any) -> bool:
    device = images.device
    fits = device.type == CUDA and narrow.fits(images, weight, stride, padding)
    return fits and narrow.exists(device)


def _join(images: Tensor, pixels: int) -> Tensor:
    """Take neighbouring pixels of a row as one, without a copy of channels-last images."""
    n, channels, height, width = images.shape
    rows = images.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
    return rows.reshape(n, height, width // pixels, channels * pixels).permute(0, 3, 1, 2)


def _split(images: Tensor, pixels: int) -> Tensor:
    """Undo ``_join``."""
    n, channels, height, width = images.shape
    rows = images.permute(0, 2, 3, 1)
    return rows.reshape(n, height, width * pixels, channels // pixels).permute(0, 3, 1, 2)


class Fusion(CustomGraphPass):
    """A pass over the compiler's graph that fuses convolutions with additions and ReLUs.

    Args:
        device: the type of the devices whose convolutions are fused.
        dtypes: their dtypes.
    """

    def __init__(self, device: str = CUDA, dtypes: Iterable[torch.dtype] = REDUCED) -> None:
        self.device, self.dtypes = device, frozenset(dtypes)

    def uuid(self) -> Any:
        """Identify this code, for the compiler's cache."""
        kinds = repr((self.device, sorted(map(str, self.dtypes))))
        return get_hash_for_files((__file__, narrow.__file__), kinds)

    def __call__(self, graph: Graph) -> None:
        """Replace each ReLU of a convolution, or of a convolution and a sum, by one operation."""
        for relu in list(graph.nodes):
            if relu.target is aten.relu.default:
                convolution, added = self._match(relu.args[0])
                if convolution is not None:
                    _replace(graph, relu, convolution, added)
        graph.eliminate_dead_code()

    def _match(self, node: Any) -> tuple[Any, Any]:
        """Return the convolution, and what is added to it, that a ReLU's argument consists of."""
        if self._fits(node):
            return node, None
        if node.target is aten.add.Tensor and len(node.users) == 1 and not node.kwargs:
            one, other = node.args
            for convolution, added in ((one, other), (other, one)):
                if self._fits(convolution) and _alike(convolution, added):
                    return convolution, added
        return None, None

    def _fits(self, node: Any) -> bool:
        """Tell whether a node is a convolution that cuDNN can fuse, and is used once."""
        if getattr(node, "target", None) is not aten.convolution.default or len(node.users) > 1:
            return False
        images, _, _, stride, _, dilation, transposed, _, groups = node.args
        return (
            all("val" in each.meta for each in node.all_input_nodes)
            and node.meta["val"].device.type == self.device
            and node.meta["val"].dtype in self.dtypes
            and len(stride) == 2
            and all(factor == 1 for factor in dilation)
            and groups == 1
            and not transposed
            and all(_channels_last(each) for each in (images, node))
        )


def _channels_last(node: Any) -> bool:
    return bool(node.meta["val"].is_contiguous(memory_format=torch.channels_last))


def _alike(one: Any, other: Any) -> bool:
    """Tell whether another node has the same shape, dtype and layout."""
    if not isinstance(other, Node) or other is one or "val" not in other.meta:
        return False
    a, b = one.meta["val"], other.meta["val"]
    return a.shape == b.shape and a.dtype == b.dtype and _channels_last(other)


def _replace(graph: Graph, relu: Any, convolution: Any, added: Any) -> None:
    """Compute a ReLU's value by one operation."""
    images, weight, bias, stride, padding, *_ = convolution.args
    p, q = _choose_widths(convolution)

    def insert(target: Any, *args: Any, **options: Any) -> Node:
        node = graph.call_function(target, args, options)
        values = [arg.meta["val"] if isinstance(arg, Node) else arg for arg in args]
        with relu.meta["val"].fake_mode:
            node.meta["val"] = target(*values, **options)
        return node

    with graph.inserting_before(relu):
        weight, stride, padding = _widen(insert, weight, stride, padding, p, q)
        if q > 1 and bias is not None:
            bias = insert(aten.repeat.default, bias, [q])
        args = (images, weight, bias, added, list(stride), list(padding), p, q)
        fused = insert(torch.ops.landscape.convolution_relu.default, *args)
    relu.replace_all_uses_with(fused)


def _choose_widths(convolution: Any) -> tuple[int, int]:
    """Choose how many pixels of the inputs and of the outputs are taken as one."""
    images, weight, _, strides, paddings, *_ = convolution.args
    inputs, kernel = images.meta["val"], weight.meta["val"]
    channels, width = inputs.shape[1], inputs.shape[3]
    outputs, columns = convolution.meta["val"].shape[1], convolution.meta["val"].shape[3]
    if kernel.shape[3] != KERNEL or _is_narrow(inputs, kernel, strides, paddings):
        return 1, 1
    stride = strides[1]
    p, least = _power(INPUTS, channels, width), _power(OUTPUTS, outputs, columns)
    while p > 1 and (p * channels % ALIGNED or max(least, p // stride) * outputs > MOST):
        p //= 2
    q = max(least, p // stride)
    before, taps = _taps(KERNEL, stride, paddings[1], p, q)
    whole = columns % q == 0 and q * stride % p == 0
    if whole and (width + 2 * before - taps) // (q * stride) + 1 == columns // q:
        return p, q
    return 1, 1


def _power(wanted: int, channels: int, divided: int) -> int:
    """Return how many pixels have the wanted channels: a power of two that divides a row."""
    pixels = 1
    while pixels < PIXELS and pixels * channels < wanted and divided % (2 * pixels) == 0:
        pixels *= 2
    return pixels


def _taps(kernel: int, stride: int, padding: int, p: int, q: int) -> tuple[int, int]:
    """Count the pixels of padding, and those that q outputs depend on, in multiples of p."""
    before = -(-padding // p) * p
    taps = before - padding + (q - 1) * stride + kernel
    return before, -(-taps // p) * p


def _widen(
    insert: Any, weight: Any, stride: Any, padding: Any, p: int, q: int
) -> tuple[Any, list[int], list[int]]:
    """Insert the computation of the widened kernel W' from W, with its stride and padding.

    W'[(j, out), (t % p, in), h, t // p] = W[out, in, h, t - j stride - margin], or 0 where that is
    outside of W; j counts the q outputs, t the pixels that they depend on. Rows of W, with zeros
    around, are repeated q times, then read with a period that is shorter by the stride.
    """
    outputs, inputs, height, width = weight.meta["val"].shape
    rows = insert(aten.permute.default, weight, [0, 2, 3, 1])
    if q == 1:
        rows = insert(aten.clone.default, rows, **CONTIGUOUS)
        return insert(aten.permute.default, rows, [0, 3, 1, 2]), stride, padding
    before, taps = _taps(width, stride[1], padding[1], p, q)
    margin, period = before - padding[1], taps + stride[1]
    zeros = [0, 0, margin, period - margin - width]
    rows = insert(aten.constant_pad_nd.default, rows, zeros, 0.0)
    rows = insert(aten.unsqueeze.default, rows, 2)
    rows = insert(aten.expand.default, rows, [outputs, height, q, period, inputs])
    rows = insert(aten.clone.default, rows, **CONTIGUOUS)
    rows = insert(aten.reshape.default, rows, [outputs, height, q * period, inputs])
    rows = insert(aten.slice.Tensor, rows, 2, 0, q * taps)
    rows = insert(aten.reshape.default, rows, [outputs, height, q, taps, inputs])
    rows = insert(aten.permute.default, rows, [2, 0, 1, 3, 4])
    rows = insert(aten.clone.default, rows, **CONTIGUOUS)
    rows = insert(aten.reshape.default, rows, [q * outputs, height, taps // p, p * inputs])
    wide = insert(aten.permute.default, rows, [0, 3, 1, 2])
    return wide, [stride[0], q * stride[1] // p], [padding[0], before // p]
