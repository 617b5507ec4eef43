"""The placement of ranks on hosts and devices, and their shares of these."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import torch

from landscape_cli.evaluation.devices import instruction_set, own_cores, set_threads
from landscape_cli.parallel.executor import Executor
from landscape_cli.run.setup.records import RankPlacement


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
    instructions = instruction_set() if device.type == "cpu" else None
    return tuple(executor.gather(RankPlacement(host, str(device), threads, instructions)))


def count_sharing(placements: Sequence[RankPlacement], rank: int) -> tuple[int, int]:
    """Count the ranks that share a rank's device and host, including itself.

    Args:
        placements: placement of each rank.
        rank: the rank.
    """
    places = [(placement.host, placement.device) for placement in placements]
    own = places[rank]
    return places.count(own), sum(host == own[0] for host, _ in places)
