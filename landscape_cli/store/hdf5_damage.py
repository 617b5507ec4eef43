"""Damage to an HDF5 file that HDF5 itself does not notice, but reads without end."""

from __future__ import annotations

import mmap
import os

SIGNATURE, END_AT = b"\x89HDF\r\n\x1a\n", 28
"""What a file begins with, and where its length stands from version 2 of the head on (HDF5 File
Format Specification 3.0, section II.A)."""

HEAP, UNUSED, HEAD, ALIGNMENT = b"GCOL\x01", b"\0\0\0", 16, 8
"""What a collection of strings begins with; what follows, though HDF5 does not look at it; the
bytes of its head, and of each string's; to what multiple strings are filled up (section III.E)."""

SMALLEST = 4096
"""Bytes of the smallest collection that HDF5 writes."""


def check_damage(path: str | os.PathLike[str]) -> None:
    """Refuse a file whose length has changed, or whose collections of strings have no end.

    Neither has a checksum. As of version 1.14 HDF5 steps through such a collection for ever.

    Raises:
        ValueError: saying what is wrong.
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
                    raise ValueError(f"it has {length} bytes, and by its head {expected}")
            place = content.find(HEAP)
            while place >= 0:
                if _is_heap(content, place, length):
                    _check_heap(content, place, length)
                place = content.find(HEAP, place + 1)


def _is_heap(content: mmap.mmap, start: int, length: int) -> bool:
    """Tell a collection, its unused bytes damaged or not, from numbers that begin like one."""
    unused = start + len(HEAP)
    size = _number(content, start + 8, 8)
    return content[unused : unused + len(UNUSED)] == UNUSED or SMALLEST <= size <= length - start


def _check_heap(content: mmap.mmap, start: int, length: int) -> None:
    """Step through a collection as HDF5 does; object 0 is its free space."""
    end = start + _number(content, start + 8, 8)
    place = start + HEAD
    while place + HEAD <= min(end, length):
        size = _number(content, place + 8, 8)
        free = _number(content, place, 2) == 0
        step = size if free else HEAD + -(-size // ALIGNMENT) * ALIGNMENT
        if not 0 < step <= end - place:
            raise ValueError(f"its strings at byte {start} are damaged")
        place += step


def _number(content: mmap.mmap, place: int, size: int) -> int:
    return int.from_bytes(content[place : place + size], "little")
