"""Hash of a split's samples, by which ranks and later runs check that they have the same data."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from landscape_cli.evaluation.data.batches import tensors_in


class Fingerprint:
    """Hash of samples that does not depend on how they are divided into batches."""

    def __init__(self) -> None:
        self._columns: list[Any] = []

    def add(self, batch: Any) -> None:
        """Hash the next batch: each of its tensors continues a column."""
        for index, tensor in enumerate(tensors_in(batch)):
            if index == len(self._columns):
                start = f"{tuple(tensor.shape[1:])}{tensor.dtype}".encode()
                self._columns.append(hashlib.blake2b(start, digest_size=16))
            if not tensor.is_sparse:
                flat = tensor.detach().cpu().contiguous().flatten()
                self._columns[index].update(flat.view(torch.uint8).numpy().data)

    def text(self) -> str:
        """Return the hash of all columns, 32 hexadecimal digits."""
        whole = hashlib.blake2b(digest_size=16)
        for column in self._columns:
            whole.update(column.digest())
        return whole.hexdigest()
