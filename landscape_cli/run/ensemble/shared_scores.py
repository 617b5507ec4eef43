"""Scores over all of a split's batches, which the ranks share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.derivatives.tree_sums import share
from landscape_cli.evaluation.devices import CPU, free_memory
from landscape_cli.evaluation.ensembles.local_scores import Join, local_scores, nothing
from landscape_cli.evaluation.ensembles.scores import BINS, QUANTITIES, BatchScores
from landscape_cli.evaluation.ensembles.statistics import SplitScores
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.predictions import Predict
from landscape_cli.run.curvature.shared_sums import TIME_LIMIT, StoppedError

Floats = NDArray[np.float64]

PER_SAMPLE, PER_BATCH = len(QUANTITIES) + 1, 3 * BINS
"""Numbers that are sent for each sample, and for each batch."""


@dataclass
class SharedScores:
    """Scores predictions with all ranks; every rank calls each method.

    Scores of samples are gathered in their order, so bits do not depend on the number of ranks.

    Args:
        executor: the ranks.
        evaluator: holds the model and the data, which all ranks have.
        predict: of the objective.
        after: called after each of this rank's batches.
        before: called before each, to restore what forward passes have changed.
    """

    executor: Executor
    evaluator: Evaluator
    predict: Predict
    after: Callable[[], None] = nothing
    before: Callable[[], None] = nothing
    _batches: dict[str, int] = field(default_factory=dict)
    _slowest: float = 0.0

    def share(self, split: str) -> range:
        """Return the numbers of this rank's batches."""
        if split not in self._batches:
            self._batches[split] = sum(1 for _ in self.evaluator.splits[split])
        return share(self._batches[split], self.executor.rank, self.executor.size)

    def room(self) -> int:
        """Return the bytes that predictions may take: half of what is free for a rank."""
        beside = self.executor.hosts.count(self.executor.hosts[self.executor.rank])
        return free_memory(CPU, max(1, beside)) // 2

    def score(self, split: str, join: Join) -> tuple[SplitScores, SplitScores] | None:
        """Score the network that the model is, and the average that ``join`` returns.

        Returns:
            Both scores on rank 0; None on others.

        Raises:
            StoppedError: if the ranks were asked to stop, or there is no time for another pass.
            LandscapeError: the error of the first rank that failed.
        """
        self._check_stop()
        evaluator, begin = self.evaluator, time.monotonic()

        def locally() -> tuple[list[BatchScores], list[BatchScores]]:
            span = self.share(split)
            with evaluator.plain():
                return local_scores(
                    evaluator.model,
                    self.predict,
                    evaluator.splits[split],
                    span,
                    join,
                    self.before,
                    self.after,
                )

        own, joint = self.executor.together(locally)
        self._slowest = max(self._slowest, time.monotonic() - begin)
        alone, together = self._gathered(own), self._gathered(joint)
        return None if alone is None or together is None else (alone, together)

    def _check_stop(self) -> None:
        """Stop all ranks together, if one was asked to."""
        stop = self.executor.stop
        if stop.left < self._slowest:
            stop.ask(TIME_LIMIT)
        for reason in filter(None, self.executor.gather(stop.reason)):
            raise StoppedError(reason)

    def _gathered(self, scores: Sequence[BatchScores]) -> SplitScores | None:
        """Return the scores of all ranks' batches on rank 0."""
        own = [_packed(one) for one in scores]
        sizes = self.executor.gather([(len(one.counts), one.not_finite) for one in scores])
        lengths = [sum(PER_SAMPLE * n + PER_BATCH for n, _ in each) for each in sizes]
        parts = self.executor.collect(np.concatenate([*own, np.zeros(0)]), lengths)
        if not parts:
            return None
        flat, batches = np.concatenate(parts), [one for each in sizes for one in each]
        ends = np.cumsum([PER_SAMPLE * n + PER_BATCH for n, _ in batches], dtype=np.int64)
        return SplitScores.of_batches(
            [
                _unpacked(one, samples, wrong)
                for one, (samples, wrong) in zip(np.split(flat, ends), batches, strict=False)
            ]
        )


def _packed(one: BatchScores) -> Floats:
    return np.concatenate([one.sums.reshape(-1), one.counts, one.bins.reshape(-1)])


def _unpacked(flat: Floats, samples: int, not_finite: int) -> BatchScores:
    sums, counts, bins = np.split(flat, np.cumsum([len(QUANTITIES) * samples, samples]))
    shape = (len(QUANTITIES), samples)
    return BatchScores(sums.reshape(shape), counts, bins.reshape(3, BINS), not_finite)
