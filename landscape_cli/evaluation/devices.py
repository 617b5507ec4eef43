"""Device, threads and memory of a rank."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping

import torch
from torch import Tensor

from landscape_cli.errors import UsageError

MICRO_BATCH = {"cpu": 64, "cuda": 512}
"""Default samples in one forward pass: they fit a CPU core's cache, or fill a GPU."""

RESERVED = 8
"""Checkpoints' worth of memory kept for the centre, two directions in float64, and a margin."""


def choose_device(wanted: str, local_rank: int) -> torch.device:
    """Choose the device of a rank.

    Args:
        wanted: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; without a number, the ranks of a node
            take the visible GPUs in turn.
        local_rank: the rank within its node.

    Raises:
        UsageError: if there is no such device.
    """
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise UsageError(f"device: got {wanted!r}, expected auto, cpu, cuda or cuda:N") from None
    if device.type == "cpu":
        return torch.device("cpu")
    if device.type != "cuda":
        raise UsageError(f"device: {wanted!r} is not supported; use auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count()
    if not torch.cuda.is_available() or (device.index or 0) >= count:
        raise UsageError(f"device: no {wanted!r} here; torch sees {count} GPUs, try --device cpu")
    return torch.device("cuda", local_rank % count if device.index is None else device.index)


def default_micro_batch(device: torch.device) -> int:
    """Default number of samples in one forward pass."""
    return MICRO_BATCH[device.type]


def own_cores() -> frozenset[int]:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def instruction_set() -> str:
    """Name of the vector instructions that PyTorch uses on this CPU.

    Returns:
        PyTorch's name for them, such as ``AVX512``, ``AVX2`` or ``DEFAULT`` (no AVX2), followed by
        the environment's limit on oneDNN, if any, as in ``AVX512, oneDNN up to AVX2``.
    """
    limits = map(os.environ.get, ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"))
    limit = next(filter(None, limits), "default").upper()
    capability = torch.backends.cpu.get_cpu_capability()
    limited = limit not in ("DEFAULT", "ALL", capability)
    return f"{capability}, oneDNN up to {limit}" if limited else capability


def set_threads(wanted: int | None, cores: int, ranks: int) -> int:
    """Set PyTorch's threads to a rank's share of its node's cores, and return their number.

    Args:
        wanted: the user's number of threads; if None, OMP_NUM_THREADS takes precedence over the
            share.
        cores: the number of cores that the node's ranks may use together.
        ranks: the number of ranks on the node.
    """
    if wanted is None and os.environ.get("OMP_NUM_THREADS", "").isdigit():
        return torch.get_num_threads()
    threads = wanted or max(1, cores // ranks)
    torch.set_num_threads(threads)
    return threads


def total_memory(device: torch.device) -> int:
    """Total memory of a device in bytes; 0 if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def room_for_checkpoints(centre: Mapping[str, Tensor]) -> int:
    """Number of checkpoints that fit in half of the host's free memory; at least 2.

    Memory for the centre and the directions is set aside.

    Args:
        centre: the tensors of one checkpoint.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in centre.values())
    return max(2, free_memory(torch.device("cpu")) // 2 // max(1, size) - RESERVED)


def free_memory(device: torch.device) -> int:
    """Free memory of a device in bytes; 0 if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    with contextlib.suppress(OSError), open("/proc/meminfo") as file:
        # Free pages alone would exclude the page cache, which the kernel reclaims when needed.
        if match := re.search(r"^MemAvailable: *([0-9]+) kB$", file.read(), re.MULTILINE):
            return 1024 * int(match[1])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0
