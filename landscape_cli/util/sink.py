"""A file that libraries write to, which survives a disk that is full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def sink(path: Path) -> Iterator[Sink]:
    """Create a file for HDF5, which does not cope with a disk that is full.

    What HDF5 can't write when a file is closed stays open inside the library, which crashes when
    the process ends. So it gets a file object that is always content.

    Raises:
        OSError: when the block ends, if something could not be written.
    """
    with path.open("xb+", buffering=0) as file:
        made = Sink(file)
        try:
            yield made
        finally:
            made.check()


class Sink:
    """A file object that keeps its first error, and from then on only pretends to write.

    Args:
        file: an unbuffered binary file, open for reading and writing.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self._error is not None:
            raise self._error

    def write(self, data: memoryview) -> int:
        """Write all bytes at the current place."""
        left = memoryview(data).cast("B")
        try:
            while self._error is None and len(left):
                left = left[self._file.write(left) :]
        except OSError as error:
            self._error = error
        return len(data)

    def read(self, size: int) -> bytes:
        """Read this number of bytes; those that were not written are 0."""
        data = bytearray(size)
        self.readinto(memoryview(data))
        return bytes(data)

    def readinto(self, buffer: memoryview) -> int:
        """Read into a buffer; bytes that were not written are 0."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view) and (count := self._file.readinto(view[done:])):
            done += count
        view[done:] = bytes(len(view) - done)
        return len(view)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        return int(self._file.seek(place, whence))

    def tell(self) -> int:
        """Return the place."""
        return int(self._file.tell())

    def truncate(self, size: int) -> int:
        """Set the file's length."""
        try:
            return size if self._error else self._file.truncate(size)
        except OSError as error:
            self._error = error
            return size

    def flush(self) -> None:
        """Do nothing: the file has no buffer."""
