"""The buffers of a network in training mode, the same at the start of every step."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class TrainingBuffers:
    """Restores the buffers that forward passes in training mode change.

    These are running statistics, counters of batches and the like. A step then depends on nothing
    that earlier steps have left in the model.

    Args:
        model: the network, in training mode.
    """

    def __init__(self, model: nn.Module) -> None:
        self._kept = [
            (module, name, tensor, tensor.detach().clone())
            for module in model.modules()
            for name, tensor in module._buffers.items()
            if tensor is not None
        ]
        self._versions = [tensor._version for _, _, tensor, _ in self._kept]

    def restore(self) -> None:
        """Restore the buffers that have changed or were replaced."""
        for place, (module, name, tensor, content) in enumerate(self._kept):
            replaced = module._buffers.get(name) is not tensor
            if not replaced and tensor._version == self._versions[place]:
                continue
            with torch.no_grad():
                _set(tensor, content)
            if replaced:
                module._buffers[name] = tensor
            self._versions[place] = tensor._version


def _set(tensor: Tensor, content: Tensor) -> None:
    if tensor.shape == content.shape:
        tensor.copy_(content)
    else:
        tensor.data = content.clone()
