"""Checks of what ranks compute with: devices, memory, and the values they give."""

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

ROUNDING = 1e-5
"""The part of a value by which rounding may make ranks differ."""


@dataclass(frozen=True)
class RankHardware:
    """The hardware that a rank computes with.

    Args:
        placement: its host, device and threads.
        free: bytes of memory free on the device.
        total: bytes of memory of the device.
        gpu: the GPU's name; None on a CPU.
        uuid: the GPU's; None on a CPU.
    """

    placement: RankPlacement
    free: int
    total: int
    gpu: str | None = None
    uuid: str | None = None


def find_hardware(executor: Executor, device: torch.device) -> list[RankHardware]:
    """Look at each rank's device; called by every rank."""
    placement = place_ranks(executor, device, None)[executor.rank]
    found = RankHardware(placement, free_memory(device), total_memory(device))
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        found = replace(found, gpu=gpu.name, uuid=str(getattr(gpu, "uuid", device)))
    return executor.gather(found)


def ranks_check(hardware: Sequence[RankHardware]) -> list[Check]:
    """Report the ranks of each host, and each GPU that ranks share."""
    hosts: dict[str, list[str]] = {}
    gpus: dict[tuple[str, str], list[int]] = {}
    for rank, one in enumerate(hardware):
        place = one.placement
        threads = f"{place.threads} thread{'s' * (place.threads > 1)}"
        gpu = "" if one.uuid is None else f" ({one.gpu}, GPU-{one.uuid})"
        hosts.setdefault(place.host, []).append(f"rank {rank} {place.device_name}{gpu}, {threads}")
        if one.uuid is not None:
            gpus.setdefault((place.host, one.uuid), []).append(rank)
    return [
        *(Check("ranks", "ok", f"{host}: {'; '.join(ranks)}") for host, ranks in hosts.items()),
        *(
            Check(
                "ranks",
                "warning",
                f"{host}: {len(ranks)} ranks share GPU-{uuid}",
                "start one rank for each GPU of a node",
            )
            for (host, uuid), ranks in gpus.items()
            if len(ranks) > 1
        ),
    ]


def memory_check(hardware: Sequence[RankHardware]) -> Check:
    """Report the free memory of the device that has least."""
    least = min(hardware, key=lambda one: one.free)
    place = least.placement
    free, total = least.free / GIBIBYTE, least.total / GIBIBYTE
    detail = f"{free:.1f} of {total:.1f} GiB free on {place.host} {place.device}"
    if len({(one.placement.host, one.placement.device) for one in hardware}) > 1:
        detail += ", more on the others"
    if least.free < LEAST_FREE:
        return Check("memory", "warning", detail, "what else runs there?")
    return Check("memory", "ok", detail)


def point_check(executor: Executor, device: torch.device) -> Check:
    """One point of a small surface on every rank."""
    values = executor.gather(_value(device, executor.rank))
    failed = {rank: value for rank, value in enumerate(values) if isinstance(value, str)}
    if failed:
        rank, text = next(iter(failed.items()))
        return Check("one point", "error", f"rank {rank}: {text}", "does PyTorch suit this device?")
    numbers = [float(value) for value in values]
    spread = max(numbers) - min(numbers)
    detail = f"loss {numbers[0]:.9g}" + (" on every rank" if len(numbers) > 1 else "")
    if not all(map(math.isfinite, numbers)) or spread > ROUNDING * abs(numbers[0]):
        detail = f"loss {', '.join(f'{number:.9g}' for number in numbers)}, by rank"
        return Check("one point", "error", detail, "these devices do not compute what they should")
    if spread:
        detail = f"loss {numbers[0]:.9g}, but up to {spread:.2g} apart between ranks"
        remedy = "points differ by rounding with the rank; use nodes with the same processors"
        return Check("one point", "warning", detail, remedy)
    return Check("one point", "ok", detail)


def gradients_check(executor: Executor, device: torch.device) -> list[Check]:
    """Weight gradients where oneDNN is known to damage them, on one rank of each host.

    They are tried in processes of their own, with the guard and without. GPUs are not affected.
    """
    found = None
    if device.type == "cpu" and executor.local_rank == 0:
        guarded, bare = selfcheck.start(guard=True), selfcheck.start(guard=False)
        found = socket.gethostname(), selfcheck.damage(guarded), selfcheck.damage(bare)
    return [judge_gradients(*one) for one in executor.gather(found) if one is not None]


def judge_gradients(host: str, guarded: str | None, bare: str | None) -> Check:
    """Judge what is wrong with weight gradients on a host, if anything.

    Args:
        host: its name.
        guarded: what is wrong with those that landscape takes.
        bare: what is wrong with those that PyTorch takes alone.
    """
    if guarded:
        remedy = "trust no derivatives from this host; try another version of PyTorch"
        return Check("gradients", "error", f"{host}: wrong ({guarded})", remedy)
    if not bare:
        return Check("gradients", "ok", f"{host}: right in every memory format")
    detail = (
        f"{host}: right, but PyTorch alone damages those of strided 1x1 convolutions with fewer "
        f"than {VECTOR_BLOCK} channels in channels-last ({bare}, oneDNN #6035)"
    )
    return Check("gradients", "ok", detail, "train such networks in contiguous format")


def _value(device: torch.device, rank: int) -> float | str:
    """The point's value on this rank, or why there is none."""
    try:
        return try_point(device, rank)
    except Exception as error:
        return cause(error)
