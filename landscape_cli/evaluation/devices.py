"""Device, threads and memory of a rank."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from landscape_cli.errors import UsageError
from landscape_cli.util import accelerators
from landscape_cli.util.host_memory import host_memory

MICRO_BATCH, ACCELERATOR_MICRO_BATCH = 64, 512
"""Default samples in one forward pass: they fit a CPU core's cache, or fill a GPU."""

RESERVED = 8
"""Checkpoints' worth of memory kept for the centre, two directions in float64, and a margin."""

KINDS_HELP = "auto, cpu, or an accelerator such as cuda, cuda:1, xpu or mps"

CPU = torch.device("cpu")


def visible_devices(wanted: str) -> tuple[torch.device, ...]:
    """Return the devices that this process may use, in their order.

    Args:
        wanted: ``auto``, ``cpu``, or an accelerator: ``cuda``, ``xpu`` and ``mps`` mean all that
            the process sees, ``cuda:1`` the second of them.

    Returns:
        At least one device; exactly one, without an index, for a CPU.

    Raises:
        UsageError: if there is no such device.
    """
    if wanted == "auto":
        wanted = accelerators.accelerator_kind() or "cpu"
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise UsageError(f"device: got {wanted!r}, expected {KINDS_HELP}") from None
    if device.type == "cpu":
        return (CPU,)
    if accelerators.module(device.type) is None:
        raise UsageError(f"device: {wanted!r} is not supported; use {KINDS_HELP}")
    count = accelerators.count(device.type)
    if (device.index or 0) >= count:
        raise UsageError(
            f"device: no {wanted!r} here; torch sees {count} {device.type} "
            f"device{'s' * (count != 1)}, try --device cpu"
        )
    indices = range(count) if device.index is None else [device.index]
    return tuple(torch.device(device.type, index) for index in indices)


def choose_device(wanted: str) -> torch.device:
    """Choose the device of a process that shares no node with others.

    Raises:
        UsageError: if there is no such device.
    """
    return visible_devices(wanted)[0]


def placed_devices(model: nn.Module, wanted: str = "auto") -> tuple[torch.device, ...]:
    """Return the devices of a model that stays where it is, in the order of its parameters.

    These are models that are spread over several devices, by hand or by a ``device_map``, and those
    with accelerate's hooks: their forward pass moves what goes from one device to the next. Batches
    go to the first device.

    Args:
        model: the network.
        wanted: the device in the configuration.

    Returns:
        At least one device; none for a model on a single device, which may be moved.

    Raises:
        UsageError: if the configuration names a device for a model that stays.
    """
    devices = tuple(dict.fromkeys(parameter.device for parameter in model.parameters()))
    if len(devices) < 2 and not has_hooks(model):
        return ()
    if wanted != "auto":
        raise UsageError(
            f"device: got {wanted!r}, but the model is placed on {joined(devices)}, where it "
            "stays; leave device out, or return the model as it was before it was placed"
        )
    return devices


def has_hooks(model: nn.Module) -> bool:
    """Return True for a model that accelerate has dispatched, or whose weights it offloads."""
    return any(hasattr(module, "_hf_hook") for module in model.modules())


def joined(devices: Iterable[torch.device]) -> str:
    """Name devices in one text, such as ``cuda:0 + cuda:1``."""
    return " + ".join(map(str, devices))


def refuse_float64(model: nn.Module, device: torch.device) -> None:
    """Refuse a model with float64 tensors for a device that has none.

    Raises:
        UsageError: naming the first such tensor.
    """
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not accelerators.holds(device, tensor.dtype):
            raise UsageError(
                f"device: {device.type} has no {tensor.dtype}, but the model's {name!r} does; use "
                "--device cpu, or a model in float32"
            )


def default_micro_batch(device: torch.device) -> int:
    """Default number of samples in one forward pass."""
    return MICRO_BATCH if device.type == "cpu" else ACCELERATOR_MICRO_BATCH


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
    """Total memory of a device in bytes, as far as this process may use it; 0 if unknown."""
    return host_memory().total if device.type == "cpu" else accelerators.memory(device)[1]


def room_for_checkpoints(centre: Mapping[str, Tensor]) -> int:
    """Number of checkpoints that fit in half of the host's free memory; at least 2.

    Memory for the centre and the directions is set aside.

    Args:
        centre: the tensors of one checkpoint.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in centre.values())
    return max(2, free_memory(CPU) // 2 // max(1, size) - RESERVED)


def free_memory(device: torch.device, processes: int = 1) -> int:
    """Free memory of a device in bytes for each of several processes; 0 if unknown.

    On a CPU, limits of control groups (Slurm's ``--mem``, containers) and of the process count.
    """
    if device.type == "cpu":
        return host_memory(processes=processes).share(processes)
    return accelerators.memory(device)[0] // processes
