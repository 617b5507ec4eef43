"""Detection of damage that HDF5 does not notice and that would make it read forever."""

from __future__ import annotations

import mmap
import os

SIGNATURE, END_AT = b"\x89HDF\r\n\x1a\n", 28
"""First bytes of a file, and byte offset of its length in superblocks of version 2 and later (HDF5
File Format Specification 3.0, section II.A)."""

HEAP, RESERVED, HEADER, ALIGNMENT = b"GCOL\x01", b"\0\0\0", 16, 8
"""First bytes of a global heap collection, which stores strings; the reserved bytes after them,
which HDF5 ignores; bytes in the header of a collection and of each object in it; multiple of bytes
to which objects are padded (section III.E)."""

SMALLEST = 4096
"""Smallest collection that HDF5 writes, in bytes."""


def check_damage(path: str | os.PathLike[str]) -> None:
    """Refuse a file whose length has changed, or whose string collections would loop forever.

    No checksum protects either. As of version 1.14, HDF5 never stops stepping through such a
    collection.

    Raises:
        ValueError: if the file is damaged.
        OSError: if the file can't be read.
    """
    with open(path, "rb") as file:
        length = file.seek(0, os.SEEK_END)
        if length < END_AT + 8:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content[:8] == SIGNATURE and content[8] in (2, 3) and content[9] == 8:
                expected = _number(content, END_AT, 8)
                if length != expected:
                    raise ValueError(f"it has {length} bytes, but its header says {expected}")
            place = content.find(HEAP)
            while place >= 0:
                if _is_heap(content, place, length):
                    _check_heap(content, place, length)
                place = content.find(HEAP, place + 1)


def _is_heap(content: mmap.mmap, start: int, length: int) -> bool:
    """Tell a collection, even with damaged reserved bytes, from data that happen to look like one.

    Args:
        content: the file.
        start: offset of bytes that equal ``HEAP``.
        length: the file's length in bytes.
    """
    reserved = start + len(HEAP)
    size = _number(content, start + 8, 8)
    plausible = SMALLEST <= size <= length - start
    return content[reserved : reserved + len(RESERVED)] == RESERVED or plausible


def _check_heap(content: mmap.mmap, start: int, length: int) -> None:
    """Step through a collection's objects as HDF5 does; object 0 is the free space."""
    end = start + _number(content, start + 8, 8)
    place = start + HEADER
    while place + HEADER <= min(end, length):
        size = _number(content, place + 8, 8)
        free = _number(content, place, 2) == 0
        step = size if free else HEADER + -(-size // ALIGNMENT) * ALIGNMENT
        if not 0 < step <= end - place:
            raise ValueError(f"its strings at byte {start} are damaged")
        place += step


def _number(content: mmap.mmap, place: int, size: int) -> int:
    return int.from_bytes(content[place : place + size], "little")
