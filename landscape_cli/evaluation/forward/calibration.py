"""Finding the fastest way to do a forward pass, in a small part of the time it will save."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from landscape_cli.evaluation.data.batches import tensors_in
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.benchmark import CONFIRMATION, Benchmark, Outcome
from landscape_cli.evaluation.forward.equivalence import keeps_values, take_batches
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.out_of_memory import if_it_fits

MOST_SECONDS = 5.0
LARGEST_SHARE = 0.02
"""Calibrating takes at most this long, and at most this part of the expected run."""

LEAST_SECONDS = 1.0
"""A run whose share is less is not calibrated: there would be too little time to tell."""

RANKS = 8
"""The share is that of a run on so many ranks, or on more if there are more: so the same runs are
calibrated, and as thoroughly, whether they are on one rank or on eight."""

FEWEST_PASSES = 12
PASSES = 30
"""Passes over the sample in the time there is: with fewer than the first number nothing is tried;
with more than the second the sample is made larger."""

LOOKING, FEWEST_LOOKS = 0.2, 3
"""What the run costs is estimated from the fastest of so many passes, or more within so long."""

SAMPLES = 2048
"""Where two batches are not more, the sample has at most so many."""

SMALLEST = 8
"""The smallest micro-batch that is tried; the largest is the whole sample."""


@dataclass(frozen=True)
class Calibration:
    """What calibrating came to.

    Args:
        settings: those that the evaluator had, or faster ones.
        work: seconds that the whole run is expected to take on one rank, with the former.
        seconds: that calibrating took.
        tried: settings that were timed, with seconds for one sample of the data, what they were
            ``against`` in the same benchmark, and whether they were taken; empty for a short run.
    """

    settings: Settings
    work: float
    seconds: float
    tried: list[dict[str, Any]]

    def estimate_seconds(self, ranks: int) -> float:
        """Seconds that the run is expected to take on so many ranks, with the settings found."""
        seconds = self.work / ranks
        for one in self.tried:
            if one["taken"]:
                seconds *= one["seconds_per_sample"] / one["against"]
        return seconds


def calibrate_settings(
    evaluator: Evaluator,
    points: int,
    ranks: int,
    corner: Sequence[float],
    resize: bool = True,
) -> Calibration:
    """Look for faster settings than an evaluator has, in the time there is.

    Tried are batch norm folded, images laid out the other way in memory, and larger or smaller
    micro-batches, each on top of what was best before. Something is taken only if it is faster by
    a tenth (``Benchmark``), in two races, and if values change by rounding alone.

    Args:
        evaluator: with its data loaded; its settings are what they were when this returns.
        points: how many points the run has.
        ranks: how many ranks share them.
        corner: the coordinates of a corner of the grid, where values are compared besides the
            centre.
        resize: whether the micro-batch may change.
    """
    search = _Search(evaluator, points, ranks, corner, resize)
    try:
        if search.affordable:
            search.try_candidates()
    finally:
        evaluator.set_forward(search.start)
    return Calibration(search.best, search.work, time.perf_counter() - search.began, search.tried)


def _time_fastest_pass(benchmark: Benchmark, settings: Settings) -> float:
    """Seconds for the fastest of some passes."""
    passes: list[float] = []
    while len(passes) < FEWEST_LOOKS or sum(passes) < LOOKING:
        passes.append(benchmark.time_settings(settings))
    return min(passes)


class _Search:
    """One search: a sample of the data, the best settings so far, and a time to end."""

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
        seconds = _time_fastest_pass(first, self.start)
        self.work = points * evaluator.total_samples() * seconds / first.samples
        budget = min(MOST_SECONDS, LARGEST_SHARE * self.work / max(ranks, RANKS))
        passes = budget / (2 * seconds)
        self.affordable = budget >= LEAST_SECONDS and passes >= FEWEST_PASSES
        wanted = int(min(SAMPLES, 2 * first.samples * passes / PASSES))
        sample = take_batches(evaluator, max(wanted, first.samples + 1))
        self.benchmark = Benchmark(evaluator, sample, self.divisible, self.began + budget)

    def try_candidates(self) -> None:
        if not self.best.fold and len(self.evaluator.folding()):
            self._try_settings(replace(self.best, fold=True))
        if any(tensor.dim() == 4 for tensor in tensors_in(self.benchmark.sample[0])):
            self._try_settings(replace(self.best, channels_last=not self.best.channels_last))
        if self.divisible and not self._scale_micro_batch(2.0):
            self._scale_micro_batch(0.5)

    def _scale_micro_batch(self, factor: float) -> bool:
        """Change the micro-batch by a factor as long as that helps; say whether it did.

        Two steps may save enough where one does not, so after one in vain two are tried at once.
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
        """Take settings if they fit and are faster; once time is up, nothing is."""
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
        """Whether settings give the same values, and win a second benchmark."""
        self.evaluator.set_forward(self.start)
        if not keeps_values(self.evaluator, settings, self.corner, self.benchmark.sample[:2]):
            return False
        again = self.benchmark.compare_settings(settings, self.best, CONFIRMATION)
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
