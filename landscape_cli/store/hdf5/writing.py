"""Writing of HDF5 files with checksums of everything that they hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from landscape_cli.store.hdf5.checksums import ATTRIBUTE, Table, crc, digest, entry

SMALLEST_CHUNK, LARGEST_CHUNK, CHUNKS = 1 << 17, 1 << 20, 1 << 10
"""Bounds on the bytes of a chunk, each of which has a checksum: the smallest fit into a processor's
cache, which halves the time that checksums take, the largest into HDF5's; intended number of
chunks between the two."""

TABLE_BYTES = 3_000
"""Approximate size of HDF5's own tables for an array of one chunk."""


class Writer:
    """Writes arrays and attributes into a new file, and their checksums at the end.

    Args:
        file: the empty file.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._table = Table()
        self._crcs: dict[str, int] = {}
        self._kinds: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {}
        self._latest: tuple[str, h5py.Dataset | None] = "", None  # finding arrays by path is slow

    def attributes(self, values: Mapping[str, Any], owner: str = "") -> None:
        """Add attributes to a group or array; "" is the root."""
        stored = (self._at(owner) if owner else self._file).attrs
        listed = self._table.attributes.setdefault(owner, {})
        for name, value in values.items():
            stored[name] = value
            # Text is read as it was given; of other values, h5py chooses the type.
            listed[name] = digest(value if type(value) is str else stored[name])

    def array(self, path: str, array: ArrayLike) -> None:
        """Add an array of numbers."""
        numbers = np.asarray(array)
        self._create(path, numbers.shape, numbers.dtype, numbers)
        self._crcs[path] = crc(numbers)

    def text(self, path: str, lines: Sequence[str]) -> None:
        """Add an array of text, in UTF-8 of one length, since HDF5 can't check other text."""
        encoded = [line.encode() for line in lines]
        longest = max(map(len, encoded), default=0) or 1
        self.array(path, np.array(encoded, dtype=h5py.string_dtype("utf-8", longest)))

    def begin(self, path: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Add an array whose entries follow from first to last."""
        self._create(path, shape, dtype)
        self._crcs[path] = 0

    def put(self, path: str, index: Any, entries: NDArray[Any]) -> None:
        """Write the next entries of an array, at an index into it."""
        self._at(path)[index] = entries
        self._crcs[path] = crc(entries, self._crcs[path])

    def link(self, path: str, target: str) -> None:
        """Give an array that is complete a second name."""
        self._file[path] = self._file[target]
        self._crcs[path], self._kinds[path] = self._crcs[target], self._kinds[target]

    def group(self, path: str) -> None:
        """Add a group."""
        self._file.create_group(path)

    def seal(self) -> None:
        """Write the checksums; nothing may follow."""
        for path, checksum in self._crcs.items():
            self._table.arrays[path] = entry(*self._kinds[path], checksum)
        self._file.attrs[ATTRIBUTE] = self._table.text()

    def _create(self, path: str, shape: tuple[int, ...], dtype: Any, data: Any = None) -> None:
        self._kinds[path] = dtype, shape
        chunks = chunk_shape(shape, dtype.itemsize)
        checked = {} if chunks is None else {"chunks": chunks, "fletcher32": True}
        try:
            self._latest = path, self._file.create_dataset(path, shape, dtype, data, **checked)
        except TypeError as error:
            raise ValueError(f"{path}: {error}") from error

    def _at(self, path: str) -> Any:
        """Return the array or group of a path."""
        latest, array = self._latest
        return array if path == latest and array is not None else self._file[path]


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...] | None:
    """Divide an array into equal chunks of whole rows, as far as possible.

    Returns:
        The shape of a chunk; None for scalars and empty arrays, which HDF5 can't divide.
    """
    if not shape or 0 in shape:
        return None
    wanted = itemsize * math.prod(shape) // CHUNKS
    largest = min(max(wanted, SMALLEST_CHUNK), LARGEST_CHUNK)
    chunk = list(shape)
    for dimension, length in enumerate(shape):
        rest = itemsize * math.prod(shape[dimension + 1 :])
        most = max(1, largest // rest)
        chunk[dimension] = -(-length // -(-length // most))
        if rest <= largest:
            break
    return tuple(chunk)
