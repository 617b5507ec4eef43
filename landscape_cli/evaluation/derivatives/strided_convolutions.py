"""Workaround for a oneDNN bug in the weight gradients of narrow, strided 1x1 convolutions.

With channels-last memory format, oneDNN copies such a convolution's input, without the stride, into
a workspace before it computes the weight gradient. The workspace has room for the convolution's
input channels at each pixel, but parts of an image are addressed as if there were a full vector
block of channels: 8 on AVX2, 16 on AVX-512. With fewer channels, the copy overruns the workspace.
Depending on the image size and the number of threads, gradients are wrong, the heap is corrupted,
or threads deadlock (https://github.com/uxlfoundation/oneDNN/issues/6035; oneDNN 3.12, PyTorch
2.13). For a transposed convolution, the output channels count. Forward passes and gradients with
respect to the input are not affected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from landscape_cli.evaluation.derivatives.repeatable import repeatable

VECTOR_BLOCK = 16
"""Channels in oneDNN's widest vector block (AVX-512, float32); fewer put gradients at risk."""

_CONVOLUTION_BACKWARD = torch.ops.aten.convolution_backward.default


def backward(loss: Tensor, parameters: Iterable[Tensor]) -> None:
    """Accumulate the gradients of a scalar into the parameters it depends on, undamaged.

    Args:
        loss: a scalar, shape ().
        parameters: the leaf tensors that get gradients, of any shape.

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


def differentiate(scalar: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradient of a scalar, undamaged, so that it can be differentiated again.

    Args:
        scalar: shape ().
        parameters: the tensors to differentiate with respect to, of any shape.

    Returns:
        A tensor for each parameter, of its shape; zeros for those that the scalar does not depend
        on.

    Example:
        >>> x = torch.tensor([3.0], requires_grad=True)
        >>> (slope,) = differentiate((x**3).sum(), [x])
        >>> (curvature,) = differentiate(slope.sum(), [x])
        >>> slope.item(), curvature.item()
        (27.0, 18.0)
    """
    if not scalar.requires_grad:
        return [torch.zeros_like(parameter) for parameter in parameters]
    with guarded(parameters):
        found = torch.autograd.grad(
            scalar, parameters, create_graph=True, allow_unused=True, materialize_grads=True
        )
    return list(found)


@contextmanager
def guarded(parameters: Iterable[Tensor]) -> Iterator[None]:
    """Compute the gradients at risk in contiguous memory format within a block.

    Only backward passes need the guard: ``torch.Tensor.backward``, ``torch.autograd.grad``, and
    higher derivatives. Forward passes keep their memory format. On a CPU, each operation of the
    backward pass takes about 10 microseconds longer.

    Args:
        parameters: the tensors to differentiate with respect to; if none is on a CPU, memory
            formats stay as they are, and sums are ``repeatable``.

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
        with repeatable():
            yield


class _ContiguousWeightGradients(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Replaces the operands of a convolution's backward pass if its weight gradient is at risk.

    Every convolution is dispatched here, below autograd: those of modules, functions, TorchScript,
    and activation recomputation.
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
        args: the arguments of ``aten::convolution_backward``: output gradient, input, weight, bias
            sizes, stride, padding, dilation, transposed, output padding, groups, output mask.
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

    ``contiguous()`` alone keeps the strides of dimensions of size 1, from which PyTorch would still
    infer channels last.
    """
    stride = 1
    for size, own in zip(reversed(tensor.shape), reversed(tensor.stride()), strict=True):
        if own != stride:
            return tensor.clone(memory_format=torch.contiguous_format)
        stride *= size
    return tensor
