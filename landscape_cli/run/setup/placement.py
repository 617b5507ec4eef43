"""The placement of ranks on hosts and devices, and their shares of these."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import torch

from landscape_cli.evaluation.devices import (
    instruction_set,
    own_cores,
    set_threads,
    visible_devices,
)
from landscape_cli.parallel.executor import Executor
from landscape_cli.run.setup.device_assignment import assign_devices
from landscape_cli.run.setup.records import RankPlacement
from landscape_cli.util import accelerators


def assign_device(executor: Executor, wanted: str) -> torch.device:
    """Choose this rank's device; called by every rank.

    Ranks are spread over the physical devices that they see, however the launcher bound them: each
    rank may see all devices of its node, one, or some, and may call different devices 0.

    Args:
        executor: the ranks.
        wanted: the device in the configuration; with a number, each rank takes that one.

    Raises:
        UsageError: if there is no such device on any rank.
    """
    devices = executor.together(lambda: visible_devices(wanted))
    seen = executor.gather([_identity(device) for device in devices])
    return devices[assign_devices(seen)[executor.rank]]


def _identity(device: torch.device) -> str:
    return "cpu" if device.type == "cpu" else accelerators.identity(device)


def place_ranks(
    executor: Executor, device: torch.device, threads: int | None
) -> tuple[RankPlacement, ...]:
    """Give this rank its share of the node's cores; called by every rank.

    Args:
        executor: the ranks.
        device: device of this rank.
        threads: requested number of CPU threads; an equal share of the node's cores if None.

    Returns:
        The placement of each rank.
    """
    host = socket.gethostname()
    cores = [own for name, own in executor.gather((host, own_cores())) if name == host]
    threads = set_threads(threads, len(frozenset().union(*cores)), len(cores))
    on_cpu = device.type == "cpu"
    placement = RankPlacement(
        host,
        str(device),
        threads,
        instruction_set=instruction_set() if on_cpu else None,
        identity=None if on_cpu else accelerators.identity(device),
    )
    return tuple(executor.gather(placement))


def count_sharing(placements: Sequence[RankPlacement], rank: int) -> tuple[int, int]:
    """Count the ranks that share a rank's device and host, including itself.

    Args:
        placements: placement of each rank.
        rank: the rank.
    """
    devices = [placement.physical_device for placement in placements]
    hosts = [placement.host for placement in placements]
    return devices.count(devices[rank]), hosts.count(hosts[rank])
