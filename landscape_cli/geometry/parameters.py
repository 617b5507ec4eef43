"""Named parameters in one contiguous buffer, so that a single kernel updates all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

ALIGNMENT = 64
"""Elements to a multiple of which each tensor is padded, for vectorized kernels."""


class FlatParameters:
    """Floating-point tensors by name, stored in one contiguous buffer per dtype.

    ``views`` maps names to tensors; writing to a view writes to its buffer. Padding between tensors
    is zero, and stays zero under sums and scalings.

    Args:
        like: tensors with the names, shapes and dtypes to use; the new tensors are zero.
        device: device of the buffers.
    """

    def __init__(self, like: Mapping[str, Tensor], device: torch.device | str) -> None:
        spans: dict[str, tuple[torch.dtype, int]] = {}
        ends: dict[torch.dtype, int] = {}
        for name, tensor in like.items():
            start = ends.get(tensor.dtype, 0)
            spans[name] = (tensor.dtype, start)
            ends[tensor.dtype] = start + -(-tensor.numel() // ALIGNMENT) * ALIGNMENT
        self.buffers: dict[torch.dtype, Tensor] = {
            dtype: torch.zeros(end, dtype=dtype, device=device) for dtype, end in ends.items()
        }
        self.views: dict[str, Tensor] = {
            name: self.buffers[dtype][start : start + like[name].numel()].view(like[name].shape)
            for name, (dtype, start) in spans.items()
        }

    def padded(self, name: str) -> Tensor:
        """Return a tensor's flat range of its buffer: the entries and the padding after them."""
        view = self.views[name]
        start = view.storage_offset()
        return self.buffers[view.dtype][start : start + -(-view.numel() // ALIGNMENT) * ALIGNMENT]

    @property
    def count(self) -> int:
        """Number of entries, without padding."""
        return sum(view.numel() for view in self.views.values())

    @classmethod
    def of_model(
        cls, model: nn.Module, device: torch.device | str, buffers: Collection[str] = ()
    ) -> FlatParameters:
        """Move a model's floating-point parameters into flat buffers, which the model then uses.

        Parameters shared between modules are stored once. Other tensors of the model are moved to
        the device unchanged.

        Args:
            model: the network.
            device: target device.
            buffers: names of the model's buffers to include; if there are any, tensors are in the
                order of the state dict.
        """
        model.to(device)
        tensors: dict[str, Tensor] = {
            n: p for n, p in model.named_parameters() if p.is_floating_point()
        }
        if buffers:
            tensors |= {n: b for n, b in model.named_buffers() if n in buffers}
            tensors = {name: tensors[name] for name in model.state_dict() if name in tensors}
        flat = cls({n: p.detach() for n, p in tensors.items()}, device)
        for name, tensor in tensors.items():
            flat.views[name].copy_(tensor.detach())
            tensor.data = flat.views[name]
        return flat

    def clone(self) -> FlatParameters:
        """Return a copy with its own buffers."""
        device = next(iter(self.buffers.values())).device if self.buffers else "cpu"
        copy = FlatParameters(self.views, device)
        for dtype, buffer in self.buffers.items():
            copy.buffers[dtype].copy_(buffer)
        return copy

    def assign(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy tensors of the same names and shapes into the views, converting dtype and device."""
        for name, view in self.views.items():
            view.copy_(tensors[name])


def wide_dtype(tensor: Tensor) -> torch.dtype:
    """Return the tensor's dtype, or float32 if that is wider."""
    return torch.promote_types(tensor.dtype, torch.float32)


class Digest:
    """SHA-256 over the names, shapes, dtypes and bytes of tensors, fed block by block."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def begin(self, name: str, like: Tensor) -> None:
        """Start a tensor, whose entries follow."""
        self._state.update(f"{name}{tuple(like.shape)}{like.dtype}".encode())

    def add(self, entries: Tensor) -> None:
        """Hash the next entries of the tensor."""
        host = entries.detach().cpu().contiguous().flatten()
        self._state.update(host.view(torch.uint8).numpy().data)

    def text(self) -> str:
        """Return the hash as a hex string."""
        return self._state.hexdigest()


def digest(parameters: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over the names, shapes, dtypes and bytes of tensors, as hex."""
    state = Digest()
    for name, tensor in parameters.items():
        state.begin(name, tensor)
        state.add(tensor)
    return state.text()
