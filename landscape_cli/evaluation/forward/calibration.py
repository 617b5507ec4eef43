"""Calibration: search for the fastest settings of the forward pass, in a fraction of the run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from landscape_cli.evaluation.data.batches import has_images
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.benchmark import CONFIRMATION_ROUNDS, Benchmark, Outcome
from landscape_cli.evaluation.forward.defaults import BATCHES_PER_THREAD, suits_threads
from landscape_cli.evaluation.forward.equivalence import keeps_values, take_batches
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.out_of_memory import if_it_fits

MOST_SECONDS = 5.0
LARGEST_SHARE = 0.02
"""Upper bounds on the time budget of calibration: seconds, and fraction of the expected run."""

LEAST_SECONDS = 1.0
"""Budget in seconds below which a run is not calibrated, for lack of time to measure."""

RANKS = 8
"""Smallest number of ranks assumed in the budget, so that a run is calibrated equally thoroughly on
one rank and on eight."""

FEWEST_PASSES = 12
"""Passes over the sample within the budget below which nothing is tried."""

PASSES = 30
"""Passes over the sample within the budget above which the sample is enlarged."""

LOOKING, FEWEST_LOOKS = 0.2, 3
"""Lower bounds, in seconds and passes, on the timing from which the run's cost is estimated."""

SAMPLES = 2048
"""Upper bound on the sample size, unless two batches are already larger."""

SMALLEST = 8
"""Smallest micro-batch that is tried; the largest is the whole sample."""


@dataclass(frozen=True)
class Calibration:
    """Outcome of a calibration.

    Args:
        settings: the fastest settings found; the evaluator's own if none is clearly faster.
        work: expected seconds of the whole run on one rank, with the evaluator's own settings.
        seconds: duration of the calibration.
        tried: the settings that were timed, each with its seconds per sample, those of the settings
            it was compared ``against``, and whether it was taken; empty for a short run.
    """

    settings: Settings
    work: float
    seconds: float
    tried: list[dict[str, Any]]

    def estimate_seconds(self, ranks: int) -> float:
        """Estimate the duration of the run on a number of ranks, with the settings found."""
        seconds = self.work / ranks
        for trial in self.tried:
            if trial["taken"]:
                seconds *= trial["seconds_per_sample"] / trial["against"]
        return seconds


def calibrate_settings(
    evaluator: Evaluator,
    points: int,
    ranks: int,
    corner: Sequence[float],
    resize: bool = True,
) -> Calibration:
    """Search for faster settings than an evaluator has, within a time budget.

    The candidates are folded batch norm, other memory orders of images, a batch per thread or not
    for convolutional networks, and larger or smaller micro-batches, each tried on top of the
    best settings so far. A candidate is taken only if it is faster by a tenth in two comparisons
    (``Benchmark``), and values change only by rounding.

    Args:
        evaluator: an evaluator with its data loaded; its settings are restored at the end.
        points: the number of points of the run.
        ranks: the number of ranks that share them.
        corner: the coordinates of a corner of the grid, at which values are compared, as at the
            origin.
        resize: whether the micro-batch may change.
    """
    search = _Search(evaluator, points, ranks, corner, resize)
    try:
        if search.affordable:
            search.try_candidates()
    finally:
        evaluator.set_forward(search.start)
    return Calibration(search.best, search.work, time.perf_counter() - search.began, search.tried)


class _Search:
    """State of a search: a sample of the data, the best settings so far, and the deadline."""

    def __init__(
        self,
        evaluator: Evaluator,
        points: int,
        ranks: int,
        corner: Sequence[float],
        resize: bool,
    ) -> None:
        self.began = time.perf_counter()
        self.evaluator = evaluator
        self.corner = corner
        self.start = self.best = evaluator.settings
        self.divisible = resize and evaluator.first_split.divisible
        self.tried: list[dict[str, Any]] = []
        first = Benchmark(evaluator, take_batches(evaluator, 1), False)
        run = points * evaluator.total_samples() / first.samples  # in passes
        share = LARGEST_SHARE / max(ranks, RANKS)
        seconds = self._time_fastest_pass(first, share * run)
        self.work = run * seconds
        budget = min(MOST_SECONDS, share * self.work)
        passes = budget / (2 * seconds)
        self.affordable = budget >= LEAST_SECONDS and passes >= FEWEST_PASSES
        wanted = int(min(SAMPLES, 2 * first.samples * passes / PASSES))
        sample = take_batches(evaluator, max(wanted, first.samples + 1))
        self.benchmark = Benchmark(evaluator, sample, self.divisible, self.began + budget)

    def _time_fastest_pass(self, benchmark: Benchmark, limit: float) -> float:
        """Time the fastest of several passes, in seconds; end once the run is known to be short.

        Args:
            benchmark: of the first batch.
            limit: how many such passes the budget may take.
        """
        passes: list[float] = []
        while len(passes) < FEWEST_LOOKS or sum(passes) < LOOKING:
            passes.append(benchmark.time_settings(self.start))
            if limit * passes[-1] < LEAST_SECONDS:
                break
        return min(passes)

    def try_candidates(self) -> None:
        if not self.best.fold and len(self.evaluator.folding()):
            self._try_settings(replace(self.best, fold=True))
        if has_images(self.benchmark.sample[0]):
            self._try_settings(replace(self.best, channels_last=not self.best.channels_last))
        if self.best.precision == "bf16" and len(self.evaluator.hwnc()):
            self._try_settings(replace(self.best, hwnc=not self.best.hwnc))
        batches = self.benchmark.samples / self.best.micro_batch
        enough = batches >= torch.get_num_threads() * BATCHES_PER_THREAD
        if enough and suits_threads(self.evaluator):
            self._try_settings(replace(self.best, concurrent=not self.best.concurrent))
        if self.divisible and not self._scale_micro_batch(2.0):
            self._scale_micro_batch(0.5)

    def _scale_micro_batch(self, factor: float) -> bool:
        """Multiply the micro-batch by a factor while that helps, and return whether it ever did.

        Two steps may save enough where one does not, so after a failed step a double one is tried.
        """
        helped, step = False, factor
        while True:
            size = round(self.best.micro_batch * step)
            if not SMALLEST <= size <= self.benchmark.samples:
                return helped
            if self._try_settings(replace(self.best, micro_batch=size)):
                helped, step = True, factor
            elif step == factor:
                step *= factor
            else:
                return helped

    def _try_settings(self, settings: Settings) -> bool:
        """Take settings if they fit in memory and are clearly faster, and time is left."""
        outcome = if_it_fits(
            lambda: self.benchmark.compare_settings(settings, self.best), self.evaluator.device
        )
        if outcome is None:
            return False
        taken = outcome.faster and self._confirm_settings(settings)
        self._record_trial(settings, outcome, taken)
        if taken:
            self.best = settings
        return taken

    def _confirm_settings(self, settings: Settings) -> bool:
        """Tell whether settings keep the values and win a second comparison."""
        self.evaluator.set_forward(self.start)
        if not keeps_values(self.evaluator, settings, self.corner, self.benchmark.sample[:2]):
            return False
        again = self.benchmark.compare_settings(settings, self.best, CONFIRMATION_ROUNDS)
        return again is not None and again.faster

    def _record_trial(self, settings: Settings, outcome: Outcome, taken: bool) -> None:
        self.tried.append(
            {
                "settings": settings.as_dict(),
                "seconds_per_sample": outcome.seconds,
                "against": outcome.against,
                "taken": taken,
            }
        )
