"""The tensors of a step: their names, dtypes and shapes, and where their bytes are in a file.

Tensors lie in the order of their items' sizes, the largest first, and then of their names, so that
each is aligned. A file of several steps has all tensors of one size of all steps before those of
the next size, for the same reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

SIZES = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
}
"""Bytes of an item of each of the format's dtypes."""


@dataclass(frozen=True)
class Spec:
    """One tensor.

    Args:
        name: its name.
        dtype: as the safetensors format calls it.
        shape: its shape.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Number of bytes."""
        return SIZES[self.dtype] * math.prod(self.shape)


class Layout:
    """The tensors of a step, in the order of their bytes.

    Args:
        specs: the tensors, in any order.
    """

    def __init__(self, specs: Iterable[Spec]) -> None:
        self.specs = tuple(sorted(specs, key=lambda spec: (-SIZES[spec.dtype], spec.name)))
        groups = groupby(self.specs, key=lambda spec: SIZES[spec.dtype])
        self._groups = tuple(tuple(group) for _, group in groups)
        self._sizes = tuple(sum(spec.bytes for spec in group) for group in self._groups)
        self.bytes = sum(self._sizes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and self.specs == other.specs

    def __hash__(self) -> int:
        return hash(self.specs)

    @classmethod
    def of_header(cls, entries: Mapping[str, Any], prefix: str = "") -> Layout:
        """Return the layout of the entries of a header whose names begin with a prefix.

        Raises:
            ValueError, KeyError, TypeError: for a malformed header.
        """
        specs = []
        for name, entry in entries.items():
            if name.startswith(prefix):
                shape = tuple(entry["shape"])
                if entry["dtype"] not in SIZES or not all(
                    type(size) is int and size >= 0 for size in shape
                ):
                    raise ValueError(f"{name} has dtype {entry['dtype']} and shape {shape}")
                specs.append(Spec(name.removeprefix(prefix), entry["dtype"], shape))
        return cls(specs)

    def header(self, prefixes: Sequence[str] = ("",)) -> dict[str, Any]:
        """Return the entries of the header of a file.

        Args:
            prefixes: what to put before the names of each step.
        """
        entries: dict[str, Any] = {}
        place = 0
        for group in self._groups:
            for prefix in prefixes:
                for spec in group:
                    entries[prefix + spec.name] = {
                        "dtype": spec.dtype,
                        "shape": list(spec.shape),
                        "data_offsets": [place, place + spec.bytes],
                    }
                    place += spec.bytes
        return entries

    def parts(self, number: int, steps: int) -> Iterator[tuple[int, int]]:
        """Yield place and size of each run of bytes of a step, in the step's own order.

        Args:
            number: the step's, from 0.
            steps: number of steps in the file.
        """
        before = 0
        for size in self._sizes:
            yield before * steps + number * size, size
            before += size

    def joined(self, steps: Sequence[memoryview]) -> Iterator[memoryview]:
        """Yield the bytes of a file of several steps, given those of each."""
        before = 0
        for size in self._sizes:
            for data in steps:
                yield data[before : before + size]
            before += size

    def plain(self) -> list[Any]:
        """Return names, dtypes and shapes as a list for JSON."""
        return [[spec.name, spec.dtype, list(spec.shape)] for spec in self.specs]
