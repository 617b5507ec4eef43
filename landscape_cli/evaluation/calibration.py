"""Finding the fastest way to do a forward pass, in a small part of the time it will save."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landscape_cli.evaluation.batches import arranged, batch_length, tensors_in
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.settings import Settings

MOST_SECONDS = 4.0
LARGEST_SHARE = 0.02
"""Calibrating takes at most this long, and at most this part of the expected run."""

GAIN = 0.03
"""A setting is taken if it saves this part of the time; less may be noise."""

TOLERANCE = 1e-5
SAMPLES = 2048
PRECISION_SAMPLES = 512
ATTEMPTS = 6
PASSES = 3
"""How many settings are expected to be tried, and passes over the sample for each."""

FEWEST_PASSES = 9
"""With time for fewer passes over a single batch, nothing is tried."""

SMALLEST = 8
"""The smallest micro-batch that is tried; the largest is the whole sample."""


def calibrate(
    evaluator: Evaluator, points: int, corner: Sequence[float], resize: bool = True
) -> Settings:
    """The fastest settings found for an evaluator in the time there is.

    Tried are images with their channels last in memory, batch norm folded into convolutions, and
    larger or smaller micro-batches, each on top of what was best before. Values change by rounding
    alone: what does not agree with the plain forward pass is not taken.

    Args:
        evaluator: with its data loaded; its settings are what they were when this returns.
        points: how many points the run will evaluate on this rank.
        corner: the coordinates of a corner of the grid, where values are compared besides the
            centre.
        resize: whether the micro-batch may change.

    Returns:
        The evaluator's settings, or faster ones.
    """
    search = _Search(evaluator, points, corner, resize)
    if search.affordable:
        search.run()
    evaluator.set_forward(search.start)
    return search.best


def agrees(
    evaluator: Evaluator, settings: Settings, corner: Sequence[float], batches: list[Any]
) -> bool:
    """Whether settings give the evaluator's own values, to 1e-5 of each, in float32.

    They do not where folding is wrong for a model, or where a sample's value depends on the others
    in its batch.

    Args:
        evaluator: its settings are what they were when this returns.
        settings: what to compare.
        corner: where to compare, besides the centre.
        batches: the samples to compare on, as the evaluator's own settings divide them.
    """
    start = evaluator.settings
    size = settings.micro_batch if settings.micro_batch != start.micro_batch else None
    same = True
    for coordinates in ((0.0,) * len(corner), corner):
        found = []
        for one, divided in ((start, None), (settings, size)):
            evaluator.set_forward(replace(one, precision="fp32"))
            data = arranged(batches, divided, one.channels_last)
            found.append(evaluator.values(coordinates, data).means()[0])
        same &= np.allclose(found[0], found[1], rtol=TOLERANCE, atol=0, equal_nan=True)
    evaluator.set_forward(start)
    return bool(same)


def precision_errors(
    evaluator: Evaluator, points: Sequence[Sequence[float]]
) -> list[dict[str, Any]]:
    """What the evaluator's precision changes, against fp32, on a sample of the first split.

    Args:
        evaluator: with its data loaded.
        points: the coordinates to compare at: the centre and the corners.

    Returns:
        For each point its coordinates and, by name, the relative difference of each value; None
        where one of the two is not finite.
    """
    start = evaluator.settings
    sample = _take(evaluator, PRECISION_SAMPLES)
    found = []
    for coordinates in points:
        means = []
        for settings in (replace(start, precision="fp32"), start):
            evaluator.set_forward(settings)
            sums = evaluator.values(coordinates, sample)
            means.append(sums.means()[0][0])
        differences = np.abs(means[1] - means[0]) / np.maximum(np.abs(means[0]), 1e-12)
        relative = {
            name: float(value) if np.isfinite(value) else None
            for name, value in zip(sums.names, differences, strict=True)
        }
        found.append({"coordinates": list(coordinates), "relative": relative})
    return found


class _Search:
    """One search: a sample of the data, the best settings so far, and a time to end."""

    def __init__(
        self, evaluator: Evaluator, points: int, corner: Sequence[float], resize: bool
    ) -> None:
        began = time.perf_counter()
        self.evaluator = evaluator
        self.corner = corner
        self.start = self.best = evaluator.settings
        self.divisible = resize and evaluator.first_split.divisible
        self.sample = _take(evaluator, SAMPLES)
        self._pass(self.start, self.sample[:1])  # the first one is slow
        seconds = self._pass(self.start, self.sample[:1])
        per_sample = seconds / _count(self.sample[:1])
        whole = per_sample * evaluator.total_samples()
        budget = min(MOST_SECONDS, LARGEST_SHARE * points * whole)
        self.end = began + budget
        passes = budget / max(seconds, 1e-9)
        self.affordable = passes >= FEWEST_PASSES
        self.sample = self.sample[: max(1, int(passes / (ATTEMPTS * PASSES)))]
        self.fastest = per_sample * _count(self.sample)

    def run(self) -> None:
        self.fastest = self._time(self.start)
        if any(tensor.dim() == 4 for batch in self.sample for tensor in tensors_in(batch)):
            self._try(replace(self.best, channels_last=True))
        if len(self.evaluator.folding()):
            self._try(replace(self.best, fold=True))
        if self.divisible and not self._climb(2.0):
            self._climb(0.5)

    def _climb(self, factor: float) -> bool:
        """Change the micro-batch by a factor as long as that helps; say whether it did."""
        helped = False
        while True:
            size = round(self.best.micro_batch * factor)
            if not SMALLEST <= size <= _count(self.sample):
                return helped
            if not self._try(replace(self.best, micro_batch=size)):
                return helped
            helped = True

    def _try(self, settings: Settings) -> bool:
        """Take settings if they are faster; once time is up, nothing is."""
        if time.perf_counter() + PASSES * self.fastest > self.end:
            return False
        seconds = self._time(settings)
        if seconds > (1 - GAIN) * self.fastest:
            return False
        self.evaluator.set_forward(self.start)
        if not agrees(self.evaluator, settings, self.corner, self.sample[:2]):
            return False
        self.best, self.fastest = settings, seconds
        return True

    def _time(self, settings: Settings) -> float:
        """Seconds for the sample at the centre: the best pass, the first not counted."""
        return min([self._pass(settings, self.sample) for _ in range(PASSES)][1:])

    def _pass(self, settings: Settings, batches: list[Any]) -> float:
        size = settings.micro_batch if self.divisible else None
        data = arranged(batches, size, settings.channels_last)
        self.evaluator.set_forward(settings)
        began = time.perf_counter()
        # Reading the means waits for the device.
        self.evaluator.values((0.0,) * len(self.evaluator.slice.directions), data).means()
        return time.perf_counter() - began


def _count(batches: list[Any]) -> int:
    return sum(batch_length(batch) or 1 for batch in batches)


def _take(evaluator: Evaluator, samples: int) -> list[Any]:
    """The first batches of the first split, until there are so many samples."""
    batches: list[Any] = []
    for batch in evaluator.first_split:
        batches.append(batch)
        samples -= batch_length(batch) or 1
        if samples <= 0:
            break
    return batches
