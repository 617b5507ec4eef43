"""Points on all samples of their splits: one by one, in groups, or while data is read."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from landscape_cli.evaluation.accumulator import Accumulator
from landscape_cli.evaluation.data.batches import chunks
from landscape_cli.records.tiles import Tile


def evaluate_all(evaluator: Any, tile: Tile) -> dict[str, Accumulator]:
    """Return the sums of all splits at a tile's points.

    Cached data is evaluated point by point, or by groups of points. Data that is not cached is read
    once per tile: each batch, or one per thread, is evaluated at every point while the next is
    read.

    Args:
        evaluator: the ``Evaluator``.
        tile: the points.
    """
    points = len(tile.indices)
    sums = {name: Accumulator(name, points) for name in evaluator.splits}
    cached = {name: split for name, split in evaluator.splits.items() if split.cached}
    if evaluator.settings.group > 1 and evaluator.groups_points:
        _add_groups(evaluator, tile, {name: sums[name] for name in cached})
        cached = {}
    for point, coordinates in enumerate(tile.coordinates):
        for number, (name, split) in enumerate(cached.items()):
            if number == 0 or evaluator.state.drifted():
                evaluator.write(coordinates)
            for batch, values in evaluator.each(split):
                sums[name].add(point, values, batch)
    for name, split in evaluator.splits.items():
        if not split.cached:
            sums[name] = _stream(evaluator, split, tile)
    return sums


def _add_groups(evaluator: Any, tile: Tile, sums: Mapping[str, Accumulator]) -> None:
    """Add the values of splits at a tile's points, a group of them at a time."""
    group = evaluator.room_for_group()
    for first in range(0, len(tile.coordinates), group.size):
        points = tile.coordinates[first : first + group.size]
        for row, coordinates in enumerate(points):
            evaluator.write(coordinates)
            group.put(row, last=row + 1 == len(points))
        for name, accumulator in sums.items():
            for batch, found in group.each(evaluator.splits[name]):
                for point, values in enumerate(found[: len(points)], first):
                    accumulator.add(point, values, batch)


def _stream(evaluator: Any, split: Any, tile: Tile) -> Accumulator:
    """Return a split's sums at all points of a tile, reading its data once.

    What a forward pass changes in a model would be carried from point to point, so the data are
    then read once for each.
    """
    if len(tile.coordinates) > 1 and evaluator.objective.alone and not evaluator.state.drifted():
        sums = Accumulator(split.name, len(tile.indices))
        with contextlib.closing(split.ahead()) as batches:
            for some in chunks(batches, evaluator.batches_at_once):
                for point, coordinates in enumerate(tile.coordinates):
                    evaluator.write(coordinates)
                    for batch, values in evaluator.each(some):
                        sums.add(point, values, batch)
                if evaluator.state.drifted():
                    break
            else:
                return sums
    sums = Accumulator(split.name, len(tile.indices))
    for point, coordinates in enumerate(tile.coordinates):
        evaluator.write(coordinates)
        with contextlib.closing(split.ahead()) as batches:
            for batch, values in evaluator.each(batches):
                sums.add(point, values, batch)
    return sums
