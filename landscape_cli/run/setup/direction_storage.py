"""Whether a rank keeps the directions in memory or makes them anew for each point.

The values are the same bit for bit, so each rank decides for itself: by its own device, once every
rank has its model there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landscape_cli.evaluation.devices import free_memory
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import Slice, build_slice
from landscape_cli.geometry.slices.repeated import RepeatedSlice
from landscape_cli.geometry.slices.streamed import StreamedSlice
from landscape_cli.parallel.executor import Executor
from landscape_cli.run.setup.placement import sharing

SHARE = 0.5
"""The part of a device's free memory that centre and directions may take, all ranks on it
together; the rest is for activations and data."""


def keep_directions(
    wished: str, model: FlatParameters, axes: int, places: list[dict[str, Any]], executor: Executor
) -> list[dict[str, Any]]:
    """Decide for this rank, and learn how all have decided; called by every rank.

    Args:
        wished: ``resident``, ``streamed`` or ``auto``.
        model: the model's own parameters, where they will be used.
        axes: how many directions there are, those of all repeats.
        places: host, device and threads of each rank.
        executor: the ranks.

    Returns:
        The places, each with ``directions``: ``resident`` or ``streamed``.
    """
    on_device, _ = sharing(places, executor.rank)
    size = sum(buffer.nbytes for buffer in model.buffers.values())
    device = next(iter(model.buffers.values())).device
    executor.together(lambda: None)  # until every model is where it takes memory
    chosen = choose(wished, (1 + axes) * size, free_memory(device) // on_device)
    return [
        {**place, "directions": one}
        for place, one in zip(places, executor.gather(chosen), strict=True)
    ]


def choose(wished: str, needed: int, free: int) -> str:
    """``resident`` or ``streamed``.

    Args:
        wished: one of these, or ``auto``.
        needed: bytes of the centre and the directions.
        free: bytes free for this rank; 0 if that is not known.
    """
    if wished != "auto":
        return wished
    return "streamed" if free and needed > SHARE * free else "resident"


def make_slice(
    kept: str,
    centre: FlatParameters,
    repeats: Sequence[Mapping[str, Direction]],
    orthogonal: bool,
) -> Slice:
    """The slice around a centre.

    Args:
        kept: ``resident`` or ``streamed``.
        centre: the trained parameters, which all repeats share.
        repeats: the directions of each repeat by axis; of one if there are no repeats.
        orthogonal: make the directions of each repeat orthogonal.

    Raises:
        LandscapeError: if a direction can't be made for these parameters.
    """
    make = StreamedSlice if kept == "streamed" else build_slice
    slices: list[Slice] = [make(centre, directions, orthogonal) for directions in repeats]
    return slices[0] if len(slices) == 1 else RepeatedSlice(slices)


def streamed_line(streamed: int, ranks: int) -> str:
    """What to say of ranks that do not keep the directions."""
    who = "" if streamed == ranks else f" by {streamed} of {ranks} ranks"
    return (
        f"directions are made anew for each point{who}, to save memory (--directions resident "
        "keeps them)"
    )
