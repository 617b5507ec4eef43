"""Real views of tensors, and the dtypes in which they are added."""

from __future__ import annotations

import ctypes

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def as_real(tensor: Tensor) -> Tensor:
    """Return a real tensor with the entries of another one, which is returned as it is if real.

    A complex tensor of at least two dimensions gets another dimension, of size 2, for real and
    imaginary parts, so that a slice along dimension 0 remains one filter. One of fewer dimensions,
    such as a bias, becomes one of twice as many entries. The memory is shared if it can be.

    Example:
        >>> as_real(torch.zeros(3, 4, dtype=torch.complex64)).shape
        torch.Size([3, 4, 2])
        >>> as_real(torch.tensor([1 + 2j])).tolist()
        [1.0, 2.0]
    """
    if not tensor.is_complex():
        return tensor
    pairs = torch.view_as_real(tensor.resolve_conj())
    return pairs if tensor.dim() > 1 else pairs.reshape(-1)


def as_complex(real: Tensor, dimensions: int) -> Tensor:
    """Return the complex tensor whose ``as_real`` is a tensor, in the same memory.

    Args:
        real: contiguous, as ``as_real`` returns it.
        dimensions: number of dimensions of the complex tensor.
    """
    if dimensions > 1:
        return torch.view_as_complex(real)
    pairs = torch.view_as_complex(real.view(-1, 2))
    return pairs if dimensions else pairs.view(())


def bytes_of(tensor: Tensor) -> NDArray[np.uint8]:
    """Return the memory of a contiguous CPU tensor as bytes, without copying it.

    ``Tensor.numpy`` does the same, but forbids the tensor's owner to resize it ever after, as
    observers of quantization do. The tensor must live as long as the result is used.
    """
    size = tensor.nbytes
    if size == 0:
        return np.empty(0, np.uint8)
    memory = (ctypes.c_uint8 * size).from_address(tensor.data_ptr())
    return np.ctypeslib.as_array(memory)


def movable(tensor: Tensor) -> bool:
    """Return True for tensors that a slice can move: floating-point and complex ones."""
    return tensor.is_floating_point() or tensor.is_complex()


def widened(dtype: torch.dtype) -> torch.dtype:
    """Return a dtype, or float32 if that is wider."""
    if dtype.is_floating_point and dtype.itemsize < 4:
        return torch.float32
    return torch.promote_types(dtype, torch.float32)


def wide_dtype(tensor: Tensor) -> torch.dtype:
    """Return the tensor's dtype, or float32 if that is wider."""
    return widened(tensor.dtype)


def is_transposed(module: nn.Module) -> bool:
    """Return True for the linear layers of GPT-2 in transformers, whose weight is (in, out).

    They are called ``Conv1D`` and say their number of outputs, ``nf``; transformers need not be
    there.
    """
    weight = getattr(module, "weight", None)
    outputs = getattr(module, "nf", None)
    return (
        any(kind.__name__ == "Conv1D" for kind in type(module).__mro__)  # FSDP derives classes
        and isinstance(weight, nn.Parameter)
        and weight.dim() == 2
        and weight.shape[1] == outputs
    )
