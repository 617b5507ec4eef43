"""The null walks of a map, which the ranks share."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from landscape_cli.diffusion.study import NullWalks, WalkMap
from landscape_cli.parallel.executor import Executor
from landscape_cli.run.curvature.shared_sums import TIME_LIMIT, StoppedError
from landscape_cli.run.diffusion.mapping import Draw, with_draws
from landscape_cli.run.diffusion.opening import numbers_of
from landscape_cli.run.diffusion.recording import DiffusionRecorder
from landscape_cli.run.diffusion.request import Request
from landscape_cli.util.progress import Progress


def compute_walks(
    executor: Executor,
    request: Request,
    draws: Sequence[Draw],
    recorder: DiffusionRecorder | None,
    bar: Progress,
) -> None:
    """Draw null walks and compute their maps, one a rank at a time; called by every rank.

    Args:
        executor: the ranks.
        request: the settings.
        draws: the walks, each the same on any rank.
        recorder: on rank 0, it has the distances and receives the walks; None elsewhere.
        bar: counts walks.

    Raises:
        StoppedError: if the ranks were asked to stop.
    """
    walks = _shared_walks(executor, request, recorder)
    for start in range(0, len(draws), executor.size):
        together = draws[start : start + executor.size]
        _check_stop(executor, walks.slowest)
        own = together[executor.rank] if executor.rank < len(together) else None
        found = executor.together(partial(walks.draw, own))
        drawn = [one for one in executor.gather(found) if one is not None]
        bar.update(len(drawn))
        if recorder is not None:
            seed = request.choices.seed
            recorder.record = with_draws(recorder.record, seed, together, drawn)
            recorder.publish_if_due()


class _Walks:
    """Draws walks by kind and number."""

    def __init__(self, request: Request, distances2: NDArray[np.float64], parameters: int) -> None:
        self._request, self._distances2, self._parameters = request, distances2, parameters
        self._kinds: dict[str, NullWalks] = {}
        self.slowest = 0.0

    def draw(self, draw: Draw | None) -> WalkMap | None:
        """Draw a walk, and compute its map; nothing for None."""
        if draw is None:
            return None
        begin = time.monotonic()
        kind, number = draw
        if kind not in self._kinds:
            training = numbers_of(self._request.paths, 0)
            choices = self._request.choices
            self._kinds[kind] = NullWalks(
                kind, self._distances2, training, self._parameters, choices
            )
        found = self._kinds[kind].draw(number)
        self.slowest = max(self.slowest, time.monotonic() - begin)
        return found


def _shared_walks(
    executor: Executor, request: Request, recorder: DiffusionRecorder | None
) -> _Walks:
    """Give every rank the distances of rank 0."""
    count = len(request.checkpoints)
    parameters = executor.lead(lambda: recorder.record.parameters if recorder else 0)
    known = None if recorder is None else recorder.record.distances2
    distances2 = np.empty((count, count)) if known is None else np.ascontiguousarray(known)
    executor.share(distances2.reshape(-1).view(np.uint8))
    return _Walks(request, distances2, parameters)


def _check_stop(executor: Executor, seconds: float) -> None:
    """Stop all ranks together, if one was asked to or there is no time for another walk."""
    stop = executor.stop
    if stop.left <= seconds:
        stop.ask(TIME_LIMIT)
    for reason in filter(None, executor.gather(stop.reason)):
        raise StoppedError(reason)
