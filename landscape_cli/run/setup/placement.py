"""The placement of ranks on hosts and devices, and what they share there."""

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
        device: this rank's.
        threads: the CPU threads that the user asks for; the node's cores are shared out if None.

    Returns:
        The placement of each rank.
    """
    host = socket.gethostname()
    cores = [c for name, c in executor.gather((host, own_cores())) if name == host]
    threads = set_threads(threads, len(frozenset().union(*cores)), len(cores))
    found = instruction_set() if device.type == "cpu" else None
    return tuple(executor.gather(RankPlacement(host, str(device), threads, found)))


def count_sharing(placements: Sequence[RankPlacement], rank: int) -> tuple[int, int]:
    """Count the ranks, this one included, on its device and on its host.

    Args:
        placements: of each rank.
        rank: this one.
    """
    everyone = [(one.host, one.device) for one in placements]
    own = everyone[rank]
    return everyone.count(own), sum(host == own[0] for host, _ in everyone)
