"""Detection of damage that HDF5 does not notice and that would make it read forever."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator

SIGNATURE, END_AT = b"\x89HDF\r\n\x1a\n", 28
"""First bytes of a file, and byte offset of its length in superblocks of version 2 and later (HDF5
File Format Specification 3.0, section II.A)."""

DRIVER_AT, UNDEFINED = {b"\0": 48, b"\1": 52}, (1 << 64) - 1
"""Byte offset of the address of driver information by version of the superblock; the address of
what is not there (sections II.A and II.B)."""

HEAP, RESERVED, HEADER, ALIGNMENT = b"GCOL\x01", b"\0\0\0", 16, 8
"""First bytes of a global heap collection, which stores strings; the reserved bytes after them,
which HDF5 ignores; bytes in the header of a collection and of each object in it; multiple of bytes
to which objects are padded (section III.E)."""

SMALLEST = 4096
"""Smallest collection that HDF5 writes, in bytes."""

LOCAL_HEAP, LOCAL_HEADER, LAST, SMALLEST_BLOCK = b"HEAP\0", 32, 1, 16
"""First bytes of a local heap, which stores the names in a group; bytes in its header; offset that
ends its list of free blocks, and bytes in the smallest of them (section III.D)."""

TREE, TREE_HEADER = b"TREE", 24
"""First bytes of a node of a B-tree, which finds the members of a group or the chunks of an array;
bytes in its header (section III.A.1)."""

KEYS = {0: (8,), 1: tuple(8 * (rank + 2) for rank in range(1, 33))}
"""Possible sizes of the keys between a node's children, by its type; 8 bytes more for each
dimension of an array, which the node does not say."""


def check_damage(path: str | os.PathLike[str]) -> None:
    """Refuse a file whose length has changed, or on which HDF5 would crash or never end.

    No checksum protects these places. As of version 2.0, HDF5 never stops stepping through a
    damaged collection of strings, nor through a list of free blocks that leads back into itself,
    crashes on a tree that does, and takes the memory that driver information claims.

    Raises:
        ValueError: if the file is damaged.
        OSError: if the file can't be read.
    """
    with open(path, "rb") as file:
        length = file.seek(0, os.SEEK_END)
        if length < END_AT + 8:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            base = content.find(SIGNATURE)
            if base < 0:
                return
            if base == 0 and content[8] in (2, 3) and content[9] == 8:
                expected = _number(content, END_AT, 8)
                if length != expected:
                    raise ValueError(f"it has {length} bytes, but its header says {expected}")
            _check_driver(content, base, length)
            for place in _places(content, HEAP):
                if _is_heap(content, place, length):
                    _check_heap(content, place, length)
            for place in _places(content, LOCAL_HEAP):
                _check_free_list(content, place, base, length)
            for place in _places(content, TREE):
                _check_tree(content, place, base)


def _check_driver(content: mmap.mmap, base: int, length: int) -> None:
    """Refuse driver information that reaches beyond the file.

    Args:
        content: the file.
        base: offset of the superblock, from which addresses count.
        length: the file's length in bytes.
    """
    version, size_of_addresses = content[base + 8 : base + 9], content[base + 13 : base + 14]
    if version not in DRIVER_AT or size_of_addresses != b"\x08":
        return
    address = _number(content, base + DRIVER_AT[version], 8)
    size = _number(content, base + address + 4, 4)
    if address != UNDEFINED and base + address + size > length:
        raise ValueError(f"it claims {size} bytes of driver information")


def _places(content: mmap.mmap, mark: bytes) -> Iterator[int]:
    """Yield the offsets of some bytes in a file."""
    place = content.find(mark)
    while place >= 0:
        yield place
        place = content.find(mark, place + 1)


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


def _check_free_list(content: mmap.mmap, start: int, base: int, length: int) -> None:
    """Step through a local heap's free blocks as HDF5 does; each begins with the next one's offset.

    Args:
        content: the file.
        start: offset of the heap's header.
        base: offset of the superblock, from which addresses count.
        length: the file's length in bytes.
    """
    header = range(start + 8, start + LOCAL_HEADER, 8)
    size, place, address = (_number(content, field, 8) for field in header)
    end = max(0, min(size, length - base - address))
    for _ in range(end // SMALLEST_BLOCK + 1):
        if place in (0, LAST) or place + 8 > end:
            return
        place = _number(content, base + address + place, 8)
    raise ValueError(f"its names at byte {start} are damaged")


def _check_tree(content: mmap.mmap, start: int, base: int) -> None:
    """Refuse a B-tree's node with a child that is not below it.

    The size of its keys is the smallest by which the first child is a node.

    Args:
        content: the file.
        start: offset of the node.
        base: offset of the superblock, from which addresses count.
    """
    level = _level(content, start)
    if not level:
        return
    kind, count = _number(content, start + 4, 1), _number(content, start + 6, 2)
    for key in KEYS.get(kind, ()):
        first, step = start + TREE_HEADER + key, key + 8
        places = range(first, first + step * count, step)
        levels = (_level(content, base + _number(content, place, 8)) for place in places)
        if (nearest := next(levels, None)) is None:
            continue
        if any(one is not None and one >= level for one in (nearest, *levels)):
            raise ValueError(f"its tree at byte {start} is damaged")
        return


def _level(content: mmap.mmap, place: int) -> int | None:
    """Return the level of a B-tree's node, 0 for the lowest; None for something else."""
    is_node = content[place : place + len(TREE)] == TREE
    return _number(content, place + 5, 1) if is_node else None


def _number(content: mmap.mmap, place: int, size: int) -> int:
    return int.from_bytes(content[place : place + size], "little")
