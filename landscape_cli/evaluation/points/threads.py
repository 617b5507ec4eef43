"""Points evaluated at the same time, each on a thread with a replica of the network.

A point that stops after few samples has passes too small for several threads, which would wait for
each other after every layer. With a point each, they wait once per tile. A point's values do not
depend on the thread that computes them. Processors with many threads divide them among a few
points.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import torch

from landscape_cli.evaluation.forward.concurrency import Modes, pool_of
from landscape_cli.evaluation.forward.grouping import can_be_stacked
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.records.tiles import Tile

MOST = 8
"""Upper bound on the points at once: with more, threads wait for Python's lock."""

MOST_BYTES = 1 << 30
"""Upper bound in bytes on the parameters of all replicas, which have folded ones besides."""

EvaluatePoint = Callable[[Any, int], None]
"""Evaluates a point by its number in a tile, with the evaluator given."""


class PointThreads:
    """Workers that evaluate points, each with an evaluator of its own and a share of the threads.

    Args:
        replicas: evaluators of the same slice and data, one per worker.
        threads: the number of threads of all, at least one for each.
    """

    def __init__(self, replicas: Sequence[Any], threads: int) -> None:
        self.replicas = tuple(replicas)
        self.threads = threads
        self._free: SimpleQueue[Any] = SimpleQueue()
        for one in self.replicas:
            self._free.put(one)

    def __len__(self) -> int:
        return len(self.replicas)

    def set_forward(self, settings: Settings) -> None:
        """Change the settings of all replicas."""
        for one in self.replicas:
            one.set_forward(replace(settings, point_per_thread=False, concurrent=False))

    def each(self, evaluator: Any, tile: Tile, evaluate: EvaluatePoint) -> None:
        """Evaluate the points of a tile; the evaluator's ``point`` is then that of a failure.

        Points near the origin begin, as they take most samples, so that no worker waits long for
        the last one.
        """
        origin = evaluator.slice.origin
        order = sorted(
            range(len(tile.indices)), key=lambda number: math.dist(tile.coordinates[number], origin)
        )
        pool, modes = pool_of(len(self), self.threads // len(self)), Modes()
        futures = [pool.submit(self._evaluate, modes, evaluate, number) for number in order]
        try:
            for number, future in zip(order, futures, strict=True):
                evaluator.point = tile.coordinates[number]
                future.result()
        finally:
            for future in futures:
                future.cancel()
            wait(futures)

    def _evaluate(self, modes: Modes, evaluate: EvaluatePoint, number: int) -> None:
        replica = self._free.get()
        try:
            with modes.entered():
                evaluate(replica, number)
        finally:
            self._free.put(replica)


def point_threads(evaluator: Any) -> PointThreads | None:
    """Return workers with replicas of an evaluator's network.

    Returns:
        None if there is a single thread, or points are evaluated one by one: the model must be one
        whose batches may be evaluated at the same time, all that the slice moves whole tensors of
        it, and nothing else set at a point.
    """
    threads = torch.get_num_threads()
    workers = min(threads, MOST)
    parameters = sum(buffer.nbytes for buffer in evaluator.parameters.buffers.values())
    suited = (
        workers > 1
        and workers * parameters <= MOST_BYTES
        and evaluator.slice.reentrant
        and evaluator.quantizer is None
        and not evaluator.measures.all
        and all(split.cached for split in evaluator.splits.values())
        and evaluator.concurrency().possible
    )
    if not suited:
        return None
    with _unchanged(evaluator):
        if not can_be_stacked(evaluator.model, evaluator.parameters):
            return None
        replicas = [_replica_of(evaluator) for _ in range(workers)]
    alike = all(_alike(evaluator.parameters, one.parameters) for one in replicas)
    return PointThreads(replicas, threads) if alike else None


@contextmanager
def _unchanged(evaluator: Any) -> Iterator[None]:
    """Let the model compute as the user wrote it within a block."""
    ways = evaluator.folding(), evaluator.hwnc(), evaluator.in_place()
    attached = [one for one in ways if one.attached]
    for one in attached:
        one.detach()
    try:
        yield
    finally:
        for one in attached:
            one.attach()


def _replica_of(evaluator: Any) -> Any:
    """Return an evaluator of the same slice and data with a copy of the network.

    The network must compute as the user wrote it.
    """
    model = copy.deepcopy(evaluator.model)
    moved = evaluator.parameters.views.keys() - dict(model.named_parameters()).keys()
    parameters = FlatParameters.of_model(model, None, moved)
    shared = evaluator.slice, evaluator.objective, evaluator.splits
    return type(evaluator)(model, parameters, *shared, rank=evaluator.rank)


def _alike(one: FlatParameters, other: FlatParameters) -> bool:
    """Tell whether tensors are laid out alike; copies of tensors that share memory may not."""
    layouts = [
        {name: (view.shape, view.storage_offset()) for name, view in flat.views.items()}
        for flat in (one, other)
    ]
    return layouts[0] == layouts[1] and one.aliases == other.aliases
