"""The C library's allocator, told to keep memory that a forward pass frees and soon needs again.

By default glibc returns the end of its heap to the system whenever a few megabytes there are free.
Activations of a few megabytes are freed layer by layer, so nearly every layer would get new pages,
which the system has to map and clear: a third of the time of some networks.
"""

from __future__ import annotations

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_THRESHOLD`` of ``malloc.h``; see mallopt(3)."""

KEPT = 256 << 20
"""Free bytes at the end of the heap that are kept."""

OWN_MAPPING = 32 << 20
"""Bytes of an allocation from which it is mapped apart and returned at once; what glibc's own rule
comes to at most."""

VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")


def keep_freed_memory() -> bool:
    """Let this process keep up to ``KEPT`` bytes of freed memory for its next allocations.

    Nothing is changed where the user has set thresholds in the environment, or the C library is not
    glibc.

    Returns:
        True if the process does so.
    """
    chosen = any(name in os.environ for name in VARIABLES)
    chosen = chosen or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if chosen or sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(MMAP_THRESHOLD, OWN_MAPPING) and mallopt(TRIM_THRESHOLD, KEPT))
