"""The SHA-256 that a directions file states of each direction, compared with the stored entries."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Entry = tuple[str | None, NDArray[Any]]
"""A tensor's name, None in the other tool's files, and its entries."""

BF16 = 16
"""Bits of a float32 that bfloat16 lacks."""


def matches(entries: Sequence[Entry], sha256: str) -> bool:
    """Return whether the entries may be those that were hashed.

    Complex tensors are hashed as ``util.tensors.as_real`` returns them. Types that HDF5 lacks, such
    as bfloat16, were hashed as they are and stored as float32 by earlier versions. Which
    tensors had one, the file does not say: all that fit into it, or unknown ones, for which the
    hash can't be compared.

    Args:
        entries: the direction, in the file's order.
        sha256: as computed by ``geometry.parameters.Digest``.
    """
    entries = [(name, _real(array)) for name, array in entries]
    short = [_fits(array) for _, array in entries]
    candidates = [[False] * len(entries), short]
    if any(_hash(entries, candidate) == sha256 for candidate in candidates):
        return True
    pairs = zip(entries, short, strict=True)
    return any(fits and bool(array.any()) for (_, array), fits in pairs)


def _real(array: NDArray[Any]) -> NDArray[Any]:
    """Return the real and imaginary parts of a complex array."""
    if array.dtype.kind != "c":
        return array
    pairs = np.stack([array.real, array.imag], axis=-1)
    return pairs if array.ndim > 1 else pairs.reshape(-1)


def _hash(entries: Sequence[Entry], short: Sequence[bool]) -> str:
    """Return the hash over names, shapes, types and bytes, some of them as bfloat16."""
    state = hashlib.sha256()
    for (name, array), shortened in zip(entries, short, strict=True):
        dtype = "bfloat16" if shortened else array.dtype.name
        state.update(f"{name}{array.shape}torch.{dtype}".encode())
        stored = _bits(array) >> BF16 if shortened else array
        state.update(np.ascontiguousarray(stored, np.uint16 if shortened else None).tobytes())
    return state.hexdigest()


def _fits(array: NDArray[Any]) -> bool:
    """Return whether an array holds float32 numbers that bfloat16 can represent."""
    return array.dtype == np.float32 and not (_bits(array) & ((1 << BF16) - 1)).any()


def _bits(array: NDArray[Any]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint32)
