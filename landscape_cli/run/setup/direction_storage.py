"""The choice between directions in memory and directions drawn again for each point.

The values are equal bit for bit, so each rank decides for its own device, once every rank's model
is on its device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from landscape_cli.evaluation.devices import free_memory
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.parallel.executor import Executor
from landscape_cli.run.setup.placement import count_sharing
from landscape_cli.run.setup.records import RankPlacement

SHARE = 0.5
"""Largest fraction of a device's free memory for the centres and directions of all ranks on it; the
remainder is for activations and data."""


def store_directions(
    requested: str,
    model: FlatParameters,
    directions: int,
    placements: Sequence[RankPlacement],
    executor: Executor,
) -> tuple[RankPlacement, ...]:
    """Choose the storage of directions on each rank; called by every rank.

    Args:
        requested: ``resident``, ``streamed`` or ``auto``.
        model: the model's own parameters, on the device where they are used.
        directions: number of directions in all repeats.
        placements: placement of each rank.
        executor: the ranks.

    Returns:
        The placements, each with ``directions``: ``resident`` or ``streamed``.
    """
    on_device, _ = count_sharing(placements, executor.rank)
    executor.together(lambda: None)  # wait until every rank's model is on its device
    needed = {place: (1 + directions) * size for place, size in model.wide_sizes().items()}
    choices = [
        choose_storage(requested, size, free_memory(place, on_device))
        for place, size in needed.items()
    ]
    chosen = "streamed" if "streamed" in choices else choices[0]
    return tuple(
        replace(placement, directions=storage)
        for placement, storage in zip(placements, executor.gather(chosen), strict=True)
    )


def choose_storage(requested: str, needed: int, free: int) -> str:
    """Choose ``resident`` or ``streamed``.

    Args:
        requested: one of these, or ``auto``.
        needed: bytes of the centre and the directions.
        free: free bytes for this rank; 0 if unknown.
    """
    if requested != "auto":
        return requested
    return "streamed" if free and needed > SHARE * free else "resident"


def streaming_lines(placements: Sequence[RankPlacement]) -> list[str]:
    """Say how many ranks do not keep directions in memory, if any."""
    streamed, ranks = sum(rank.directions == "streamed" for rank in placements), len(placements)
    if not streamed:
        return []
    who = "" if streamed == ranks else f" by {streamed} of {ranks} ranks"
    return [
        f"directions are drawn again for each point{who}, to save memory (--directions resident "
        "keeps them)"
    ]
