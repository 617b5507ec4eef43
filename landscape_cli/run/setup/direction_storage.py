"""The choice between directions in memory and directions drawn again for each point.

The values are the same bit for bit, so each rank decides for itself, by its own device, once every
rank has its model there.
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
"""The largest part of a device's free memory for centre and directions, all ranks on it together;
the rest is for activations and data."""


def store_directions(
    wished: str,
    model: FlatParameters,
    directions: int,
    placements: Sequence[RankPlacement],
    executor: Executor,
) -> tuple[RankPlacement, ...]:
    """Decide how this rank stores its directions, and learn it of all; called by every rank.

    Args:
        wished: ``resident``, ``streamed`` or ``auto``.
        model: the model's own parameters, where they will be used.
        directions: the number of directions, those of all repeats.
        placements: of each rank.
        executor: the ranks.

    Returns:
        The placements, each with ``directions``: ``resident`` or ``streamed``.
    """
    on_device, _ = count_sharing(placements, executor.rank)
    size = sum(buffer.nbytes for buffer in model.buffers.values())
    device = next(iter(model.buffers.values())).device
    executor.together(lambda: None)  # until every model is where it takes memory
    chosen = choose_storage(wished, (1 + directions) * size, free_memory(device) // on_device)
    return tuple(
        replace(place, directions=one)
        for place, one in zip(placements, executor.gather(chosen), strict=True)
    )


def choose_storage(wished: str, needed: int, free: int) -> str:
    """Choose ``resident`` or ``streamed``.

    Args:
        wished: one of these, or ``auto``.
        needed: bytes of the centre and the directions.
        free: bytes free for this rank; 0 if that is not known.
    """
    if wished != "auto":
        return wished
    return "streamed" if free and needed > SHARE * free else "resident"


def streaming_lines(placements: Sequence[RankPlacement]) -> list[str]:
    """Say how many ranks do not keep the directions in memory, if any."""
    streamed, ranks = sum(one.directions == "streamed" for one in placements), len(placements)
    if not streamed:
        return []
    who = "" if streamed == ranks else f" by {streamed} of {ranks} ranks"
    return [
        f"directions are made anew for each point{who}, to save memory (--directions resident "
        "keeps them)"
    ]
