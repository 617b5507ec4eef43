"""The placement of ranks on hosts and devices, and their shares of these."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import torch
from torch import nn

from landscape_cli.evaluation.devices import (
    instruction_set,
    joined,
    own_cores,
    placed_devices,
    refuse_float64,
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


def place_model(executor: Executor, model: nn.Module, wanted: str) -> tuple[torch.device, ...]:
    """Choose the devices of this rank's model; called by every rank.

    Args:
        executor: the ranks.
        model: the network.
        wanted: the device in the configuration.

    Returns:
        The devices of a model that stays where it is; otherwise the one to move it to.

    Raises:
        UsageError: if there is no such device on any rank, or the model can't be moved there.
    """
    placed = executor.together(lambda: placed_devices(model, wanted))
    device = assign_device(executor, wanted)
    if not placed:
        executor.together(lambda: refuse_float64(model, device))
    return placed or (device,)


def _identity(device: torch.device) -> str:
    return "cpu" if device.type == "cpu" else accelerators.identity(device)


def place_ranks(
    executor: Executor, devices: Sequence[torch.device], threads: int | None
) -> tuple[RankPlacement, ...]:
    """Give this rank its share of the node's cores; called by every rank.

    Args:
        executor: the ranks.
        devices: devices of this rank's model.
        threads: requested number of CPU threads; an equal share of the node's cores if None.

    Returns:
        The placement of each rank.
    """
    host = socket.gethostname()
    cores = [own for name, own in executor.gather((host, own_cores())) if name == host]
    threads = set_threads(threads, len(frozenset().union(*cores)), len(cores))
    own = [device for device in devices if device.type != "cpu"]
    placement = RankPlacement(
        host,
        joined(devices),
        threads,
        instruction_set=instruction_set() if len(own) < len(devices) else None,
        identity=" + ".join(map(accelerators.identity, own)) or None,
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
