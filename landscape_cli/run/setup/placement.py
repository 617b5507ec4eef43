"""Where the ranks of a run are, and what they share there."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from landscape_cli.evaluation.devices import instruction_set, own_cores, set_threads
from landscape_cli.parallel.executor import Executor


def share_node(
    executor: Executor, device: torch.device, threads: int | None
) -> list[dict[str, Any]]:
    """Give this rank its share of the node's cores, and learn where all ranks are.

    Returns:
        For each rank its host, device and threads, and a CPU's instruction set.
    """
    host = socket.gethostname()
    cores = [c for name, c in executor.gather((host, own_cores())) if name == host]
    threads = set_threads(threads, len(frozenset().union(*cores)), len(cores))
    place = {"host": host, "device": str(device), "threads": threads}
    if device.type == "cpu":
        place["instruction_set"] = instruction_set()
    return executor.gather(place)


def device_name(place: Mapping[str, Any]) -> str:
    """Name a rank's device, a CPU with its instruction set: ``cpu (AVX2)``, ``cuda:0``."""
    found = place.get("instruction_set")
    return f"{place['device']} ({found})" if found else str(place["device"])


def sharing(places: Sequence[dict[str, Any]], rank: int) -> tuple[int, int]:
    """How many ranks, one's own included, are on its device, and how many on its host.

    Args:
        places: host and device of each rank.
        rank: whose.
    """
    everyone = [(place["host"], place["device"]) for place in places]
    own = everyone[rank]
    return everyone.count(own), sum(host == own[0] for host, _ in everyone)
