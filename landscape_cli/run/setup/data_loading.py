"""Loading the data on every rank, and saying where each has kept it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.data.cache import Cache, Room, room_for
from landscape_cli.evaluation.out_of_memory import halve, out_of_memory
from landscape_cli.parallel.executor import Executor
from landscape_cli.records.tiles import Tile
from landscape_cli.run.setup.placement import sharing

KEPT = {"host": "in host memory", "none": "at the source, read for each tile"}
"""What is said of data that is not on the device."""


def room_of(
    cache: Cache, executor: Executor, device: torch.device, places: Sequence[dict[str, Any]]
) -> Room:
    """The room that this rank has for data.

    Args:
        cache: what the user wishes.
        executor: the ranks.
        device: this rank's.
        places: host and device of each rank.
    """
    on_device, on_host = sharing(places, executor.rank)
    return room_for(cache, device, on_device, on_host)


def load_data(
    evaluator: Evaluator,
    executor: Executor,
    places: Sequence[dict[str, Any]],
    room: Room,
    allow_random: bool,
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Load the data on every rank; rank 0 evaluates the centre with it, twice.

    If that takes more memory than there is, rank 0's micro-batches become smaller.

    Returns:
        The samples of each split, and the places with where each rank keeps each split.
    """
    origin = Tile((0,), (evaluator.slice.origin,))

    def load() -> dict[str, int]:
        if executor.rank:
            evaluator.load(room)
            return {}
        while True:
            try:
                return evaluator.check_centre(origin, replace(room), allow_random)
            except ProblemError as error:
                if not out_of_memory(error) or not halve(evaluator):
                    raise

    samples = executor.together(load)
    kept = executor.gather({name: split.place for name, split in evaluator.splits.items()})
    placed = [{**place, "data": data} for place, data in zip(places, kept, strict=True)]
    return executor.lead(lambda: samples), placed


def data_lines(places: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each split, and place beside the device, in which ranks keep data."""
    found = Counter(
        (split, place)
        for one in places
        for split, place in one["data"].items()
        if place != "device"
    )
    return [
        f"data: {split} {KEPT[place]}"
        + (f" (on {count} of {len(places)} ranks)" if count < len(places) else "")
        for (split, place), count in found.items()
    ]
