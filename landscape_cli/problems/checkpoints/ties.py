"""Tensors of a model that share memory under several names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn.parameter import is_lazy


def tied_names(own: Mapping[str, Any]) -> list[list[str]]:
    """Group the names of a state dict whose tensors are the same memory in the same shape.

    They may be one Parameter in several modules, or several with one storage.

    Args:
        own: the model's state dict.

    Returns:
        Groups of at least two names, in the model's order.
    """
    groups: dict[Any, list[str]] = {}
    for name, tensor in own.items():
        if isinstance(tensor, Tensor) and (place := _place(tensor)) is not None:
            groups.setdefault(place, []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def complete(state: Mapping[str, Any], groups: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the tensors that a state dict lacks but has under another of their names."""
    added: dict[str, Any] = {}
    for names in groups:
        present = [name for name in names if name in state]
        if present:
            added |= {name: state[present[0]] for name in names if name not in state}
    return added


def _place(tensor: Tensor) -> Any:
    """Return where a tensor's entries lie in memory; None if it has none."""
    try:
        if is_lazy(tensor) or tensor.numel() == 0:
            return None
        if tensor.is_meta:
            return tensor.untyped_storage()._cdata, tensor.shape
        start = tensor.untyped_storage().data_ptr(), tensor.storage_offset()
        return tensor.device, *start, tensor.shape, tensor.stride(), tensor.dtype
    except (RuntimeError, NotImplementedError):  # sparse, quantized and others without storage
        return None
