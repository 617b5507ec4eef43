"""The contract of a format whose tensors can be read in parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Place = tuple[slice, ...]
"""A range for each dimension of a tensor."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a checkpoint, of which nothing is in memory.

    Args:
        shape: its shape.
        dtype: its dtype.
        read: reads the entries of a rectangle onto the CPU.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[Place], Tensor]

    def whole(self) -> Tensor:
        """Read all entries."""
        return self.read(tuple(slice(0, size) for size in self.shape))


class PartReader(ABC):
    """A format of checkpoints whose tensors can be read in parts."""

    @staticmethod
    @abstractmethod
    def recognizes(path: str) -> bool:
        """Return True if a path is to be read in this format, whether or not it is damaged."""

    @abstractmethod
    def tensors(self, path: str) -> Mapping[str, Any]:
        """Return the stored tensors by name, nested as they were saved.

        Raises:
            CheckpointError: if the checkpoint can't be read, or is damaged.
        """
