"""A log of a matrix's products with vectors, from which an interrupted algorithm is repeated.

An algorithm that is a function of its products is continued by running it again from the start:
products in the log take the place of those that took long. The log is a file beside the output:

    MAGIC, SHA-256 of what is computed (32 bytes), then for each product
    CRC-32 of the vector, CRC-32 of the product, the product's P numbers

A record that was not written whole ends the log. So does one for another vector, which follows if
the algorithm's own arithmetic differs, as on another number of threads.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from landscape_cli.util.output_files import written_path

MAGIC = b"landscape products 1\n"
_SUMS = struct.Struct("<II")

SYNC = 1.0
"""Seconds of work that a crash of the machine may cost; a killed process loses one product."""


def products_path(output: Path) -> Path:
    """Return the path of the log beside an output, ``<output>.products``."""
    target = written_path(output)
    return target.with_name(f"{target.name}.products")


def is_product_log(path: Path) -> bool:
    """Tell whether a file is such a log, or empty, as one that was just begun may be."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) in (MAGIC, b"")
    except OSError:
        return False


class ProductLog:
    """The products of one computation, those of an earlier run first.

    If the file can't be written, for example on a full disk, computing goes on without it.

    Args:
        path: the file; replaced unless it is of the same computation.
        key: identifies the computation: everything that its products depend on.
        size: the length P of a vector.
        dtype: ``float32`` or ``float64``.
        warn: receives a message if the file can't be written.
    """

    def __init__(
        self,
        path: Path,
        key: str,
        size: int,
        dtype: str,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path = path
        self._dtype, self._size = np.dtype(dtype), size
        self._warn = warn
        self._head = MAGIC + sha256(f"{key} {size} {dtype}".encode()).digest()
        self._file: BinaryIO | None = None
        self._reading = True
        self._synced = time.monotonic()
        try:
            self._file = self._opened()
        except OSError as error:
            self._fail(error)

    def next(self, vector: NDArray[np.generic]) -> NDArray[np.generic] | None:
        """Return the logged product with the next vector; None from the end of the log on."""
        if not self._reading or self._file is None:
            return None
        try:
            start = self._file.tell()
            content = self._file.read(_SUMS.size + self._size * self._dtype.itemsize)
            found = self._parsed(content, vector)
            if found is None:
                self._file.seek(start)
                self._file.truncate()
        except OSError as error:
            self._fail(error)
            found = None
        self._reading = found is not None
        return found

    def append(self, vector: NDArray[np.generic], product: NDArray[np.generic]) -> None:
        """Add a product, in the log's dtype, at the end."""
        self._reading = False
        if self._file is None:
            return
        content = product.tobytes()
        try:
            self._file.write(_SUMS.pack(_crc(vector), zlib.crc32(content)))
            self._file.write(content)
            self._file.flush()
            if time.monotonic() - self._synced > SYNC:
                self.sync()
        except OSError as error:
            self._fail(error)

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Close the file, which stays."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self.sync()
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Remove the file, once the result is stored."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _opened(self) -> BinaryIO:
        if is_product_log(self.path):
            file = self.path.open("r+b")
            if file.read(len(self._head)) == self._head:
                return file
            file.close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.open("w+b")
        new.write(self._head)
        new.flush()
        return new

    def _parsed(self, content: bytes, vector: NDArray[np.generic]) -> NDArray[np.generic] | None:
        if len(content) < _SUMS.size + self._size * self._dtype.itemsize:
            return None
        of_vector, of_product = _SUMS.unpack_from(content)
        body = content[_SUMS.size :]
        if of_vector != _crc(vector) or of_product != zlib.crc32(body):
            return None
        return np.frombuffer(body, self._dtype)

    def _fail(self, error: OSError) -> None:
        self._file = None
        self._warn(
            f"can't write {self.path} ({error.strerror}); computing continues, but an interrupted "
            "run starts this part again"
        )


def _crc(array: NDArray[np.generic]) -> int:
    return zlib.crc32(np.ascontiguousarray(array).tobytes())
