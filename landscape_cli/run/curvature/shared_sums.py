"""Sums over samples that are divided among the ranks: rank 0 asks for them, the others serve."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.derivatives.derivatives import Derivatives, ignore
from landscape_cli.evaluation.derivatives.local_sums import LocalSums, Task
from landscape_cli.evaluation.derivatives.tree_sums import Node, nodes_of, root, share
from landscape_cli.parallel.executor import Executor

Result = TypeVar("Result")

Move = Callable[["Tensor | None"], None]
"""Moves the model's parameters to the centre plus an offset, float64, shape (P,); None: back."""

TIME_LIMIT = "the time limit"


class StoppedError(LandscapeError):
    """The ranks were asked to stop between two sums.

    Args:
        reason: the signal, or the time limit.
    """

    exit_code = 75

    def __init__(self, reason: str) -> None:
        super().__init__(f"stopped by {reason}")
        self.reason = reason


class SharedSums:
    """The sums of ``LocalSums`` over the batches of all ranks, each of which has a share of them.

    Rank 0 runs an algorithm on ``Derivatives``; the other ranks compute what it asks for until it
    ends. Bits do not depend on the number of ranks (``tree_sums``).

    Args:
        executor: the ranks.
        sums: this rank's, over data that all ranks have.
        move: moves the model's parameters, for algorithms that evaluate other points.
    """

    def __init__(self, executor: Executor, sums: LocalSums, move: Move | None = None) -> None:
        self._executor = executor
        self._sums = sums
        self._move = move
        self._slowest = 0.0

    def run(
        self,
        algorithm: Callable[[Derivatives], Result],
        after: Callable[[int], None] = ignore,
    ) -> Result | None:
        """Run an algorithm on rank 0; called by every rank.

        Args:
            algorithm: called on rank 0 only.
            after: called on rank 0 with the number of products just done.

        Returns:
            The algorithm's result on rank 0, None on others.

        Raises:
            StoppedError: on rank 0, before a sum that a stop came before or that would take too
                long, and on others an ``OtherRankError``.
            LandscapeError: the algorithm's error, or that of a rank.
        """
        if self._executor.rank:
            while self._served():
                pass
            return None
        try:
            result = algorithm(Derivatives(self._sums.variables, self.total, after))
        except LandscapeError as error:
            if not error.collective:
                self._executor.lead(_raising(error))
            raise
        self._executor.lead(lambda: None)
        return result

    def total(self, task: Task, vectors: Tensor | None) -> Tensor:
        """Return the sum over all batches; called on rank 0, for the algorithm."""
        start = time.monotonic()
        self._check_stop()
        self._executor.lead(lambda: (task, None if vectors is None else tuple(vectors.shape)))
        found = root(self._computed(task, vectors), self._sums.batches)
        self._slowest = max(self._slowest, time.monotonic() - start)
        return found

    def move(self, offset: Tensor | None) -> None:
        """Move the parameters of every rank to the centre plus an offset; called on rank 0."""
        self._executor.lead(lambda: ("move", None if offset is None else tuple(offset.shape)))
        self._moved(offset)

    def _check_stop(self) -> None:
        stop = self._executor.stop
        if stop.left < self._slowest:
            stop.ask(TIME_LIMIT)
        if stop.reason is not None:
            raise StoppedError(stop.reason)

    def _served(self) -> bool:
        """Serve a request of rank 0; return False if it was the last."""
        request = self._executor.lead(lambda: None)
        if request is None:
            return False
        task, shape = request
        place = self._sums.variables.device
        vectors = None if shape is None else torch.zeros(shape, dtype=torch.float64, device=place)
        if task == "move":
            self._moved(vectors)
        else:
            self._computed(task, vectors)
        return True

    def _moved(self, offset: Tensor | None) -> None:
        assert self._move is not None
        self._move(self._shared(offset))

    def _shared(self, vectors: Tensor | None) -> Tensor | None:
        """Return rank 0's vectors on every rank."""
        if vectors is None or self._executor.size == 1:
            return vectors
        host = vectors.cpu().contiguous()
        self._executor.share(host.numpy().reshape(-1).view(np.uint8))
        return host.to(vectors.device)

    def _computed(self, task: Task, vectors: Tensor | None) -> dict[Node, Tensor]:
        """Compute this rank's share, and return all ranks' on rank 0."""
        executor, batches = self._executor, self._sums.batches
        vectors = self._shared(vectors)
        spans = [share(batches, rank, executor.size) for rank in range(executor.size)]
        own = executor.together(lambda: self._sums.nodes(task, vectors, spans[executor.rank]))
        if executor.size == 1:
            return own
        for reason in filter(None, executor.gather(executor.stop.reason)):
            executor.stop.ask(reason)
        width = self._width(task, vectors)
        flat = [one.reshape(-1).cpu() for one in own.values()]
        mine = torch.cat(flat) if flat else torch.zeros(0, dtype=torch.float64)
        numbered = [list(nodes_of(span, batches)) for span in spans]
        all_flat = executor.collect(mine.numpy(), [width * len(nodes) for nodes in numbered])
        shape = (width,) if vectors is None else tuple(vectors.shape)
        place = torch.device("cpu") if task == "values" else self._sums.variables.device
        return {
            node: torch.from_numpy(part).to(place).view(shape)
            for nodes, flat_nodes in zip(numbered, all_flat, strict=False)
            for node, part in zip(nodes, flat_nodes.reshape(len(nodes), width), strict=True)
        }

    def _width(self, task: Task, vectors: Tensor | None) -> int:
        """Return the number of entries of one sum."""
        if task == "values":
            return 2
        return self._sums.variables.size + 2 if vectors is None else vectors.numel()


def _raising(error: LandscapeError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail
