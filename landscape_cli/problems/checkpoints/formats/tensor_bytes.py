"""Tensors as the bytes of the safetensors format, and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from landscape_cli.errors import CheckpointError
from landscape_cli.store.recordings.layout import Layout, Spec
from landscape_cli.util.tensors import bytes_of

_NAMES = {
    **{"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"},
    **{"I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "BOOL": "bool"},
    **{"U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "C64": "complex64"},
    **{"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"},
}

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, own) for name, own in _NAMES.items() if hasattr(torch, own)
}
"""PyTorch's dtypes by the names of the format; older versions lack some."""

_FORMAT_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def spec_of(name: str, tensor: Tensor) -> Spec:
    """Return how the format describes a tensor.

    Raises:
        CheckpointError: for one that it can't hold.
    """
    dense = tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_meta
    if not dense or tensor.dtype not in _FORMAT_NAMES:
        dtype = str(tensor.dtype).removeprefix("torch.")
        kind = dtype if dense else f"{dtype} ({tensor.layout}, on {tensor.device})"
        raise CheckpointError(f"{name} is {kind}, which the safetensors format can't hold")
    return Spec(name, _FORMAT_NAMES[tensor.dtype], tuple(tensor.shape))


def bytes_of_state(state: Mapping[str, Tensor]) -> tuple[Layout, bytearray]:
    """Return the layout of tensors, and their bytes in its order.

    Raises:
        CheckpointError: for a tensor that the format can't hold.
    """
    layout = Layout(spec_of(name, tensor) for name, tensor in state.items())
    data = bytearray()
    for spec in layout.specs:
        tensor = state[spec.name].detach().resolve_conj().resolve_neg().cpu().contiguous()
        data += bytes_of(tensor).data
    return layout, data


def tensors_of(layout: Layout, data: bytearray) -> dict[str, Tensor]:
    """Return tensors in the memory of their bytes."""
    memory = torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(0)
    tensors, place = {}, 0
    for spec in layout.specs:
        if spec.dtype not in DTYPES:
            raise CheckpointError(
                f"checkpoint: {spec.name} is {spec.dtype}, which this PyTorch does not have"
            )
        piece = memory[place : place + spec.bytes] if spec.bytes else torch.empty(0).byte()
        tensors[spec.name] = piece.view(DTYPES[spec.dtype]).reshape(spec.shape)
        place += spec.bytes
    return tensors
