"""Random damage to files: bits, bytes, words, lengths and addresses."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

Inputs = list[bytes]
"""Valid contents of a file, each of which is damaged in many ways."""

Reader = Callable[[Path, bytes], None]
"""Reads a file, given its path and content, as ``landscape`` does."""

WORDS = [
    *(b"~", b"null", b"nan", b"-1", b"1e999", b"[", b"{", b": ", b"\n  ", b"!!python/object:os"),
    *(b"&a", b"*a", b"\0", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x89HDF", b"PK\x03\x04", b"FRHP"),
]
"""Words that mean something in YAML, pickles, zip archives or HDF5."""

ADDRESS = 8
"""Bytes of an address in HDF5, which lies at a multiple of it."""


def damage_endlessly(contents: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Yield the valid contents, and then damaged ones without end."""
    yield from contents
    for _ in itertools.count():
        yield damage(chance.choice(contents), chance)


def damage(content: bytes, chance: random.Random) -> bytes:
    """Change a content in 1 to 16 random places."""
    out = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        place = chance.randrange(len(out) + 1)
        way = chance.randrange(7)
        if way == 0 and place < len(out):
            out[place] ^= 1 << chance.randrange(8)
        elif way == 1 and place < len(out):
            out[place] = chance.randrange(256)
        elif way == 2:
            out[place:place] = chance.choice(WORDS)
        elif way == 3:
            del out[place : place + chance.choice([1, 4, 64, len(out)])]
        elif way == 4:
            out[place : place + 8] = chance.choice(WORDS)[:8]
        elif way == 5:
            place -= place % ADDRESS
            out[place : place + ADDRESS] = _address(out, chance)
        else:
            source = chance.randrange(len(out) + 1)
            out[place : place + 16] = out[source : source + 16]
    return bytes(out)


def _address(content: bytearray, chance: random.Random) -> bytes:
    """Return a stored number that could be an address or offset in HDF5, or zeros."""
    for _ in range(100):
        place = chance.randrange(len(content) + 1) // ADDRESS * ADDRESS
        word = bytes(content[place : place + ADDRESS])
        if 0 < int.from_bytes(word, "little") < len(content):
            return word
    return bytes(ADDRESS)
