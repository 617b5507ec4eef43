"""Which device and how many threads a rank gets."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping

import torch
from torch import Tensor

from landscape_cli.errors import UsageError

MICRO_BATCH = {"cpu": 64, "cuda": 512}
"""Samples in one forward pass: what fits a core's cache, and what fills a GPU."""

BESIDE = 8
"""How many checkpoints' memory the centre and two directions in float64 take, and some more."""


def choose_device(wanted: str, local_rank: int) -> torch.device:
    """The device of a rank.

    Args:
        wanted: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; without a number, ranks of one node
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
    """Samples in one forward pass where the user does not say."""
    return MICRO_BATCH[device.type]


def own_cores() -> frozenset[int]:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def instruction_set() -> str:
    """Name the vector instructions that PyTorch computes with on this CPU.

    Returns:
        PyTorch's name for them, such as ``AVX512``, ``AVX2`` or ``DEFAULT`` (no AVX2), and the
        limit that the environment puts on oneDNN, as in ``AVX512, oneDNN up to AVX2``.
    """
    limits = map(os.environ.get, ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"))
    limit = next(filter(None, limits), "default").upper()
    found = torch.backends.cpu.get_cpu_capability()
    limited = limit not in ("DEFAULT", "ALL", found)
    return f"{found}, oneDNN up to {limit}" if limited else found


def set_threads(wanted: int | None, cores: int, ranks: int) -> int:
    """Share a node's cores out to its ranks, and return the threads of each.

    Args:
        wanted: the user's number of threads, or None; OMP_NUM_THREADS then goes before sharing.
        cores: how many cores the node's ranks may use together.
        ranks: how many ranks there are on the node.
    """
    if wanted is None and os.environ.get("OMP_NUM_THREADS", "").isdigit():
        return torch.get_num_threads()
    threads = wanted or max(1, cores // ranks)
    torch.set_num_threads(threads)
    return threads


def total_memory(device: torch.device) -> int:
    """Bytes that a device has; 0 if that can't be found out."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def room_for_checkpoints(centre: Mapping[str, Tensor]) -> int:
    """How many checkpoints half of the host's free memory holds, beside the centre and directions.

    Args:
        centre: the tensors of one checkpoint.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in centre.values())
    return max(2, free_memory(torch.device("cpu")) // 2 // max(1, size) - BESIDE)


def free_memory(device: torch.device) -> int:
    """Bytes free on a device now; 0 if that can't be found out."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    with contextlib.suppress(OSError), open("/proc/meminfo") as file:
        # Free pages alone would leave out the cache of files, which gives way.
        if found := re.search(r"^MemAvailable: *([0-9]+) kB$", file.read(), re.MULTILINE):
            return 1024 * int(found[1])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0
