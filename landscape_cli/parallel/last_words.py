"""The last that a rank said of itself, in memory that its guardian reads when the rank is gone."""

from __future__ import annotations

import json
import mmap
from typing import Any

ROOM = 8192
"""Bytes for the facts, as JSON that ends with a NUL."""

_memory: mmap.mmap | None = None
_facts: dict[str, Any] = {}


def share() -> None:
    """Share what is said from now on with processes forked later."""
    global _memory
    _memory = mmap.mmap(-1, ROOM)
    _facts.clear()


def guarded() -> bool:
    """Tell whether this process has a guardian, which also forwards signals to it."""
    return _memory is not None


def say(**facts: Any) -> None:
    """Say something: ``what`` this rank is doing, or that its end is ``expected``."""
    if _memory is None or all(_facts.get(key) == value for key, value in facts.items()):
        return
    _facts.update(facts)
    text = json.dumps(_facts).encode()
    if len(text) < ROOM:
        _memory[0 : len(text) + 1] = text + b"\0"


def heard() -> dict[str, Any]:
    """Return what was said, in the process that shared it or one forked from it."""
    text = b"" if _memory is None else _memory[:ROOM].partition(b"\0")[0]
    try:
        found = json.loads(text)
    except ValueError:  # the rank ended while it spoke
        return {}
    return found if isinstance(found, dict) else {}
