"""The host's memory that this process may use: the machine's, its cgroups', its own limits.

A process in a Slurm job with ``--mem``, in a container or under a systemd unit is killed at its
control group's limit, however much memory the machine has left.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from landscape_cli.util.cgroups import MemoryGroup, memory_groups

RLIMITS = {"RLIMIT_AS": "VmSize", "RLIMIT_DATA": "VmData"}
"""Limits on a process's memory, and the field of /proc/self/status that counts towards each."""

MMAP_THRESHOLD, LARGE = -3, 4 << 20
"""The parameter of glibc's ``mallopt``, and the bytes from which a block has pages of its own."""


@dataclass(frozen=True)
class HostMemory:
    """Memory in bytes, and what bounds it.

    Args:
        free: bytes that can still be allocated; 0 if unknown.
        total: bytes in all; 0 if unknown.
        bound: what has the least free: empty for the machine itself, or such as
            ``cgroup /slurm/job_7`` or ``RLIMIT_AS``.
        own: True if the bound applies to this process alone, False if others share it.
    """

    free: int
    total: int
    bound: str = ""
    own: bool = False

    def share(self, processes: int) -> int:
        """Return the free bytes for each of several equal processes on the host."""
        return self.free if self.own else self.free // processes


def host_memory(root: Path = Path("/"), processes: int = 1) -> HostMemory:
    """Find the memory that is free for this process.

    It is the least of what the machine has, what each control group of the process has left, the
    page cache counted as free, and what the limits of the process itself leave.

    Args:
        root: folder that has ``proc`` and ``sys``; tests give another one.
        processes: number of equal processes on the host that share all but their own limits.
    """
    bounds = [_machine(root), *map(_of_group, memory_groups(root)), *_own_limits(root)]
    known = [bound for bound in bounds if bound.total]
    least = min(known, key=lambda bound: bound.share(processes), default=HostMemory(0, 0))
    return HostMemory(
        least.free, min((bound.total for bound in known), default=0), least.bound, least.own
    )


def _machine(root: Path) -> HostMemory:
    """The memory of the whole machine."""
    with contextlib.suppress(OSError):
        text = (root / "proc/meminfo").read_text()
        # Free pages alone would exclude the page cache, which the kernel reclaims when needed.
        found = dict(re.findall(r"^(MemAvailable|MemTotal): *([0-9]+) kB$", text, re.MULTILINE))
        if len(found) == 2:
            return HostMemory(1024 * int(found["MemAvailable"]), 1024 * int(found["MemTotal"]))
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total = page * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return HostMemory(0, 0)
    try:
        return HostMemory(page * os.sysconf("SC_AVPHYS_PAGES"), total)
    except (ValueError, OSError):  # macOS does not tell what is free
        return HostMemory(total, total)


def _of_group(group: MemoryGroup) -> HostMemory:
    return HostMemory(max(0, group.limit - group.used), group.limit, f"cgroup {group.path}")


def _own_limits(root: Path) -> Iterator[HostMemory]:
    """The limits that apply to this process alone."""
    try:
        import resource

        status = (root / "proc/self/status").read_text()
    except (ImportError, OSError):  # not on Windows, not on macOS
        return
    used = dict(re.findall(r"^(Vm\w+):\s*([0-9]+) kB$", status, re.MULTILINE))
    for name, field in RLIMITS.items():
        limit, _ = resource.getrlimit(getattr(resource, name))
        if limit != resource.RLIM_INFINITY and field in used:
            yield HostMemory(max(0, limit - 1024 * int(used[field])), limit, name, own=True)


def give_back_large_blocks() -> None:
    """Have large blocks given back to the system as soon as they are freed, where libc is glibc's.

    By default it keeps blocks of up to 32 MiB, in gaps that the next ones may not fit.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)
