"""Keep oneDNN from damaging the weight gradients of narrow, strided 1x1 convolutions.

With its channels last in memory, such a convolution's input is copied without the stride into a
workspace before the weight gradient is computed. That workspace holds the convolution's own input
channels for each pixel, but pieces of an image are laid out as if there were a whole vector block
of them: 8 on AVX2, 16 on AVX-512. With fewer channels the copy runs past the end. Depending on the
image's size and the number of threads, gradients are wrong, the heap is corrupted, or threads wait
for each other for ever (https://github.com/uxlfoundation/oneDNN/issues/6035; in oneDNN 3.12 and so
in PyTorch 2.13). For a transposed convolution the output channels count. Forward passes and
gradients with respect to the input are not affected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

VECTOR_BLOCK = 16
"""Channels in oneDNN's widest vector block (AVX-512, float32); narrower ones are at risk."""

_CONVOLUTION_BACKWARD = torch.ops.aten.convolution_backward.default


def backward(loss: Tensor, parameters: Iterable[Tensor]) -> None:
    """Accumulate the gradients of a scalar into the parameters it depends on, undamaged.

    Args:
        loss: a scalar, shape ().
        parameters: the leaves that get gradients, of any shapes.

    Example:
        >>> from torch import nn
        >>> layer = nn.Conv2d(4, 8, 1, stride=2).to(memory_format=torch.channels_last)
        >>> images = torch.ones(32, 4, 8, 8).contiguous(memory_format=torch.channels_last)
        >>> backward(layer(images).mean(), layer.parameters())
        >>> layer.weight.grad.flatten()[0].item()
        0.125
    """
    with guarded(parameters):
        loss.backward()  # type: ignore[no-untyped-call]


@contextmanager
def guarded(parameters: Iterable[Tensor]) -> Iterator[None]:
    """Compute the gradients at risk in contiguous format, whatever the tensors' own format is.

    Only backward passes need it: ``torch.Tensor.backward``, ``torch.autograd.grad``, and the same
    for derivatives of derivatives. Forward passes keep their format. On a CPU each operation of
    the backward pass takes about 10 microseconds more.

    Args:
        parameters: what derivatives are taken with respect to; if none of it is on a CPU, nothing
            is done.

    Example:
        >>> weight = torch.ones(8, 4, 1, 1, requires_grad=True)
        >>> images = torch.ones(32, 4, 8, 8).contiguous(memory_format=torch.channels_last)
        >>> loss = torch.conv2d(images, weight, stride=2).mean()
        >>> with guarded([weight]):
        ...     (gradient,) = torch.autograd.grad(loss, weight)
        >>> gradient.unique().tolist()
        [0.125]
    """
    if any(parameter.device.type == "cpu" for parameter in parameters):
        with _ContiguousWeightGradients():  # type: ignore[no-untyped-call]
            yield
    else:
        yield


class _ContiguousWeightGradients(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Replaces the operands of a convolution's backward pass where its weight gradient is at risk.

    Here, below autograd, every convolution passes by: of modules, of functions, of TorchScript,
    and recomputed ones.
    """

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is _CONVOLUTION_BACKWARD and _at_risk(args):
            args = (*map(_row_major, args[:3]), *args[3:])
        return func(*args, **(kwargs or {}))


def _at_risk(args: Sequence[Any]) -> bool:
    """Tell whether oneDNN may damage the weight gradient.

    Args:
        args: of ``aten::convolution_backward``: the output's gradient, input, weight, bias sizes,
            stride, padding, dilation, transposed, output padding, groups, output mask.
    """
    weight: Tensor = args[2]
    stride, (_, wants_weight, _) = args[4], args[10]
    return (
        wants_weight
        and weight.device.type == "cpu"
        and weight.shape[1] < VECTOR_BLOCK
        and all(size == 1 for size in weight.shape[2:])
        and any(step != 1 for step in stride)
    )


def _row_major(tensor: Tensor) -> Tensor:
    """Return a tensor's values with the strides of contiguous format.

    ``contiguous()`` alone keeps any stride of a dimension of size 1, from which PyTorch still
    infers channels last.
    """
    stride = 1
    for size, own in zip(reversed(tensor.shape), reversed(tensor.stride()), strict=True):
        if own != stride:
            return tensor.clone(memory_format=torch.contiguous_format)
        stride *= size
    return tensor
