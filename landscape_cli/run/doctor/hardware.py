"""Checks of the ranks' devices and memory, and of the values that they compute."""

from __future__ import annotations

import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from landscape_cli.errors import cause
from landscape_cli.evaluation.derivatives import selfcheck
from landscape_cli.evaluation.derivatives.strided_convolutions import VECTOR_BLOCK
from landscape_cli.evaluation.devices import free_memory, total_memory
from landscape_cli.parallel.executor import Executor
from landscape_cli.run.doctor.checks import GIBIBYTE, LEAST_FREE, Check
from landscape_cli.run.doctor.trials import try_point
from landscape_cli.run.setup.placement import place_ranks
from landscape_cli.run.setup.records import RankPlacement
from landscape_cli.util import accelerators
from landscape_cli.util.host_memory import host_memory
from landscape_cli.util.processor import description

ROUNDING = 1e-5
"""Relative difference of values between ranks that rounding can explain."""


@dataclass(frozen=True)
class RankHardware:
    """The hardware that a rank computes with.

    Args:
        placement: its host, device and threads.
        free: free memory of the device in bytes.
        total: total memory of the device in bytes.
        gpu: name of the accelerator; None on a CPU.
        bound: what bounds the memory, such as ``cgroup /slurm/job_7``; empty for the device itself.
    """

    placement: RankPlacement
    free: int
    total: int
    gpu: str | None = None
    bound: str = ""


def find_hardware(executor: Executor, device: torch.device) -> list[RankHardware]:
    """Collect the hardware of each rank; called by every rank."""
    placement = place_ranks(executor, [device], None)[executor.rank]
    hardware = RankHardware(placement, free_memory(device), total_memory(device))
    if device.type == "cpu":
        hardware = replace(hardware, bound=host_memory().bound)
    else:
        hardware = replace(hardware, gpu=accelerators.name(device))
    return executor.gather(hardware)


def ranks_check(hardware: Sequence[RankHardware]) -> list[Check]:
    """Report the ranks on each host, and each GPU that several ranks share."""
    hosts: dict[str, list[str]] = {}
    gpus: dict[str, list[int]] = {}
    for rank, own in enumerate(hardware):
        place = own.placement
        threads = f"{place.threads} thread{'s' * (place.threads > 1)}"
        gpu = "" if own.gpu is None else f" ({own.gpu}, {place.identity})"
        hosts.setdefault(place.host, []).append(f"rank {rank} {place.device_name}{gpu}, {threads}")
        if place.identity is not None:
            gpus.setdefault(place.identity, []).append(rank)
    return [
        *(Check("ranks", "ok", f"{host}: {'; '.join(ranks)}") for host, ranks in hosts.items()),
        *(
            Check(
                "ranks",
                "warning",
                f"{hardware[ranks[0]].placement.host}: {len(ranks)} ranks share {identity}",
                "start one rank for each GPU of a node",
            )
            for identity, ranks in gpus.items()
            if len(ranks) > 1
        ),
    ]


def processor_check(executor: Executor, device: torch.device) -> list[Check]:
    """Report the vector instructions of the processors that compute, by host."""
    own = (socket.gethostname(), description()) if device.type == "cpu" else None
    found = dict.fromkeys(one for one in executor.gather(own) if one is not None)
    return [Check("processor", "ok", f"{host}: {has}") for host, has in found]


def memory_check(hardware: Sequence[RankHardware]) -> Check:
    """Report the free memory of the device with the least."""
    least = min(hardware, key=lambda rank: rank.free)
    place = least.placement
    free, total = least.free / GIBIBYTE, least.total / GIBIBYTE
    detail = f"{free:.1f} of {total:.1f} GiB free on {place.host} {place.device}"
    if least.bound:
        detail += f" (limit: {least.bound})"
    if len({(rank.placement.host, rank.placement.device) for rank in hardware}) > 1:
        detail += ", more on the others"
    if least.free < LEAST_FREE:
        remedy = "allow the job more memory" if least.bound else "see what else runs there"
        return Check("memory", "warning", detail, remedy)
    return Check("memory", "ok", detail)


def point_check(executor: Executor, device: torch.device) -> Check:
    """Compare one point of a small surface between ranks."""
    values = executor.gather(_value(device, executor.rank))
    failed = {rank: value for rank, value in enumerate(values) if isinstance(value, str)}
    if failed:
        rank, text = next(iter(failed.items()))
        return Check(
            "one point", "error", f"rank {rank}: {text}", "check that PyTorch supports this device"
        )
    numbers = [float(value) for value in values]
    spread = max(numbers) - min(numbers)
    detail = f"loss {numbers[0]:.9g}" + (" on every rank" if len(numbers) > 1 else "")
    if not all(map(math.isfinite, numbers)) or spread > ROUNDING * abs(numbers[0]):
        detail = f"loss {', '.join(f'{number:.9g}' for number in numbers)}, by rank"
        return Check("one point", "error", detail, "at least one device computes wrong values")
    if spread:
        detail = f"loss {numbers[0]:.9g}, but up to {spread:.2g} apart between ranks"
        remedy = "rounding differs between ranks; use nodes with the same processors"
        return Check("one point", "warning", detail, remedy)
    return Check("one point", "ok", detail)


def gradients_check(executor: Executor, device: torch.device) -> list[Check]:
    """Check weight gradients that oneDNN is known to damage, on one rank of each host.

    Separate processes compute them with the guard and without. GPUs are not affected.
    """
    gradients = None
    if device.type == "cpu" and executor.local_rank == 0:
        guarded, bare = selfcheck.start(guard=True), selfcheck.start(guard=False)
        gradients = socket.gethostname(), selfcheck.damage(guarded), selfcheck.damage(bare)
    return [judge_gradients(*host) for host in executor.gather(gradients) if host is not None]


def judge_gradients(host: str, guarded: str | None, bare: str | None) -> Check:
    """Judge the weight gradients on a host.

    Args:
        host: name of the host.
        guarded: the fault of gradients that landscape computes; None if they are right.
        bare: the fault of gradients that PyTorch computes on its own; None if they are right.
    """
    if guarded:
        remedy = "do not trust derivatives from this host; try another version of PyTorch"
        return Check("gradients", "error", f"{host}: wrong ({guarded})", remedy)
    if not bare:
        return Check("gradients", "ok", f"{host}: right in every memory format")
    detail = (
        f"{host}: right, but PyTorch alone damages those of strided 1x1 convolutions with fewer "
        f"than {VECTOR_BLOCK} channels in channels-last ({bare}, oneDNN #6035)"
    )
    return Check("gradients", "ok", detail, "train such networks in contiguous format")


def _value(device: torch.device, rank: int) -> float | str:
    """Return the point's value on this rank, or the error as text."""
    try:
        return try_point(device, rank)
    except Exception as error:
        return cause(error)
