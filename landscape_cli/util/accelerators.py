"""The kind and abilities of an accelerator, asked of PyTorch in one place for every kind of device.

A kind is PyTorch's name for a type of device: ``cuda`` (also AMD's), ``xpu``, ``mps``. Each has a
module of that name, with much the same functions; what is missing there, the device can't do.
"""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

KINDS = ("cuda", "xpu", "mps")
"""Kinds that are looked for where PyTorch is too old to name its accelerator."""

OutOfMemoryError: type[RuntimeError] = getattr(
    torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError
)
"""The error of every accelerator's allocator; before PyTorch 2.5 it was named after cuda."""

VISIBLE = {"cuda": "CUDA_VISIBLE_DEVICES", "xpu": "ZE_AFFINITY_MASK"}
"""Environment variables that list the devices a process sees, in their order."""


def module(kind: str) -> Any:
    """Return PyTorch's module for a kind of device; None if there is none."""
    return getattr(torch, kind, None)


def accelerator_kind() -> str | None:
    """Return the kind of accelerator that this process can use; None without any."""
    if hasattr(torch, "accelerator"):  # new in PyTorch 2.6
        found = torch.accelerator.current_accelerator()
        return found.type if found is not None and count(found.type) else None
    return next((kind for kind in KINDS if count(kind)), None)


def count(kind: str) -> int:
    """Count the devices of a kind that this process sees."""
    found = module(kind)
    if not callable(getattr(found, "is_available", None)) or not found.is_available():
        return 0
    return int(found.device_count()) if hasattr(found, "device_count") else 1


def name(device: torch.device) -> str:
    """Return the name of a device, such as "NVIDIA H100"."""
    properties = _properties(device)
    return str(getattr(properties, "name", device.type))


def identity(device: torch.device) -> str:
    """Identify a physical device, or a part of one, on whichever node it is.

    The index says little: ranks that see different devices all call theirs 0. The UUID that the
    device has is the same for every process; instances of a divided GPU have their own, which
    PyTorch may not know, so the one in CUDA_VISIBLE_DEVICES comes first.
    """
    listed = os.environ.get(VISIBLE.get(device.type, ""), "").split(",")
    entry = listed[device.index].strip() if (device.index or 0) < len(listed) else ""
    if entry.startswith("MIG-"):
        return entry
    uuid = getattr(_properties(device), "uuid", None)
    if uuid is not None:
        return f"GPU-{uuid}"
    return f"{socket.gethostname()} {device.type} {entry or device.index}"


def memory(device: torch.device) -> tuple[int, int]:
    """Return a device's free and total memory in bytes; zeros if unknown."""
    found = module(device.type)
    if hasattr(found, "mem_get_info"):
        free, total = found.mem_get_info(device)
        return int(free), int(total)
    if hasattr(found, "recommended_max_memory"):  # of mps, which shares the host's memory
        total = int(found.recommended_max_memory())
        return max(0, total - int(found.driver_allocated_memory())), total
    total = int(getattr(_properties(device), "total_memory", 0))
    used = int(found.memory_reserved(device)) if hasattr(found, "memory_reserved") else 0
    return max(0, total - used), total


def peak_memory(device: torch.device) -> int:
    """Return the most memory that this process has used on a device, in bytes; 0 if unknown."""
    found = module(device.type)
    if hasattr(found, "max_memory_allocated"):
        return int(found.max_memory_allocated(device))
    return int(_call(found, "driver_allocated_memory") or 0)


def empty_cache(device: torch.device) -> None:
    """Release the memory that PyTorch's allocator caches."""
    _call(module(device.type), "empty_cache")


def synchronize(device: torch.device) -> None:
    """Wait until all work on a device is done; a CPU has nothing to wait for."""
    if device.type == "mps":  # its one device has no number
        module(device.type).synchronize()
    elif device.type != "cpu":
        module(device.type).synchronize(device)


def has_streams(device: torch.device) -> bool:
    """Tell whether a device can copy on one stream while it computes on another."""
    found = module(device.type)
    return device.type != "cpu" and all(
        hasattr(found, name) for name in ("Stream", "current_stream", "stream")
    )


def has_graphs(device: torch.device) -> bool:
    """Tell whether compiled code can be recorded on a device as a CUDA graph."""
    return hasattr(module(device.type), "CUDAGraph")


@lru_cache
def has_float64(device: torch.device) -> bool:
    """Tell whether a device computes in float64, by trying."""
    if device.type == "cpu":
        return True
    return _works(lambda: torch.zeros(1, dtype=torch.float64, device=device))


def holds(device: torch.device, dtype: torch.dtype) -> bool:
    """Tell whether a device can hold tensors of a dtype; some have no numbers of 64 bits."""
    return dtype not in (torch.float64, torch.complex128) or has_float64(device)


def has_autocast(device: torch.device, dtype: torch.dtype) -> bool:
    """Tell whether PyTorch can compute in a reduced precision on a device, by trying."""

    def enter() -> None:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            with torch.autocast(device.type, dtype=dtype):
                pass
        if any("autocast" in str(one.message) for one in said):  # it computes in float32 then
            raise RuntimeError(f"no {dtype} on {device.type}")

    return _works(enter)


def wide(tensor: Tensor) -> Tensor:
    """Convert a tensor to float64, on the host if its device has none."""
    return (tensor if has_float64(tensor.device) else tensor.cpu()).double()


def wide_device(device: torch.device) -> torch.device:
    """Return the device where a device's tensors are summed in float64: itself, or the host."""
    return device if has_float64(device) else torch.device("cpu")


def page_locked(tensor: Tensor) -> Tensor:
    """Copy a tensor to page-locked memory, from which a device copies asynchronously.

    If there is no such memory, for the device or any more, return the tensor itself.
    """
    try:
        return tensor.pin_memory()
    except (RuntimeError, NotImplementedError):
        return tensor


def _properties(device: torch.device) -> Any:
    """Return the properties of a device; None if PyTorch does not tell them."""
    get = getattr(module(device.type), "get_device_properties", None)
    return None if get is None else get(device)


def _call(found: Any, function: str) -> Any:
    """Call a function of a module if it has it."""
    return getattr(found, function)() if hasattr(found, function) else None


def _works(trial: Callable[[], object]) -> bool:
    """Tell whether a trial ends without an error."""
    try:
        trial()
    except (RuntimeError, TypeError, NotImplementedError, AssertionError, ValueError):
        return False
    return True
